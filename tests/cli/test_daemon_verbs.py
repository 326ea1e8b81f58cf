"""`otto daemon` as a process: started, asked, stopped, killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otto.daemon.client import ask_daemon, request
from otto.store import open_store

Otto = Callable[..., Any]


@pytest.fixture
def folders(own_folders: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of its own, a short one for the socket among them, with the bundled skills learnt already."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own_folders / "run"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(trained))
    return own_folders


def started() -> subprocess.Popen[str]:
    """A daemon that answers, without ears."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from otto.cli import main; main()", "daemon", "run", "--deaf"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "The daemon is ready.\n"
    return process


@pytest.fixture
def daemon(folders: Path) -> Iterator[subprocess.Popen[str]]:
    process = started()
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def children(process: subprocess.Popen[str]) -> set[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    return {int(pid) for pid in found.stdout.split()}


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("count", [3, pytest.param(100, marks=pytest.mark.nightly)])
def test_it_stops_cleanly_at_any_moment(folders: Path, count: int) -> None:
    chance = random.Random(6)
    for number in range(count):
        process = started()
        if chance.random() < 0.7:
            client = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "from otto.daemon.client import ask_daemon; ask_daemon('set a timer for an hour')",
                ],
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.0, 0.6))
            own = children(process)
        else:
            client, own = None, children(process)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, number
        assert time.monotonic() - begun < 5.0
        process.communicate()
        if client:
            client.wait(10)
        time.sleep(0.05)
        assert not [pid for pid in own if alive(pid)]
        assert not (folders / "run" / "otto" / "daemon.sock").exists()
        with open_store(folders / "xdg" / "state" / "otto" / "otto.db") as store:
            assert not store.trouble


def test_ctrl_c_twice_ends_it_at_once(daemon: subprocess.Popen[str]) -> None:
    asked = subprocess.Popen(
        [sys.executable, "-c", "from otto.daemon.client import ask_daemon; ask_daemon('set a timer for an hour')"],
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.2)
    daemon.send_signal(signal.SIGINT)
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait(5) in (0, 130)
    asked.wait(10)


def test_a_timer_that_ended_while_nothing_ran_is_told_by_the_next_daemon(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders / "bin").mkdir()
    (folders / "bin" / "notify-send").write_text(f'#!/bin/sh\necho "$@" >> {folders}/told\n')
    (folders / "bin" / "notify-send").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folders / 'bin'}:{os.environ['PATH']}")
    first = started()
    assert (ask_daemon("set a timer for one second") or {})["ok"]
    first.kill()
    first.communicate()
    assert request({"do": "status"}) is None
    assert not (folders / "told").exists()
    time.sleep(1.1)
    second = started()
    deadline = time.monotonic() + 10
    while not (folders / "told").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "1 second timer" in (folders / "told").read_text()
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=10)


def test_the_verbs(otto: Otto, folders: Path) -> None:
    assert otto("daemon", "status").code == 1
    assert "No daemon is running" in otto("daemon", "begin").err
    process = started()
    try:
        shown = otto("daemon", "status", "--json").json
        assert (shown["running"], shown["listening"], shown["pid"]) == (True, False, process.pid)
        again = otto("daemon", "run", "--deaf")
        assert (again.code, again.err) == (2, "otto: A daemon is running already: otto daemon status\n")
        assert "does not listen" in otto("daemon", "begin").err
        assert otto("daemon", "cancel").code == 0
        assert otto("daemon", "stop").code == 0
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
    assert "no daemon to stop" in otto("daemon", "stop").err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is for Linux")
def test_install_writes_a_unit(otto: Otto, folders: Path) -> None:
    shown = otto("daemon", "install", "--print", HOME=str(folders)).out
    assert "After=pipewire.service pipewire-pulse.service pulseaudio.service" in shown
    assert "daemon run" in shown
    done = otto("daemon", "install", HOME=str(folders))
    assert "systemctl --user enable --now otto" in done.out
    assert (folders / ".config" / "systemd" / "user" / "otto.service").read_text() == shown


def test_its_answer_is_what_otto_ask_prints(daemon: subprocess.Popen[str], otto: Otto) -> None:
    answer = ask_daemon("what is nine times nine") or {}
    direct = json.loads(otto("ask", "--json", "what is nine times nine").out)
    assert set(direct) <= set(answer)
    assert answer["reply"] == direct["reply"]
    assert os.path.exists(f"/proc/{daemon.pid}") or sys.platform != "linux"


def test_otto_ask_has_the_daemon_answer(daemon: subprocess.Popen[str], otto: Otto) -> None:
    before = request({"do": "status"}) or {}
    asked = otto("ask", "--json", "--dry-run", "set a timer for ten minutes")
    assert (asked.code, asked.err) == (0, "")
    assert {"text", "calls", "confidence", "results", "reply", "timings_ms"} <= set(asked.json)
    assert "ok" not in asked.json
    assert (request({"do": "status"}) or {})["handled"] == int(str(before["handled"])) + 1
    assert "too long" in otto("ask", "a" * 600).err
    assert otto("ask", "how do you like your eggs my dear").code == 1
