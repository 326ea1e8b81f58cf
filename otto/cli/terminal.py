"""What the commands print and ask: plain on a pipe, coloured on a terminal unless `NO_COLOR` is set."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

PATIENCE_SECONDS = 0.7
"""A progress bar appears only for what takes longer than this."""
WIDE = 240
"""Columns of a table that no person reads: nothing is cut off in a pipe."""


def coloured(stream: object) -> bool:
    """Whether colours are welcome there (https://no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")


def say(text: str) -> None:
    """An answer, on standard output."""
    print(text, flush=True)


def note(text: str) -> None:
    """Something beside the answer, on standard error."""
    print(f"\x1b[2m{text}\x1b[0m" if coloured(sys.stderr) else text, file=sys.stderr, flush=True)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = ()) -> None:
    """A table on standard output; texts are shown as they are. `right`: columns of numbers. There is no line for
    headings where all are empty."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDE).print(table)


def terminal_question(question: str) -> bool:
    """A yes-or-no question to the person at the terminal. Without a terminal, or without an answer: no."""
    if not sys.stdin.isatty():
        note(f"{question} Nobody is there to say yes; --yes says it in advance.")
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes", "yes please", "sure", "ok", "okay")
    except EOFError:
        return False


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """Yields `progress(what, share)`; a bar on standard error when that is a terminal and the work takes a while."""
    if not sys.stderr.isatty():
        yield lambda what, share: None
        return
    bar = _Bar()
    try:
        yield bar.update
    finally:
        bar.close()


class _Bar:
    """Loads rich only once there is something to show: most commands are over before."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._progress: object | None = None

    def update(self, what: str, share: float) -> None:
        from rich.console import Console
        from rich.progress import Progress

        if self._progress is None and time.monotonic() - self._started < PATIENCE_SECONDS:
            return
        if self._progress is None:
            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task(what, total=1.0)
        assert isinstance(self._progress, Progress)
        self._progress.update(self._task, description=what, completed=share)

    def close(self) -> None:
        from rich.progress import Progress

        if isinstance(self._progress, Progress):
            self._progress.stop()
