"""The store's one file: opening it whatever state it is in, reading and writing it, saying what went wrong.

A `Database` is one SQLite connection with a lock around it: any thread may use it, one at a time. Another process opens
its own (a connection must not be carried over a fork). WAL with `synchronous=FULL`: what `write` has finished is still
there after kill -9 (tested), and, as far as SQLite and the disk keep their word, after a power cut (not tested).

What stands in the way of opening never stops Otto. A damaged file is set aside as `otto.db.corrupt.<time>` and a clean
one started. Anything else (no permission, no space, a folder in its place, a store of a newer Otto) leaves the file
alone: Otto goes on with an empty store in memory, `trouble` says why in a sentence, whatever the user counts on being
saved is refused with `StoreError`, and the file is tried again before each refusal.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from otto.errors import StoreError
from otto.lock import FileLock
from otto.store.schema import APPLICATION, VERSION, migrate

log = logging.getLogger(__name__)

BUSY_SECONDS = 5.0
"""How long a write waits for another process's."""
SMALLEST = 512
"""Bytes of the smallest page, and so of the smallest database."""
TABLES = {"history", "audit", "alerts", "notes", "todo", "votes"}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk is full or failing",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_PERM: "there is no permission",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_BUSY: "another program is busy with it",
    sqlite3.SQLITE_LOCKED: "another program is busy with it",
    sqlite3.SQLITE_CORRUPT: "its file is damaged; Otto sets it aside at the next start",
    sqlite3.SQLITE_NOTADB: "its file is damaged; Otto sets it aside at the next start",
    sqlite3.SQLITE_CONSTRAINT: "a value is out of range",
}


class _Damaged(Exception):
    """The file is no store of Otto's, or no longer one."""


