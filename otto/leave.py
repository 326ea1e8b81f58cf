"""The end of a process whose threads may still be inside a library.

    daemon.run()
    leave()                                 # everything of ours is closed; nothing after this is done

Python ends its daemon threads where they next touch it. Inside a C++ library that aborts the whole process ("terminate
called without an active exception"), and a thread of a pool is waited for, however long it takes. A process that was
told to stop ends with 0, and in time: so the system ends it, not Python.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress


def leave(code: int = 0) -> None:
    """Ends this process at once with `code`; what was printed and logged is written first."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)
