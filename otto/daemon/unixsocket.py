"""The socket that the daemon listens on, and the lines that go over it.

    path = socket_path()                    # $XDG_RUNTIME_DIR/otto/daemon.sock
    listening = bind(path)                  # 0600 in a folder 0700; DaemonError when another daemon has it
    lines = Lines(connection); lines.read(); lines.write({"do": "status"})

One JSON object a line, in both directions, at most 64 kB. Whoever can open the socket is the user: the mode of the
folder and of the socket is all the protection there is, and all that is needed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from otto.errors import OttoError

MAX_LINE = 65_536
"""Bytes in a line, its end included."""
_MAX_PATH = 100  # the system's limit for the name of a socket is 104 or 108 bytes


class DaemonError(OttoError):
    """The daemon cannot be started, reached or understood. Seen by the user."""


class LineError(OttoError):
    """A line that is too long or no JSON object. Seen by whoever sent it."""

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        """`fatal`: nothing can be read after it."""
        self.fatal = fatal
        super().__init__(message)


def socket_path(name: str = "daemon") -> Path:
    """Where the daemon of this user listens, or what else is called `name`. Raises `DaemonError` when its name would be
    too long for a socket."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) / "otto" if base else Path(tempfile.gettempdir()) / f"otto-{os.getuid()}"
    path = folder / f"{name}.sock"
    if len(os.fsencode(path)) > _MAX_PATH:
        raise DaemonError(f"The name of the socket is too long: {path}. Set XDG_RUNTIME_DIR to a shorter path.")
    return path


def bind(path: Path) -> socket.socket:
    """A listening socket at `path`. A dead socket there is removed; nothing else ever is.

    Raises `DaemonError` when a daemon answers there, when something else lies there, or the folder is not ours.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _own(path.parent)
        _make_room(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _umask(0o177):  # no moment between bind and chmod in which others could connect
                listening.bind(str(path))
            listening.listen(128)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise DaemonError(f"The socket {path} cannot be made: {error.strerror}.") from error
    return listening


def connect(path: Path, seconds: float = 1.0) -> socket.socket | None:
    """A connection to the daemon at `path`; None when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def unlink(path: Path, listening: socket.socket) -> None:
    """Removes our own socket: only while it is the one that `listening` was bound to."""
    listening.close()
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode) and not _answers(path):
            path.unlink()


class Lines:
    """JSON objects over a connection, for a client: it waits."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def read(self) -> dict[str, object] | None:
        """The next object; None at the end. Raises `LineError`, `TimeoutError`."""
        line = self._file.readline(MAX_LINE + 1)
        return parse(line) if line else None

    def write(self, entry: Mapping[str, object]) -> None:
        self._connection.sendall(line(entry))

    def close(self) -> None:
        self._file.close()
        self._connection.close()


def parse(line: bytes) -> dict[str, object]:
    """The object in a line. Raises `LineError`."""
    if len(line) > MAX_LINE:
        raise LineError(f"a line may have at most {MAX_LINE:,} bytes")
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise LineError("a line must be one JSON object") from None
    if not isinstance(entry, dict):
        raise LineError("a line must be one JSON object")
    return entry


def line(entry: Mapping[str, object]) -> bytes:
    """An object as a line. What is too long loses its `results` first: everything else is short."""
    written = json.dumps(entry).encode() + b"\n"
    if len(written) > MAX_LINE:
        short = {key: value for key, value in entry.items() if key not in ("results", "alternatives")}
        reply = str(short.get("reply", ""))
        short["reply"] = reply[: MAX_LINE // 12]
        written = json.dumps(short).encode() + b"\n"
    return written


def _own(folder: Path) -> None:
    """The folder is ours and nobody else may look into it."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise DaemonError(f"{folder} is not a folder of this user; remove it, or set XDG_RUNTIME_DIR.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def _make_room(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DaemonError(f"{path} is in the way: it is no socket. Look at it, and remove it if it is not needed.")
    if _answers(path):
        raise DaemonError("A daemon is running already: otto daemon status")
    path.unlink()


def _answers(path: Path) -> bool:
    connection = connect(path)
    if connection:
        connection.close()
    return connection is not None


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
