from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otto.store import Store, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store of a test lies; its folder is not there yet."""
    return tmp_path / "state" / "otto" / "otto.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        assert not opened.trouble
        yield opened
