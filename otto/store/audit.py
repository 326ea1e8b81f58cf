"""The audit trail: every call that ran, every one that was refused, and every yes or no that was asked for.

It is kept also with `history = false`, and never holds an utterance. `call` holds what the arguments took from one, so
whoever switches the history off leaves it empty, and `History.forget` empties it.

    store.audit.add(Record(now, Event.RAN, "runapp", 'runapp(program="firefox")'))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from otto.store import moment
from otto.store.backend import Backend, Row
from otto.store.database import kept

KEPT = 10_000
"""Records kept; older ones go."""


class Event(StrEnum):
    """What became of a call."""

    RAN = "ran"
    FAILED = "failed"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    REFUSED = "refused"
    DRY = "dry"


@dataclass(frozen=True, slots=True)
class Record:
    """One event."""

    at: datetime
    """Aware; UTC when read back."""
    event: Event
    skill: str
    call: str = ""
    """As written, with its arguments; empty where they are not to be kept."""
    detail: str = ""
    """Why it failed or was refused; empty otherwise."""
    id: int = 0
    """Given by `add`."""


class Audit:
    """The table of records. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add(self, record: Record) -> Record:
        """Keeps it, as the newest; returns it with its id."""
        with self._database.write("the audit trail", lasting=False) as connection:
            added = connection.execute(
                "INSERT INTO audit (at, event, skill, call, detail) VALUES (?, ?, ?, ?, ?)",
                (moment.seconds(record.at), record.event, record.skill, kept(record.call), kept(record.detail)),
            )
            connection.execute(
                "DELETE FROM audit WHERE id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?)", (KEPT,)
            )
        return replace(record, id=added.lastrowid or 0)

    def last(self, count: int = 1) -> tuple[Record, ...]:
        """The newest `count`, newest first."""
        with self._database.read("the audit trail") as connection:
            rows = connection.execute("SELECT * FROM audit ORDER BY id DESC LIMIT ?", (count,)).fetchall()
        return tuple(map(_record, rows))


def _record(row: Row) -> Record:
    return Record(moment.moment(row["at"]), Event(row["event"]), row["skill"], row["call"], row["detail"], row["id"])
