"""A daemon that listens ends in time, whatever is said and done (docs/reliability.md 5.6)."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from otto.daemon.client import request
from otto.daemon.daemon import STOP_SECONDS
from otto.store import open_store
from tests.house import family, gone, started

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")


@pytest.mark.parametrize("count", [1, pytest.param(100, marks=pytest.mark.nightly)])
def test_it_stops_cleanly_at_any_moment(own_folders: Path, count: int) -> None:
    chance = random.Random(11)
    slowest = 0.0
    for number in range(count):
        process = started(own_folders)
        time.sleep(chance.uniform(0.0, 4.0))  # somebody speaks all the while, and commands are under way
        own = family(process.pid)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
        slowest = max(slowest, time.monotonic() - begun)
        assert (process.returncode, said) == (0, "closed\n"), number
        deadline = time.monotonic() + 1
        while not all(map(gone, own)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert all(map(gone, own)), number
        assert not (own_folders / "run" / "daemon.sock").exists()
        with open_store(own_folders / "xdg" / "state" / "otto" / "otto.db") as store:
            assert not store.trouble
            store.history.last(5)
    print(f"{count} times: at most {slowest:.1f} s")
    assert slowest < STOP_SECONDS + 1


def test_asked_twice_it_ends_at_once(own_folders: Path) -> None:
    path = own_folders / "run" / "daemon.sock"
    process = started(own_folders)
    while (request({"do": "status"}, path=path) or {}).get("waiting", 0) == 0:
        time.sleep(0.05)  # a command that takes 8 s is under way
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - begun < 2.0  # the command would have had 3 s
