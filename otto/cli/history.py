"""`otto history`: what was said, what was understood, what came of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from otto.cli.terminal import print_table, say
from otto.store import Entry, Record

EXAMPLES = """Examples:

otto history -n 5

otto history timer   (entries that hold the word)

otto history --audit   (every call that ran, was asked about, or was refused)

otto history --forget"""


def history(
    words: Annotated[str, typer.Argument(help="Only entries that hold these words.")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 20,
    audit: Annotated[bool, typer.Option("--audit", help="The audit trail of calls instead.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Wipe the history from the disk.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show or wipe what was said and done."""
    from otto.config import load
    from otto.errors import StoreError
    from otto.store import open_store

    store = open_store(load().database)
    try:
        if not store.saves:
            raise StoreError(store.trouble)
        if forget:
            store.history.forget()
            say("The history is wiped.")
            return
        rows: list[Entry | Record] = []
        rows += (
            store.audit.last(count)
            if audit
            else store.history.find(words, count)
            if words
            else store.history.last(count)
        )
    finally:
        store.close()
    if as_json:
        for row in reversed(rows):
            print(json.dumps(dataclasses.asdict(row), default=str, ensure_ascii=False))
        return
    headings = ("when", "event", "call", "detail") if audit else ("when", "said", "understood", "sure", "reply")
    print_table(headings, map(cells, reversed(rows)))


def cells(row: Entry | Record) -> tuple[str, ...]:
    """One row of the table."""
    if isinstance(row, Entry):
        call = f"{row.calls} (corrected: {row.correction})" if row.correction else row.calls
        return f"{row.at:%m-%d %H:%M}", row.text, call, f"{row.confidence:.2f}", row.reply
    return f"{row.at:%m-%d %H:%M}", row.event, row.call, row.detail
