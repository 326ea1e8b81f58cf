"""Writing a file whole: after a crash at any moment the file holds its old content or its new one, never a part.

    write_atomic(folder / "lights_examples.txt", text)
    write_atomic(folder / "token", token, private=True)

Every file that Otto writes goes through here (SQLite keeps its own promises); `tests/test_files.py` holds the
packages to it.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, data: str | bytes, *, private: bool = False) -> None:
    """Put `data` (text as UTF-8) at `path`, all or nothing. A link is followed; an existing file's mode is kept.

    `private`: readable by the user alone (0600). The folder must exist. Raises `OSError` with the old file untouched.
    """
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            with suppress(FileNotFoundError):
                partial.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last. Only POSIX can open a folder, and not every file system can sync one."""
    if os.name != "posix":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
