"""The to-do list.

item = store.todo.add("buy milk", now)
store.todo.done(item.id, now)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from otto.errors import StoreError
from otto.store import moment
from otto.store.backend import Backend
from otto.store.database import kept


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do."""

    id: int
    """Never given twice."""
    at: datetime
    """When it was put on the list (aware; UTC when read back)."""
    text: str
    done_at: datetime | None = None
    """When it was done; None while it is to be done."""


class Todo:
    """The table of things to do. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add(self, text: str, now: datetime) -> Item:
        """Puts it at the end of the list."""
        with self._database.write("that item") as connection:
            added = connection.execute("INSERT INTO todo (at, text) VALUES (?, ?)", (moment.seconds(now), kept(text)))
        return Item(added.lastrowid or 0, now, text)

    def list(self, *, done: bool = False) -> tuple[Item, ...]:
        """What is to be done, in the order in which it was added; with `done` what has been done instead."""
        with self._database.read("the to-do list") as connection:
            rows = connection.execute(
                "SELECT id, at, text, done_at FROM todo WHERE (done_at IS NOT NULL) = ? ORDER BY id", (done,)
            ).fetchall()
        return tuple(
            Item(number, moment.moment(at), text, None if ended is None else moment.moment(ended))
            for number, at, text, ended in rows
        )

    def done(self, number: int, now: datetime) -> None:
        """Ticks it off. Raises `StoreError` also when there is no such thing to do."""
        self._change("UPDATE todo SET done_at = ? WHERE id = ? AND done_at IS NULL", moment.seconds(now), number)

    def remove(self, number: int) -> None:
        """Takes it off the list, done or not. Raises `StoreError` also when there is no such item."""
        self._change("DELETE FROM todo WHERE id = ?", number)

    def reopen(self, number: int) -> None:
        """To be done after all. Raises `StoreError` also when no such thing was done."""
        self._change("UPDATE todo SET done_at = NULL WHERE id = ? AND done_at IS NOT NULL", number)

    def restore(self, item: Item) -> None:
        """Puts back what was removed, in its old place. Raises `StoreError`."""
        ended = moment.seconds(item.done_at) if item.done_at else None
        with self._database.write("that item") as connection:
            connection.execute(
                "INSERT INTO todo (id, at, text, done_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET at = excluded.at, text = excluded.text, done_at = excluded.done_at",
                (item.id, moment.seconds(item.at), kept(item.text), ended),
            )

    def _change(self, statement: str, *values: float) -> None:
        with self._database.write("that change of the to-do list") as connection:
            if not connection.execute(statement, values).rowcount:
                raise StoreError(f"There is no item with the number {values[-1]} on the to-do list.")
