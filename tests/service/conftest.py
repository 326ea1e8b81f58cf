"""A service of its own for each module: a real server on a Unix socket and on loopback, with four small skills."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from otto.config import Folders, Settings, load
from otto.service.engines import Engines
from otto.service.run import Server
from otto.turn import Assistant
from tests.examplefiles import SKILL_FILE, STOP_FILE

OTHER = """#### Examples:
User: how do magnets work
Assistant: other()
User: what did you dream last night
Assistant: other()
User: who won the cup in the year of the flood
Assistant: other()
User: I think it will rain
Assistant: other()
User: tell me about the moon
Assistant: other()
User: my cousin is a lawyer
Assistant: other()
"""


def write_skills(folder: Path) -> Folders:
    """paint (at once), build (takes a second), crush (asks first), stop."""
    examples, none = folder / "bundled", folder / "none"
    for each in (examples, none):
        each.mkdir(parents=True)
    for name, command, reply, risk in (
        ("paint", '["echo", "{thing}"]', "Painted {output}.", "none"),
        ("build", '["sleep", "1"]', "Built {thing}.", "none"),
        ("crush", '["echo", "{thing}"]', "Crushed {output}.", "confirm"),
    ):
        text = SKILL_FILE.replace("{name}", name).replace("{command}", command)
        (examples / f"{name}_examples.txt").write_text(text.replace("{reply}", reply).replace("{risk}", risk))
    (examples / "stop_examples.txt").write_text(STOP_FILE)
    (examples / "other_examples.txt").write_text(OTHER)
    return Folders((examples, folder / "config" / "examples"), (none, folder / "config" / "skills"))


@contextmanager
def serving(
    folder: Path,
    settings: Settings | None = None,
    where: Folders | None = None,
    engines: Callable[[Assistant], Engines] | None = None,
) -> Iterator[Server]:
    """A server in a thread, until the end of the `with`."""
    kept = {name: folder / name for name in ("config_folder", "state_folder", "cache_folder")}
    kept["config_folder"] = folder / "config"
    made = replace(settings or load({}, {}, folder / "none.toml"), **kept)
    ready = threading.Event()
    server = Server(
        made,
        port=0,
        where=where or write_skills(folder),
        path=folder / "s" / "serve.sock",
        announce=lambda alert, missed: None,
        engines=engines,
    )
    thread = threading.Thread(target=server.run, args=(ready.set,), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


RUN = """
import sys
from dataclasses import replace
from pathlib import Path
from otto.config import Folders, load
from otto.leave import leave
from otto.service.run import Server
folder = Path(sys.argv[1])
settings = replace(load({}, {}, folder / "none.toml"), config_folder=folder / "config", state_folder=folder / "state",
                   cache_folder=folder / "cache")
where = Folders((folder / "bundled", folder / "config" / "examples"), (folder / "none", folder / "config" / "skills"))
server = Server(settings, port=0, where=where, path=folder / "serve.sock")
server.run(lambda: print(server.port, server.service.token.secret, flush=True))
leave()
"""


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server in a process of its own, with the skills that `write_skills` has put there."""
    command = [sys.executable, "-c", RUN, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        port, token = started.stdout.readline().split()
        headers = {"Authorization": f"Bearer {token}"}
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
                yield started, client
        finally:
            started.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Over TCP, with the token."""
    with over_tcp(server) as client:
        yield client


def over_tcp(server: Server) -> httpx.Client:
    token = server.service.token.secret
    return httpx.Client(
        base_url=f"http://127.0.0.1:{server.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
        trust_env=False,
    )


@pytest.fixture
def history(server: Server) -> Callable[[], list[str]]:
    """What was said and done, newest first."""
    return lambda: [entry.text for entry in server.service.otto.store.history.last(1000)]
