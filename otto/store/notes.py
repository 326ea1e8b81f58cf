"""Notes: sentences that the user wants to find again.

store.notes.add("the spare key is at Ada's", now)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from otto.errors import StoreError
from otto.store import moment
from otto.store.backend import Backend
from otto.store.database import kept


@dataclass(frozen=True, slots=True)
class Note:
    """One note."""

    id: int
    """Never given twice."""
    at: datetime
    """When it was taken (aware; UTC when read back)."""
    text: str


class Notes:
    """The table of notes. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add(self, text: str, now: datetime) -> Note:
        """Keeps it, as the newest."""
        with self._database.write("that note") as connection:
            added = connection.execute("INSERT INTO notes (at, text) VALUES (?, ?)", (moment.seconds(now), kept(text)))
        return Note(added.lastrowid or 0, now, text)

    def remove(self, number: int) -> None:
        """Throws it away. Raises `StoreError` also when there is no such note."""
        with self._database.write("that change of the notes") as connection:
            if not connection.execute("DELETE FROM notes WHERE id = ?", (number,)).rowcount:
                raise StoreError(f"There is no note with the number {number}.")

    def list(self) -> tuple[Note, ...]:
        """All of them, oldest first."""
        with self._database.read("the notes") as connection:
            rows = connection.execute("SELECT id, at, text FROM notes ORDER BY id").fetchall()
        return tuple(Note(number, moment.moment(at), text) for number, at, text in rows)
