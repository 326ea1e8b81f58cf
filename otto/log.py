"""The log: one line a record, whatever is in it; no secret ever; what was said only at level debug.

    set_up("info", settings.state_folder / "otto.log")
    log = logging.getLogger(__name__)
    log.info("routed %s in %.1f ms", Spoken(text), milliseconds)     # "routed [4 words] in 2.1 ms"

Three rules, each kept here and not by those who log:
- control characters (line ends, escape sequences, marks of reading direction) are written as escapes, so that nothing
  said or fetched can forge a line or drive a terminal;
- values of environment variables that are named like secrets, what `hide` was told, and what looks like a key are
  replaced by "[secret]", in messages and in exceptions;
- whatever comes from an utterance is logged as `Spoken`; and since the message of an exception often quotes it, only
  its type and place are logged above level debug.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from otto.call import FORBIDDEN

PACKAGES = ("otto", "skills", "finetune")
"""Whose records the level is for. Of other libraries only warnings are kept: httpx logs addresses, openai prompts."""
LARGEST = 1_000_000
"""Bytes; a larger log becomes `otto.log.1` when the next program starts."""
LONGEST_CHAIN = 10
"""Exceptions of which one caused the other."""
SHORTEST_SECRET = 6
"""Characters; "on" in a variable named like a secret is none."""

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SECRET_SHAPE = re.compile(
    r"(?P<before>\b(?:Bearer|Basic)\s+|://[^/\s:@]*:)(?P<value>[^\s'\",@]{4,})"  # headers, and passwords in addresses
    r"|\b(?:sk|pk|hf|ghp|gho|xox[bp])[-_][A-Za-z0-9_-]{12,}"
)
_hidden: set[str] = set()
_Caught = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Spoken(str):
    """Words of the user, for a log message: their number, and themselves only at level debug."""

    __slots__ = ()

    def __str__(self) -> str:
        return str.__str__(self) if _telling() else f"[{len(self.split())} words]"

    def __repr__(self) -> str:
        return str.__repr__(self) if _telling() else str(self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def set_up(level: str = "warning", file: Path | None = None, *, conversing: bool = False) -> None:
    """Log into `file` (0600, appended to), or to standard error if there is none or it cannot be written.

    `level`: debug, info, warning or error. `conversing`: somebody reads standard error, who is told what matters in a
    sentence; a log that cannot be written is then left out. May be called again; the new setting replaces the old.
    """
    root = logging.getLogger()
    for former in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(former)
        former.close()
    handler = _Handler(_stream(file, conversing))
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"))
    root.addHandler(handler)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level.upper())


def hide(secret: str) -> None:
    """Never log `secret` (a key read from a file, a token). Environment variables need no telling."""
    if len(secret) >= SHORTEST_SECRET:
        _hidden.add(secret)


def escaped(text: str) -> str:
    """`text` on one line: control characters, and marks that change how the rest is shown, as escapes."""
    return FORBIDDEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def without_secrets(text: str) -> str:
    """`text` with "[secret]" for every secret that is known or can be told by its shape."""
    # The longest first: one secret may hold another.
    for secret in sorted({*_hidden, *_in_environment()}, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return _SECRET_SHAPE.sub(lambda found: f"{found['before'] or ''}[secret]", text)


def _in_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if len(value) >= SHORTEST_SECRET and _SECRET_NAME.search(name):
            yield value


def _telling() -> bool:
    return logging.getLogger("otto").isEnabledFor(logging.DEBUG)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler may have left one with the message in it
        line = super().format(record)
        record.exc_text = None
        return escaped(without_secrets(line))

    def formatException(self, ei: _Caught) -> str:
        error = ei[1]
        if error is not None and _telling():
            return "".join(traceback.format_exception(error))
        parts: list[str] = []
        while error is not None and len(parts) < LONGEST_CHAIN:
            parts.append(f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
            error = error.__cause__ or error.__context__
        return "caused by ".join(parts)


class _Handler(logging.StreamHandler[IO[str]]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written (a full disk, a closed terminal) is no reason to stop or print a traceback."""

    def close(self) -> None:
        if self.stream is not sys.stderr:
            with suppress(OSError):
                self.stream.close()
        super().close()


def _stream(file: Path | None, conversing: bool) -> IO[str]:
    if file is None:
        return sys.stderr
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > LARGEST:
            os.replace(file, file.with_name(file.name + ".1"))
        return open(file, "a", encoding="utf-8", errors="backslashreplace", opener=_private)
    except OSError as error:
        if conversing:
            return open(os.devnull, "a", encoding="utf-8")
        sys.stderr.write(f"otto: the log {escaped(str(file))} cannot be written: {error.strerror}\n")
        return sys.stderr


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
