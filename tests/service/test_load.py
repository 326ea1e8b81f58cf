"""More than can be done at once (docs/reliability.md 5.4), and what is no request at all (5.3)."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import pytest

from otto.service.run import Server
from tests.service.conftest import over_tcp, process, serving, write_skills

ANSWERS = {200, 503}


class SlowRouter:
    """A language model that takes 200 ms."""

    def __init__(self, router: Any, seconds: float) -> None:
        self._router = router
        self._seconds = seconds
        self.name = "slow"

    def route(self, text: str, context: Any) -> Any:
        time.sleep(self._seconds)
        return self._router.route(text, context)


def slow_down(server: Server, seconds: float) -> None:
    from dataclasses import replace

    live = server.service.otto.live
    live.ready = replace(live.ready, router=SlowRouter(live.ready.router, seconds))


def talk(server: Server | httpx.Client, clients: int, requests: int, pause: float = 0.0) -> list[tuple[int, float]]:
    """(status, seconds) of every request; `server` may be given as a client of it."""

    def one(number: int) -> list[tuple[int, float]]:
        draw, found = random.Random(number), []
        with opened(server) as client:
            for _ in range(requests):
                time.sleep(draw.uniform(0, 2 * pause))
                started = time.monotonic()
                status = client.post("/api/ask", json={"text": "paint the wall"}).status_code
                found.append((status, time.monotonic() - started))
        return found

    with ThreadPoolExecutor(clients) as pool:
        return [row for rows in pool.map(one, range(clients)) for row in rows]


def opened(server: Server | httpx.Client) -> httpx.Client:
    if isinstance(server, Server):
        return over_tcp(server)
    return httpx.Client(base_url=server.base_url, headers=server.headers, timeout=20, trust_env=False)


def test_fifty_clients_are_all_answered(server: Server) -> None:
    found = talk(server, 50, 2, pause=1.0)
    assert len(found) == 100 and {status for status, _ in found} <= ANSWERS
    assert Counter(status for status, _ in found)[200] > 20
    assert server.service.turns.waiting == 0


def test_with_a_slow_model_three_are_served_and_the_rest_is_told_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        slow_down(server, 0.2)
        found = talk(server, 8, 1)
    served = [seconds for status, seconds in found if status == 200]
    refused = [seconds for status, seconds in found if status == 503]
    assert len(served) + len(refused) == 8
    assert 3 <= len(served) <= 5, "on a busy machine some come when others are done"
    slack = 1.0  # this machine may be busy; the nightly test holds the figures
    assert max(served) <= 3 * 0.2 + 0.05 + slack and max(refused) <= 0.05 + slack


@pytest.mark.nightly
def test_the_figures_of_5_4_hold(tmp_path: Path) -> None:
    write_skills(tmp_path / "own")
    with process(tmp_path / "own") as (_, client):  # apart from its clients, who would hold its interpreter up
        found = talk(client, 50, 20, pause=2.5)
    times = [seconds for status, seconds in found if status == 200]
    assert len(found) == 1000 and {status for status, _ in found} <= ANSWERS
    assert quantiles(times, n=100)[98] < 0.05
    with serving(tmp_path / "slow") as server:
        slow_down(server, 0.2)
        found = talk(server, 8, 5)
    assert max(seconds for status, seconds in found if status == 200) <= 3 * 0.2 + 0.05
    assert max(seconds for status, seconds in found if status == 503) <= 0.05


@pytest.mark.parametrize("seconds", [2, pytest.param(300, marks=pytest.mark.nightly)])
def test_five_times_too_much_is_answered_or_refused_at_once(tmp_path: Path, seconds: int) -> None:
    write_skills(tmp_path)
    with process(tmp_path) as (started, client):  # apart from its clients, who take memory of their own
        flood(client, 1)
        before, most, over = memory_mb(started.pid), 0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not over.wait(0.1):
                most = max(most, let_in(client))

        watching = threading.Thread(target=watch)
        watching.start()
        found = flood(client, seconds)
        over.set()
        watching.join()
        growth, told = memory_mb(started.pid) - before, Counter(status for status, _ in found)
        stopped, dropped = stop(client)
    print(
        f"{len(found)} requests in {seconds} s: {told[200]} done, {told[503]} refused; at most {most} let in; "
        f"{growth:+.1f} MB; a stop after {1000 * stopped:.0f} ms"
    )
    assert told.keys() == {200, 503}
    assert most <= 3, "one is done, two wait"
    assert growth < 20
    assert dropped == [200, 200, 409, 409], "what was done has failed, the two that waited were dropped"
    if seconds >= 300:  # a few seconds, on a busy machine, say nothing of either
        assert told[503] > 4 * told[200]
        assert stopped < 0.3


def flood(client: httpx.Client, seconds: float) -> list[tuple[int, float]]:
    """What eight clients are told who ask for more than five times as much as can be done: a second's work, again and
    again."""
    until = time.monotonic() + seconds

    def one(number: int) -> list[tuple[int, float]]:
        draw, found = random.Random(number), []
        with opened(client) as own:
            while time.monotonic() < until:
                asked = time.monotonic()
                status = own.post("/api/ask", json={"text": "build the house"}).status_code
                found.append((status, time.monotonic() - asked))
                time.sleep(draw.uniform(0, 1))
        return found

    with ThreadPoolExecutor(8) as pool:
        return [row for rows in pool.map(one, range(8)) for row in rows]


def stop(client: httpx.Client) -> tuple[float, list[int]]:
    """Seconds that a "stop" took while one command was under way and two waited, and what all four were told."""

    def ask(_: int) -> int:
        with opened(client) as own:
            return own.post("/api/ask", json={"text": "build the house"}).status_code

    with ThreadPoolExecutor(3) as pool:
        asked = pool.map(ask, range(3))
        while let_in(client) < 3:
            time.sleep(0.01)
        started = time.monotonic()
        told = client.post("/api/ask", json={"text": "stop"}).status_code
        taken = time.monotonic() - started
        return taken, sorted([told, *asked])


def let_in(client: httpx.Client) -> int:
    """Commands that are done or wait."""
    counts = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#")
    return int(float(counts["otto_waiting"]))


def memory_mb(process: int | str = "self") -> float:
    import resource

    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / (1 << 20)


def nonsense(draw: random.Random, server: Server) -> bytes:
    """Random bytes, or a request with something random done to it, cut anywhere."""
    head = f"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {server.service.token.secret}\r\nContent-Length: 18\r\n\r\n"
    whole = bytearray(head.encode() + b'{"text": "magnets"}')
    kind = draw.randrange(4)
    if kind == 0:
        return draw.randbytes(draw.randrange(2000))
    if kind == 1:
        whole = whole[: draw.randrange(len(whole))]
    elif kind == 2:
        for _ in range(draw.randrange(1, 10)):
            whole[draw.randrange(len(whole))] = draw.randrange(256)
    else:
        place = draw.randrange(len(whole))
        whole[place:place] = draw.choice(
            (b"\r\n", b"\0", b"\r\n\r\n", b"A" * 20_000, b"Transfer-Encoding: chunked\r\n")
        )
    return bytes(whole)


def fuzz(server: Server, number: int) -> None:
    draw = random.Random(7)
    for _ in range(number):
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            try:
                data = nonsense(draw, server)
                cut = draw.randrange(len(data) + 1)
                connection.sendall(data[:cut])
                connection.sendall(data[cut:])
                connection.shutdown(socket.SHUT_WR)
                connection.recv(100)
            except OSError:
                pass  # it may hang up, but it must not break
    with over_tcp(server) as client:
        assert client.post("/api/route", json={"text": "paint the wall"}).status_code == 200


def test_what_is_no_request_breaks_nothing(server: Server, client: httpx.Client) -> None:
    fuzz(server, 50)
    before = memory_mb()
    fuzz(server, 150)
    assert memory_mb() - before < 10


@pytest.mark.nightly
def test_ten_thousand_streams_that_are_no_requests_break_nothing(server: Server) -> None:
    fuzz(server, 500)
    before = memory_mb()
    fuzz(server, 10_000)
    assert memory_mb() - before < 10
