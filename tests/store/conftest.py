"""Every test of what the store keeps runs twice: in a file, and in a server that several Ottos share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from otto.store import Store, open_store
from tests import postgres

_NAMES = count()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store of a test lies; its folder is not there yet."""
    return tmp_path / "state" / "otto" / "otto.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if not postgres.available():
        pytest.skip(postgres.MISSING)
    with postgres.server() as url:
        yield url


@pytest.fixture
def shared(postgres_server: str) -> str:
    """The URL of an empty store at a server."""
    import psycopg

    name = f"otto_{next(_NAMES)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["file", "shared"])
def place(request: pytest.FixtureRequest) -> Path | str:
    """Where the store of a test is: a file, or a server."""
    wanted: Path | str = request.getfixturevalue("path" if request.param == "file" else "shared")
    return wanted


@pytest.fixture
def file_store(path: Path) -> Iterator[Store]:
    """A store in a file, for what is particular to files."""
    with open_store(path) as opened:
        assert not opened.trouble
        yield opened


@pytest.fixture
def store(place: Path | str) -> Iterator[Store]:
    with open_store(place) as opened:
        assert not opened.trouble
        yield opened
