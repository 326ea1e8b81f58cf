"""The store: what Otto remembers, in one SQLite file, or in PostgreSQL for several Ottos (`shared.py`).

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
from otto.store.backend import Backend
from otto.store.database import Database
from otto.store.history import Entry, History
from otto.store.notes import Note, Notes
from otto.store.todo import Item, Todo
from otto.store.votes import Verdict, Vote, Votes

__all__ = [
    "Alert", "Alerts", "Audit", "Entry", "Event", "History", "Item", "Kind", "Note", "Notes", "Record", "State",
    "Store", "Todo", "Verdict", "Vote", "Votes", "open_store",
]  # fmt: skip


class Store:
    """One opened store."""

    def __init__(self, database: Backend) -> None:
        self._database = database
        self.history = History(database)
        self.audit = Audit(database)
        self.alerts = Alerts(database)
        self.notes = Notes(database)
        self.todo = Todo(database)
        self.votes = Votes(database)

    @property
    def path(self) -> Path | str:
        """The file, or the server's address."""
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


def open_store(place: Path | str) -> Store:
    """The store at `place`, made there if there is none yet: a file, or the URL of a server that several Ottos share.

    Raises `StoreError` for a URL that makes no sense."""
    if isinstance(place, Path):
        return Store(Database(place))
    from otto.store.shared import SharedDatabase

    return Store(SharedDatabase(place))