class Database:
    """Opened at once. `trouble` is empty, or one sentence for the user about what opening met."""

    local = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self.saves = False
        """Whether what is written lasts. False: an empty store in memory stands in."""
        self._lock = threading.RLock()
        self._openings = 0
        self._connection, self._file = self._open()
        if self.trouble:
            log.warning("%s", self.trouble)

    @contextmanager
    def read(self, what: str) -> Iterator[sqlite3.Connection]:
        """A connection to select with. `what` completes "I couldn't read …". Raises `StoreError`."""
        with self._lock:
            self._follow()
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StoreError(f"I couldn't read {what}: {reason(error)}.") from error

    @contextmanager
    def write(self, what: str, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
        """A connection to write with; everything in the block is saved together when it ends, or nothing is.

        `what` completes "I couldn't save …". `lasting`: the user counts on it later, so memory will not do.
        Raises `StoreError`; the next write may succeed (space was freed), nothing needs to be opened again.
        """
        with self._lock:
            self._follow()
            if lasting and not self.saves:
                self._try_again()
            if lasting and not self.saves:
                raise StoreError(f"I couldn't save {what}: {self.trouble}")
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                self._make_room()
                raise StoreError(f"I couldn't save {what}: {reason(error)}.") from error
            finally:
                self._roll_back()

    def version(self) -> tuple[int, int, int]:
        """Differs from what it was as soon as anybody, in this process or another, has changed the store."""
        with self._lock:
            self._follow()
            if not self.saves:
                self._try_again()
            try:
                (others,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as error:
                raise StoreError(f"I couldn't read the store: {reason(error)}.") from error
            return self._openings, others, self._connection.total_changes

    def scrub(self) -> None:
        """Remove from the file (and its WAL) the bytes of everything that was deleted. Raises `StoreError`."""
        with self._lock:
            try:
                # secure_delete has zeroed the deleted rows; VACUUM drops copies that moving rows between pages left.
                self._connection.execute("VACUUM")
                deadline = time.monotonic() + BUSY_SECONDS
                while self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    if time.monotonic() > deadline:
                        raise StoreError("It is forgotten, but traces stay in the file while another Otto reads it.")
                    time.sleep(0.05)
            except sqlite3.Error as error:
                raise StoreError(f"It is forgotten, but traces stay in the file: {reason(error)}.") from error

    def close(self) -> None:
        """No use of it after this."""
        with self._lock:
            self._connection.close()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # it may have been closed
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _make_room(self) -> None:
        """After a failed write: give the log's blocks back, so that a full disk is not full because of us."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _follow(self) -> None:
        """Open again when the file under our name is another one by now (set aside as damaged, or deleted)."""
        if self.saves and _identity(self.path) != self._file:
            log.warning("The store %s was replaced; opening the new one.", self.path)
            self._connection.close()
            self._connection, self._file = self._open()

    def _try_again(self) -> None:
        """Open the file that could not be opened before, if what stood in the way is gone."""
        stand_in, before = self._connection, self.trouble
        self._connection, self._file = self._open()
        if not self.saves and self.trouble == before:  # keep what the session has put in memory
            self._connection.close()
            self._connection = stand_in
            self._openings -= 1
            return
        stand_in.close()
        log.warning("%s", self.trouble or f"The store {self.path} can be used again.")

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        self._openings += 1
        try:
            connection, self.trouble = _opened(self.path)
            self.saves = True
            return connection, _identity(self.path)
        except StoreError as error:
            self.trouble, self.saves = str(error), False
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        migrate(connection)
        connection.row_factory = sqlite3.Row
        return connection, (0, 0)


def reason(error: sqlite3.Error) -> str:
    """Why SQLite refused, in words that complete "I couldn't save that: …"."""
    return _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error))


def kept(text: str) -> str:
    """`text` as SQLite can keep it: halves of surrogate pairs (undecodable bytes of a command line) become "?"."""
    return text.encode(errors="replace").decode()


def _identity(path: Path) -> tuple[int, int]:
    """Tells a file from another that later gets its name; (0, 0) when there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _opened(path: Path) -> tuple[sqlite3.Connection, str]:
    """The opened store, and a sentence if its predecessor was damaged. Raises `StoreError` with the file untouched."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock"), wait=BUSY_SECONDS):
            try:
                return _prepared(path), ""
            except _Damaged as damage:
                aside = _set_aside(path)
                sentence = f"The store {path} was damaged ({damage}); I kept it as {aside.name} and started a new one."
                return _prepared(path), sentence
    except OSError as error:
        raise StoreError(f"The store {path} cannot be used: {error.strerror or error}; nothing is saved.") from error
    except sqlite3.Error as error:
        raise StoreError(f"The store {path} cannot be used: {reason(error)}; nothing is saved.") from error


def _prepared(path: Path) -> sqlite3.Connection:
    """Checked, brought to this release's version and set up.

    Raises `_Damaged`, `StoreError`, `OSError`, `sqlite3.Error`.
    """
    if path.is_dir():
        raise StoreError(f"There is a folder at {path}, where the store should be; move it away. Nothing is saved.")
    beginning = path.with_name(path.name + ".new")
    if not path.exists():
        # While this stands beside it, an empty store is one whose first process was killed, and not a damaged one.
        os.close(os.open(beginning, os.O_RDWR | os.O_CREAT, 0o600))
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its other files the same mode
    elif path.stat().st_size < SMALLEST and not beginning.exists():
        raise _Damaged("it is cut off")  # SQLite would take it for a new one, and write over it
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    # A flipped byte in a text must not make every reading of the table fail.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        _check(connection, path)
        _set_up(connection)
        beginning.unlink(missing_ok=True)
    except (sqlite3.Error, UnicodeDecodeError, _Damaged, StoreError) as error:
        connection.close()
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        if damaged or isinstance(error, UnicodeDecodeError):  # the latter: in SQLite's message about a schema
            raise _Damaged(str(error)) from error
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Changes nothing in the file. Raises `_Damaged`, or `StoreError` for a newer store."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StoreError(
            f"The store {path} was written by a newer Otto (format {version}, this one knows {VERSION}); "
            "update Otto. Nothing is saved."
        )
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (entries,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if entries and application != APPLICATION:
        raise _Damaged("it is another program's")
    findings = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
    if findings != ["ok"]:
        raise _Damaged(findings[0])


def _set_up(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "wal_autocheckpoint = 100",  # pages of 4 kB: the store is small, and so should its log be
    ):
        connection.execute(f"PRAGMA {pragma}")
    if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        migrate(connection)
    if missing := TABLES - {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}:
        raise _Damaged(f"it has no table {', '.join(sorted(missing))}")


def _set_aside(path: Path) -> Path:
    """Rename the file, with its WAL, to a name that is free; returns the new one."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside, count = path.with_name(f"{path.name}.corrupt.{stamp}"), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.corrupt.{stamp}-{count}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    return aside
