"""A store in whatever state: Otto starts, keeps the old file, says so once, and never writes over a newer one."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from otto.errors import StoreError
from otto.store import Entry, Store, open_store
from otto.store.schema import VERSION

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a store with something in every table."""
    path, now = tmp_path_factory.mktemp("filled") / "otto.db", datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
    with open_store(path) as store:
        for number in range(20):
            store.alerts.add_timer((number + 1) * MINUTE, now, f"timer {number}")
            store.alerts.add_reminder(f"reminder {number}", now + number * MINUTE, now)
            store.notes.add(f"note {number} " + "x" * 200 * number, now)
            store.todo.add(f"item {number}", now)
            store.history.add(Entry(now, f"command {number}", "other()", 0.5, "fewshot", True, "y" * 99 * number))
    return path.read_bytes()


@pytest.fixture
def filled(path: Path, content: bytes) -> bytes:
    """Such a store at `path`; its bytes."""
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(content)
    return content


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """The sentences that were logged."""
    with caplog.at_level(logging.WARNING, logger="otto.store"):
        yield lambda: [record.getMessage() for record in caplog.records if record.name.startswith("otto.store")]


def assert_works_and_saves(path: Path, now: datetime) -> None:
    """A second start meets no trouble, and what it saves is there at the third."""
    with open_store(path) as store:
        assert store.trouble == "" and store.saves
        timer = store.alerts.add_timer(MINUTE, now)
    with open_store(path) as store:
        assert timer in store.alerts.list()


def use_everything(store: Store, now: datetime) -> None:
    """Reads and writes all that does not promise anything for later; none of it may fail."""
    assert isinstance(store.alerts.list(), tuple)
    store.alerts.waiting(now)
    store.alerts.pending()
    store.notes.list()
    store.todo.list()
    store.history.add(Entry(now, "hello", "other()", 0.5, "fewshot", True, "Hello."))
    assert store.history.last(3)[0].text == "hello"
    store.version()


def damages() -> dict[str, Callable[[bytes], bytes]]:
    """45 ways of damaging the bytes of a store."""
    chance = random.Random(33)

    def cut(share: float) -> Callable[[bytes], bytes]:
        return lambda whole: whole[: int(share * len(whole))]

    def scribbled(seed: int) -> Callable[[bytes], bytes]:
        return lambda whole: random.Random(seed).randbytes(len(whole))

    ways: dict[str, Callable[[bytes], bytes]] = {
        "nothing left": lambda whole: b"",
        "one byte left": lambda whole: whole[:1],
        "header cut": lambda whole: whole[:50],
        "only the header": lambda whole: whole[:100],
        "last byte missing": lambda whole: whole[:-1],
        "last page missing": lambda whole: whole[:-4096],
        "zeros": lambda whole: bytes(len(whole)),
        "a text": lambda whole: b"Dear diary, " * 100,
        "table names scribbled over": lambda whole: whole.replace(b"alerts", b"alarms"),
        "interior pages zeroed": lambda whole: whole[:4096] + bytes(4096 * 3) + whole[4096 * 4 :],
    }
    ways |= {f"cut {number}": cut(chance.random()) for number in range(30)}
    return ways | {f"random bytes {seed}": scribbled(seed) for seed in range(5)}


@pytest.mark.parametrize("way", damages())
def test_a_damaged_store_is_set_aside_and_a_clean_one_started(
    way: str, path: Path, filled: bytes, now: datetime, warnings: Callable[[], list[str]]
) -> None:
    damaged = damages()[way](filled)
    path.write_bytes(damaged)
    with open_store(path) as store:
        assert store.saves
        use_everything(store, now)
        assert "was damaged" in store.trouble and "started a new one" in store.trouble
        assert warnings() == [store.trouble]
    (aside,) = path.parent.glob("otto.db.corrupt.*")
    assert aside.read_bytes() == damaged
    assert aside.name in warnings()[0]
    assert_works_and_saves(path, now)
    assert len(warnings()) == 1


def test_two_stores_damaged_in_the_same_second_are_both_kept(path: Path, filled: bytes) -> None:
    for content in (b"one" * 1000, b"two" * 1000, b"three" * 1000):
        path.write_bytes(content)
        open_store(path).close()
    assert len(list(path.parent.glob("otto.db.corrupt.*"))) == 3


def test_another_programs_database_is_set_aside(path: Path, now: datetime) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE tracks (title TEXT)")
    other.close()
    with open_store(path) as store:
        assert "another program's" in store.trouble
    assert_works_and_saves(path, now)


def test_a_newer_store_is_left_alone_and_what_cannot_be_saved_is_refused(
    path: Path, filled: bytes, now: datetime, warnings: Callable[[], list[str]]
) -> None:
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
        newer.execute("CREATE TABLE songs (title TEXT)")
    newer.close()
    before = path.read_bytes()
    with open_store(path) as store:
        assert "newer Otto" in store.trouble and not store.saves
        assert warnings() == [store.trouble]
        use_everything(store, now)
        for change in (
            lambda: store.alerts.add_timer(MINUTE, now),
            lambda: store.notes.add("a note", now),
            lambda: store.todo.add("an item", now),
        ):
            with pytest.raises(StoreError, match="I couldn't save that .*newer Otto"):
                change()
        assert store.alerts.list() == ()
    assert path.read_bytes() == before
    assert list(path.parent.glob("*.corrupt.*")) == []
    assert len(warnings()) == 1


