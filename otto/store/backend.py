"""What the store's tables need of a database: SQLite's file (`database.py`), or a server that several machines share
(`shared.py`). Statements are written in the SQL that both understand, with SQLite's `?` and `:name` for values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

Values = Sequence[object] | Mapping[str, object]


class Row(Protocol):
    """One row: by name, by place, or taken apart."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


class Cursor(Protocol):
    """What a statement did."""

    @property
    def rowcount(self) -> int:
        """Rows that it changed."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """Id of the row that it inserted."""
        ...

    def fetchone(self) -> Any: ...
    def fetchall(self) -> Sequence[Any]: ...


class Connection(Protocol):
    """Carries statements out."""

    def execute(self, statement: str, values: Any = ..., /) -> Cursor: ...
    def executemany(self, statement: str, values: Iterable[Any], /) -> object: ...


class Backend(Protocol):
    """A database that is open. Its methods raise `StoreError` with a sentence for the user."""

    @property
    def path(self) -> Path | str:
        """Where it is, as people may see it: without a password."""
        ...

    @property
    def trouble(self) -> str:
        """One sentence about what opening met; mostly empty."""
        ...

    @property
    def saves(self) -> bool:
        """Whether what is written lasts."""
        ...

    @property
    def local(self) -> bool:
        """Whether all who use it are processes of this machine."""
        ...

    def read(self, what: str) -> AbstractContextManager[Connection]:
        """To select with. `what` completes "I couldn't read …"."""
        ...

    def write(self, what: str, *, lasting: bool = True) -> AbstractContextManager[Connection]:
        """To write with: everything in the block is saved together, or nothing is."""
        ...

    def version(self) -> tuple[int, int, int]:
        """Differs from what it was as soon as anybody has changed anything."""
        ...

    def scrub(self) -> None:
        """Removes what is left of deleted rows."""
        ...

    def close(self) -> None:
        """No use of it after this."""
        ...
