"""What was said, what it was taken for, and what came of it: the last 1,000 commands, if the user keeps any.

store.history.add(Entry(now, "which timers run", calls, 0.97, "fewshot", True, "None."))
store.history.last(10)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from otto.errors import StoreError
from otto.store import moment
from otto.store.backend import Backend, Row
from otto.store.database import kept

KEPT = 1000
"""Commands kept; older ones go."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command, from utterance to reply."""

    at: datetime
    """When it was said (aware; UTC when read back)."""
    text: str
    """The utterance."""
    calls: str
    """The calls of the route, as `otto.call.write` writes them."""
    confidence: float
    """From 0 to 1."""
    router: str
    ok: bool
    """Whether every call was carried out."""
    reply: str
    results: tuple[Mapping[str, object], ...] = ()
    """One a call, whatever JSON can hold: `ok`, `value`, `error`, `seconds`."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds by step."""
    correction: str = ""
    """The calls that were meant, if the user corrected it (`otto fix`)."""
    id: int = 0
    """Given by `add`; never given twice."""


class History:
    """The table of commands. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add(self, entry: Entry) -> Entry:
        """Keeps it, as the newest; returns it with its id."""
        values = (
            moment.seconds(entry.at),
            kept(entry.text),
            kept(entry.calls),
            float(entry.confidence),
            entry.router,
            int(entry.ok),
            kept(entry.reply),
            json.dumps([dict(result) for result in entry.results]),
            json.dumps(dict(entry.timings_ms)),
            kept(entry.correction),
        )
        with self._database.write("the history", lasting=False) as connection:
            added = connection.execute(
                "INSERT INTO history (at, text, calls, confidence, router, ok, reply, results, timings_ms, correction)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            connection.execute(
                "DELETE FROM history WHERE id <= (SELECT id FROM history ORDER BY id DESC LIMIT 1 OFFSET ?)", (KEPT,)
            )
        return replace(entry, id=added.lastrowid or 0)

    def last(self, count: int = 1) -> tuple[Entry, ...]:
        """The newest `count`, newest first."""
        return self._select("true ORDER BY id DESC LIMIT ?", count)

    def get(self, number: int) -> Entry | None:
        """The command with this id."""
        found = self._select("id = ?", number)
        return found[0] if found else None

    def find(self, words: str, count: int = KEPT) -> tuple[Entry, ...]:
        """Those with every one of `words` in utterance, calls or reply, whatever the case; newest first."""
        wanted = words.casefold().split()
        found = (
            entry
            for entry in self.last(KEPT)
            if all(word in f"{entry.text}\n{entry.calls}\n{entry.reply}".casefold() for word in wanted)
        )
        return tuple(found)[:count]

    def correct(self, number: int, calls: str) -> Entry:
        """Notes what was meant. Raises `StoreError` also when there is no such command."""
        with self._database.write("that correction") as connection:
            changed = connection.execute("UPDATE history SET correction = ? WHERE id = ?", (kept(calls), number))
            if not changed.rowcount:
                raise StoreError(f"There is no command with the number {number} in the history.")
        (entry,) = self._select("id = ?", number)
        return entry

    def forget(self) -> int:
        """Wipes all of it, and from the audit trail everything but which skill did what, and when.

        Nothing of it is left in the file's bytes afterwards. Returns how many commands were forgotten.
        """
        with self._database.write("that it is forgotten") as connection:
            forgotten = connection.execute("DELETE FROM history").rowcount
            connection.execute("UPDATE audit SET call = '', detail = ''")
        self._database.scrub()
        return forgotten

    def _select(self, where: str, *values: object) -> tuple[Entry, ...]:
        with self._database.read("the history") as connection:
            return tuple(map(_entry, connection.execute(f"SELECT * FROM history WHERE {where}", values).fetchall()))  # noqa: S608


def _entry(row: Row) -> Entry:
    return Entry(
        at=moment.moment(row["at"]),
        text=row["text"],
        calls=row["calls"],
        confidence=row["confidence"],
        router=row["router"],
        ok=bool(row["ok"]),
        reply=row["reply"],
        results=tuple(json.loads(row["results"])),
        timings_ms=json.loads(row["timings_ms"]),
        correction=row["correction"],
        id=row["id"],
    )
