"""What the program of a child process (`otto/worker/child.py`) does first, whatever its work is.

questions, answers = private_pipes()
leave_no_core()
"""

from __future__ import annotations

import os
from typing import IO


def private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output under new descriptors that no started program inherits; theirs lead nowhere now, and
    what a library or a skill prints is no answer."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return questions, answers


def leave_no_core() -> None:
    """A crash would write all memory to the disk: a whole model, or what was said."""
    try:
        import resource
    except ImportError:  # not a Unix
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
