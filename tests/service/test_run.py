"""The process: it starts, is the only one, and ends in time whatever it is doing."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from otto.config import load
from otto.daemon.unixsocket import DaemonError
from otto.service.run import STOP_SECONDS, ServeError, Server
from otto.service.token import token_file
from otto.store import open_store
from tests.service.conftest import process, serving, write_skills


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


def ends_cleanly(folder: Path, delay: float) -> None:
    """SIGTERM while commands are under way: exit 0 in time, the store whole, the socket gone, no child left."""
    with process(folder) as (started, client):
        for _ in range(2):
            with suppress(httpx.ReadTimeout):
                client.post("/api/ask", json={"text": "build the house"}, timeout=0.02)
        time.sleep(delay)
        workers = children(started.pid)
        begun = time.monotonic()
        started.send_signal(signal.SIGTERM)
        assert started.wait(STOP_SECONDS + 3) == 0
        assert time.monotonic() - begun < STOP_SECONDS + 1
        for worker in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(worker, 0)
                time.sleep(0.5)
                os.kill(worker, 0)
    assert not (folder / "serve.sock").exists()
    with open_store(folder / "state" / "otto.db") as store:
        assert store.saves and not store.trouble
        store.history.last(5)


def test_it_ends_cleanly_in_the_midst_of_a_command(tmp_path: Path) -> None:
    write_skills(tmp_path)
    ends_cleanly(tmp_path, 0.1)


@pytest.mark.nightly
def test_it_ends_cleanly_at_a_hundred_moments(tmp_path: Path) -> None:
    write_skills(tmp_path)
    draw = random.Random(5)
    for _ in range(100):
        ends_cleanly(tmp_path, draw.uniform(0, 1.5))


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    write_skills(tmp_path)
    with process(tmp_path) as (started, client):
        with suppress(httpx.ReadTimeout):
            client.post("/api/ask", json={"text": "build the house"}, timeout=0.1)
        started.send_signal(signal.SIGINT)
        time.sleep(0.2)
        started.send_signal(signal.SIGINT)
        assert started.wait(2) in (0, 130)


def test_only_one_serves_and_the_socket_is_removed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        with pytest.raises(ServeError, match="running already"):
            Server(load(), path=server.path)
        assert server.path.exists()
    assert not server.path.exists()


def test_what_lies_at_the_place_of_the_socket_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "s" / "serve.sock"
    place.parent.mkdir()
    place.write_text("mine")
    with pytest.raises(DaemonError, match="in the way"):
        Server(load(), path=place)
    assert place.read_text() == "mine"
    place.unlink()


def test_a_port_that_is_taken_is_named_and_nothing_is_left_behind(tmp_path: Path) -> None:
    place = tmp_path / "s" / "serve.sock"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"Port {port}"):
            Server(load(), port=port, path=place)
    assert not place.exists()


def otto(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from otto.cli import main; main()", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_token_is_printed_with_a_link_for_the_browser() -> None:
    done = otto("--token", "--port", "4321")
    token = token_file(load()).read_text().strip()
    assert done.returncode == 0 and done.stdout.strip() == token
    assert "http://127.0.0.1:4321/login#" in done.stderr
    assert token not in done.stderr, "the link opens nothing for long"


def test_a_link_that_leads_nowhere_says_so() -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        assert f"start it: otto serve --port {port}" in otto("--token", "--port", port).stderr
        taken.listen()
        assert "start it" not in otto("--token", "--port", port).stderr


def test_the_help_shows_how_to_begin() -> None:
    done = otto("--help")
    assert done.returncode == 0 and "otto serve --port 8765" in done.stdout
