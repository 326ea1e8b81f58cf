"""A full disk: what cannot be saved is refused in words, everything else goes on, and room is enough to save again."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otto.errors import StoreError
from otto.store import Entry, Store, open_store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    if sys.platform != "linux":
        pytest.skip("mounting a small file system needs Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    c = ctypes.CDLL(None, use_errno=True)
    if c.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"mounting a small file system: {os.strerror(ctypes.get_errno())}")
    yield folder
    c.umount2(os.fsencode(folder), 2)


def fill(disk: Path) -> Path:
    """A file that takes every byte that is left."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def timers_until_refused(store: Store, now: datetime) -> list[int]:
    """Some fit into blocks that the store has already; then one is refused."""
    saved = []
    with pytest.raises(StoreError, match=r"I couldn't save that timer: the disk is full"):
        for number in range(5000):
            saved.append(store.alerts.add_timer(MINUTE, now, f"timer {number} " + "x" * 200).id)
    return saved


@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.nightly)])
def test_a_full_disk_refuses_timers_in_words_and_room_is_enough_to_go_on(
    disk: Path, now: datetime, rounds: int
) -> None:
    with open_store(disk / "otto.db") as store:
        saved = {store.alerts.add_timer(MINUTE, now).id}
        for _ in range(rounds):
            filler = fill(disk)
            saved |= set(timers_until_refused(store, now))
            # What does not save goes on, and what was saved is there.
            assert {alert.id for alert in store.alerts.list()} == saved
            assert store.notes.list() == ()
            filler.unlink()
            saved.add(store.alerts.add_timer(MINUTE, now).id)  # the same store, without a restart
            for number in sorted(saved)[:-1]:
                store.alerts.cancel(number, now)
                saved.discard(number)
            assert {alert.id for alert in store.alerts.list()} == saved
    with open_store(disk / "otto.db") as store:
        assert store.trouble == ""
        assert {alert.id for alert in store.alerts.list()} == saved


def test_otto_starts_on_a_full_disk_and_saves_when_there_is_room(disk: Path, now: datetime) -> None:
    with open_store(disk / "otto.db") as store:
        timer = store.alerts.add_timer(MINUTE, now)
    before = (disk / "otto.db").read_bytes()
    filler = fill(disk)
    with open_store(disk / "otto.db") as store:
        assert "cannot be used" in store.trouble
        with pytest.raises(StoreError, match="couldn't save that timer"):
            store.alerts.add_timer(MINUTE, now)
        store.history.add(Entry(now, "hello", "other()", 0.5, "fewshot", True, "Hello."))
        assert store.history.last()[0].text == "hello"
        assert (disk / "otto.db").read_bytes() == before
        filler.unlink()
        store.version()  # what a ringer asks once a second
        assert store.alerts.list() == (timer,)
        store.alerts.add_timer(2 * MINUTE, now)
        assert len(store.alerts.list()) == 2


LIMITED = """
import resource, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from otto.errors import StoreError
from otto.store import open_store

now = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
with open_store(Path(sys.argv[1])) as store:
    for round_ in range(5):
        largest = max(file.stat().st_size for file in Path(sys.argv[1]).parent.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 20_000, resource.RLIM_INFINITY))
        saved = len(store.alerts.list())
        try:
            while True:
                store.alerts.add_timer(timedelta(minutes=1), now, "x" * 500)
                saved += 1
        except StoreError as error:
            assert str(error).startswith("I couldn't save that timer: the disk is full"), error
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        store.alerts.add_timer(timedelta(minutes=1), now)
        assert len(store.alerts.list()) == saved + 1
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="a limit on the size of files is POSIX's")
def test_a_file_that_may_not_grow_is_refused_and_goes_on_when_it_may(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    with open_store(path) as store:
        assert store.trouble == "" and len(store.alerts.list()) >= 10
