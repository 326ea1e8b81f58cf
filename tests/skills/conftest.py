"""Skills are tested as they are called: a call is parsed, checked against the schema, and run with a real store."""

from __future__ import annotations

import importlib.util
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from otto.call import parse
from otto.config import Settings, bundled
from otto.function import SkillFunction
from otto.network.fetch import Answer, fetch
from otto.reply import Reply
from otto.session import Session
from otto.store import Store, open_store


def load(name: str) -> ModuleType:
    """The module of a bundled skill's file."""
    spec = importlib.util.spec_from_file_location(f"bundled_{name}", bundled("skills") / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(name: str) -> SkillFunction[Any, Any]:
    found: SkillFunction[Any, Any] = getattr(load(name), name)
    return found


@pytest.fixture
def function() -> Callable[[str], SkillFunction[Any, Any]]:
    """From a bundled skill's name to its function."""
    return loaded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "otto.db") as opened:
        yield opened


@pytest.fixture
def session(now: datetime, store: Store) -> Session:
    """Its `now` may be set: time passes."""
    return Session(now, settings=Settings(), store=store)


@pytest.fixture
def reply(session: Session) -> Callable[[str], Reply]:
    def carried_out(text: str) -> Reply:
        (call,) = parse(text)
        skill = loaded(call.name)
        return skill.run(skill.schema.check(call, session.now), session)

    return carried_out


@pytest.fixture
def do(reply: Callable[[str], Reply]) -> Callable[[str], str]:
    """From a call as it is written to what is said."""
    return lambda text: reply(text).text


class Web:
    """A real server on this machine. `answers`: status and body by path; the first path that a request starts with."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                web.headers.append(dict(self.headers))
                web.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                status, body = next((web.answers[key] for key in web.answers if self.path.startswith(key)), (404, b""))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def fetch(self, url: str, **options: Any) -> Answer:
        """The real `fetch`, with this server in the place of the host that was asked for, which must be allowed."""
        parts = urlsplit(url)
        assert parts.scheme == "https" and parts.hostname in options["hosts"]
        options.pop("origins", None)
        return fetch(f"{self.origin}{parts.path}?{parts.query}", **options, origins={self.origin})


@pytest.fixture
def web() -> Iterator[Web]:
    started = Web()
    yield started
    started.server.shutdown()
    started.server.server_close()


class Programs:
    """A folder of small programs that is the whole PATH; each writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "called"

    def add(self, name: str, script: str = "") -> Path:
        file = self.folder / name
        record = f'{{ printf %s {name}; for each; do printf "\\t%s" "$each"; done; echo; }} >> {self.log}'
        file.write_text(f"#!/bin/sh\n{record}\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    @property
    def called(self) -> list[list[str]]:
        """The argument lists, in order."""
        return [line.split("\t") for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    assert os.environ["PATH"] == str(folder)
    return Programs(folder)
