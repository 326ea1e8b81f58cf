"""Every test runs in folders of its own: none can touch the real configuration, state or cache."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otto.config import Settings, folders
from otto.registry.live import Live

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
"""A Wednesday noon."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """XDG folders under a temporary folder; no key, display, session bus or running daemon reaches a test by
    accident."""
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg" / name.lower()))
    # A socket's path has about a hundred characters at most, and those of a test's own folder may be more.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `$XDG_CACHE_HOME` may name: a folder in which the router is trained on the bundled skills, once for all
    tests that need these."""
    cache = tmp_path_factory.mktemp("cache")
    nowhere = tmp_path_factory.mktemp("nowhere")
    settings = Settings(config_folder=nowhere, state_folder=nowhere, cache_folder=cache / "otto")
    Live(settings, folders(settings)).close()
    return cache


@pytest.fixture
def now() -> datetime:
    return NOW
