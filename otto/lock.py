"""A lock file: at most one process at a time. The system lets go of it when the process dies, however it dies.

with FileLock(folder / "otto.db.lock", wait=5):
    ...                                    # StoreError when somebody held it for 5 seconds
lock = FileLock(path)
if lock.take(): ...; lock.release()
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType

from otto.errors import StoreError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLock:
    """Held by one open file: two locks on one path exclude each other within a process as well."""

    def __init__(self, path: Path, *, wait: float = 0) -> None:
        """`wait`: seconds that `with` waits for another holder."""
        self.path = path
        self.wait = wait
        self._descriptor = -1

    def take(self) -> bool:
        """Whether the lock is held now. Raises `OSError` where the file cannot be made."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """The file stays: removing it would let two processes lock two different files of one name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        deadline = time.monotonic() + self.wait
        while not self.take():
            if time.monotonic() >= deadline:
                raise StoreError(f"Another Otto has held {self.path} for {self.wait:g} seconds; end it and try again.")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
