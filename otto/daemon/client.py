"""Asking the daemon that runs, if one does.

>>> answer = ask_daemon("set a timer for ten minutes", confirm=terminal_question)
>>> answer is None                      # there is no daemon: do it in this process
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from otto.daemon.unixsocket import DaemonError, LineError, Lines, connect, socket_path

ASK_SECONDS = 900.0
"""Longer than any skill may take, its question to the user included."""


def ask_daemon(
    text: str,
    *,
    dry_run: bool = False,
    confirm: Callable[[str], bool] = lambda question: False,
    path: Path | None = None,
) -> dict[str, object] | None:
    """What `otto ask --json` prints, from the daemon; None when none is running, so that the caller does it itself.

    `confirm` is asked the daemon's question, if it has one. The answer has `error` in place of most of it when the text
    was no command or the daemon was busy. Raises `DaemonError` when the daemon ended in the midst of it.
    """
    return request({"do": "ask", "text": text, "dry_run": dry_run}, confirm=confirm, path=path, seconds=ASK_SECONDS)


def request(
    entry: Mapping[str, object],
    *,
    confirm: Callable[[str], bool] = lambda question: False,
    path: Path | None = None,
    seconds: float = 10.0,
) -> dict[str, object] | None:
    """The daemon's answer to `entry`; None when none is running. Raises `DaemonError`."""
    if not hasattr(os, "getuid"):
        return None
    connection = connect(path or socket_path())
    if connection is None:
        return None
    connection.settimeout(seconds)
    lines = Lines(connection)
    try:
        lines.write(entry)
        while (answer := lines.read()) is not None:
            if "question" not in answer:
                return answer
            lines.write({"yes": confirm(str(answer["question"]))})
    except (OSError, LineError) as error:
        raise DaemonError(f"The daemon did not answer: {error}. See: otto daemon status") from error
    finally:
        lines.close()
    raise DaemonError("The daemon ended before it answered. See: otto daemon status")
