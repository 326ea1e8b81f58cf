"""Two services that share their state in PostgreSQL: what one was told, the other knows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from otto.config import Settings
from otto.service.run import Server
from tests import postgres

pytestmark = pytest.mark.skipif(not postgres.available(), reason=postgres.MISSING)


@contextmanager
def replica(url: str, folder: Path, trained: Path) -> Iterator[httpx.Client]:
    settings = Settings(
        store_url=url, config_folder=folder, state_folder=folder, cache_folder=trained / "otto", voice="none"
    )
    server = Server(settings, path=folder / "serve.sock")
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,))
    thread.start()
    assert ready.wait(60)
    transport = httpx.HTTPTransport(uds=str(server.path))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=30) as client:
        yield client
    server.stop()
    thread.join(15)


def test_a_timer_set_at_one_replica_is_listed_at_the_other(
    tmp_path_factory: pytest.TempPathFactory, trained: Path
) -> None:
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    with postgres.server() as url, replica(url, one, trained) as kitchen, replica(url, two, trained) as hall:
        told = kitchen.post("/api/ask", json={"text": "set a timer for ten minutes"}).json()
        assert told["ok"], told["reply"]
        (timer,) = hall.get("/api/timers").json()["timers"]
        assert 590 < timer["remaining_seconds"] <= 600
        assert hall.get("/api/history").json()["entries"][0]["text"] == "set a timer for ten minutes"
        assert hall.post("/api/ask", json={"text": "cancel the timer"}).json()["ok"]
        assert kitchen.get("/api/timers").json()["timers"] == []
