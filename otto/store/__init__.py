"""The store: what Otto remembers, in one SQLite file.

    with open_store(settings.database) as store:
        store.alerts.add_timer(timedelta(minutes=10), now)
        store.history.last(5)

`open_store` never fails: see `otto/store/database.py` for what it does with a damaged, newer or unreachable file, and
`store.trouble` for the sentence to say about it. A store may be used by several threads; another process opens its own.
Times are arguments (aware datetimes in the user's zone), never taken inside.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from otto.store.alert import Alert, Kind, State
from otto.store.alerts import Alerts
from otto.store.audit import Audit, Event, Record
from otto.store.database import Database
from otto.store.history import Entry, History
from otto.store.notes import Note, Notes
from otto.store.todo import Item, Todo

__all__ = [
    "Alert", "Alerts", "Audit", "Entry", "Event", "History", "Item", "Kind", "Note", "Notes", "Record", "State",
    "Store", "Todo", "open_store",
]  # fmt: skip


class Store:
    """One opened store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.history = History(database)
        self.audit = Audit(database)
        self.alerts = Alerts(database)
        self.notes = Notes(database)
        self.todo = Todo(database)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def trouble(self) -> str:
        """One sentence for the user about what opening met; mostly empty."""
        return self._database.trouble

    @property
    def saves(self) -> bool:
        """Whether what is written lasts; if not, `trouble` says why."""
        return self._database.saves

    def version(self) -> tuple[int, int, int]:
        """Differs from what it was as soon as anybody, in this process or another, has changed the store."""
        return self._database.version()

    def close(self) -> None:
        """No use of it after this."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(path: Path) -> Store:
    """The store at `path`; made there, with its folder, if there is none yet."""
    return Store(Database(path))