def test_a_folder_in_its_place(path: Path, now: datetime, warnings: Callable[[], list[str]]) -> None:
    (path / "precious").mkdir(parents=True)
    with open_store(path) as store:
        assert "There is a folder at" in store.trouble
        assert warnings() == [store.trouble]
        use_everything(store, now)
        with pytest.raises(StoreError, match="couldn't save that timer: There is a folder"):
            store.alerts.add_timer(MINUTE, now)
        assert (path / "precious").is_dir()
        shutil.rmtree(path)
        store.alerts.add_timer(MINUTE, now)  # without a restart
        assert store.trouble == "" and store.saves
    assert_works_and_saves(path, now)


def test_a_file_where_the_folder_should_be(path: Path, now: datetime) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("a file")
    with open_store(path) as store:
        assert "cannot be used" in store.trouble
        use_everything(store, now)
    assert path.parent.read_text() == "a file"


def _opens_without_permission(path: Path, now: datetime) -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)
    with open_store(path) as store:
        assert not store.saves and "cannot be used" in store.trouble, store.trouble
        use_everything(store, now)
        with pytest.raises(StoreError, match="couldn't save that timer"):
            store.alerts.add_timer(MINUTE, now)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("closed", ["file", "folder", "folder not writable"])
def test_no_permission(path: Path, filled: bytes, now: datetime, closed: str, tmp_path: Path) -> None:
    for folder in (tmp_path.parent.parent, tmp_path.parent, tmp_path, path.parent.parent, path.parent):
        if not folder.stat().st_mode & stat.S_IXOTH and folder.owner() == Path.home().owner():
            folder.chmod(0o755)
    (path.parent / "otto.db.lock").touch()
    (path.parent / "otto.db.lock").chmod(0o666)
    if closed == "file":
        path.chmod(0)
    else:
        path.chmod(0o666)
        path.parent.chmod(0 if closed == "folder" else 0o555)
    child = multiprocessing.get_context("fork").Process(target=_opens_without_permission, args=(path, now))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    path.parent.chmod(0o755)
    path.chmod(0o600)
    assert path.read_bytes() == filled
    assert_works_and_saves(path, now)


@pytest.mark.parametrize("rounds", [30, pytest.param(2000, marks=pytest.mark.nightly)])
def test_flipped_bytes_never_stop_otto(path: Path, filled: bytes, now: datetime, rounds: int) -> None:
    chance = random.Random(7)
    for _ in range(rounds):
        damaged = bytearray(filled)
        for _ in range(chance.choice((1, 3, 50))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        for leftover in path.parent.iterdir():
            leftover.unlink()
        path.write_bytes(damaged)
        with open_store(path) as store:
            use_everything(store, now)
            set_aside = list(path.parent.glob("*.corrupt.*"))
            assert bool(set_aside) == ("was damaged" in store.trouble)


def test_a_store_set_aside_by_another_process_is_noticed(path: Path, now: datetime) -> None:
    with open_store(path) as store:
        store.alerts.add_timer(MINUTE, now)
        before = store.version()
        for file in path.parent.glob("otto.db*"):
            file.rename(file.with_name("old-" + file.name))
        with open_store(path) as another:
            assert store.version() != before
            timer = store.alerts.add_timer(2 * MINUTE, now)
            assert another.alerts.list() == (timer,)


def test_the_store_is_private(path: Path, file_store: Store, now: datetime) -> None:
    file_store.notes.add("a note", now)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_every_promise_of_sqlite_is_asked_for(file_store: Store) -> None:
    with file_store._database.read("the settings") as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    full = 2
    assert settings == {
        "journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000,
    }  # fmt: skip


def test_a_change_is_noticed_whoever_made_it(path: Path, file_store: Store, now: datetime) -> None:
    at_first = file_store.version()
    assert file_store.version() == at_first
    file_store.notes.add("by this store", now)
    own = file_store.version()
    assert own != at_first
    with open_store(path) as another:
        another.notes.add("by another", now)
    assert file_store.version() != own


def test_several_threads_and_stores_write_at_once(path: Path, file_store: Store, now: datetime) -> None:
    with open_store(path) as another:
        errors: list[Exception] = []

        def write(through: Store, number: int) -> None:
            try:
                for count in range(10):
                    through.notes.add(f"{number}.{count}", now)
            except StoreError as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=((file_store, another)[n % 2], n)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        assert len(file_store.notes.list()) == 60


def test_what_fails_halfway_leaves_nothing(store: Store, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), store._database.write("two notes") as connection:
        connection.execute("INSERT INTO notes (at, text) VALUES (1.0, 'half')")
        raise ZeroDivisionError
    assert store.notes.list() == ()
    store.notes.add("whole", now)


def test_a_store_that_another_program_holds_is_refused_in_words(
    path: Path, file_store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with file_store._database.read("nothing") as connection:
        connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="I couldn't save that note: another program is busy with it"):
        file_store.notes.add("a note", now)
    other.execute("COMMIT")
    other.close()
    file_store.notes.add("a note", now)


def test_a_store_whose_first_process_was_killed_is_no_damaged_one(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.with_name(path.name + ".new").touch()
    with open_store(path) as store:
        assert store.trouble == ""
        assert store.saves
    assert not path.with_name(path.name + ".new").exists()
