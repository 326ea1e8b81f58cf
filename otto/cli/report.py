"""`otto report`: how well Otto has understood, week by week."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from otto.cli.terminal import note, print_table, say

if TYPE_CHECKING:
    from otto.report import Period

EXAMPLES = """Examples:

otto report

otto report --by day --svg understood.svg

otto report --json"""

_NUMBERS = ("commands", "refused", "failed", "reviewed", "corrected", "right", "route ms")


def report(
    by: Annotated[Literal["day", "week"], typer.Option(help="A row for each day or week.")] = "week",
    svg: Annotated[Path | None, typer.Option(help="Write the picture to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a period.")] = False,
) -> None:
    """Show how many commands were understood, and how many had to be corrected."""
    from otto.config import load
    from otto.errors import OttoError, StoreError
    from otto.files import write_atomic
    from otto.report import report as periods_of
    from otto.report import svg as picture
    from otto.store import open_store
    from otto.store.history import KEPT

    store = open_store(load().database)
    try:
        if not store.saves:
            raise StoreError(store.trouble)
        periods = periods_of(store.history.last(KEPT), by=by)
    finally:
        store.close()
    if svg is not None:
        try:
            write_atomic(svg, picture(periods))
        except OSError as error:
            raise OttoError(f"{svg}: cannot be written: {error.strerror}") from error
        note(f"The picture is in {svg}.")
    if as_json:
        for period in periods:
            print(json.dumps(period.to_json()))
    elif not periods:
        say("Nothing is in the history yet.")
    else:
        print_table(("from", *_NUMBERS), map(_row, periods), right=_NUMBERS)


def _row(period: Period) -> tuple[str, ...]:
    right = "–" if period.right is None else f"{period.right:.0%}"
    counts = (period.commands, period.refused, period.failed, period.reviewed, period.corrected)
    return f"{period.begin:%d %b %Y}", *map(str, counts), right, f"{period.route_ms:.1f}"
