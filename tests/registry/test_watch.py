"""Live reload: what changes in a folder is live within a second, whatever the system reports."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otto.config import Folders
from otto.files import write_atomic
from otto.registry.registry import Registry
from otto.registry.watch import Watch

LIMIT = 3.0
"""Seconds; what is promised is 1, the machine may be busy."""

Follow = Callable[[Path], tuple[Registry, list[str]]]


@pytest.fixture(params=["reports", "times"])
def follow(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follow]:
    """Watches a folder, with the system's reports and without them."""
    if request.param == "times":

        def exhausted(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "OS file watch limit reached.")

        monkeypatch.setattr("watchfiles.watch", exhausted)
    open_watches: list[Watch] = []

    def start(folder: Path) -> tuple[Registry, list[str]]:
        told: list[str] = []
        registry = Registry(Folders((folder,), ()), cache=tmp_path / "cache")
        open_watches.append(Watch(registry, lambda change: told.append(str(change))))
        return registry, told

    yield start
    for watch in open_watches:
        watch.close()


def wait_for(told: list[str], expected: list[str]) -> None:
    started = time.monotonic()
    while told != expected:
        assert time.monotonic() - started < LIMIT, f"told {told}, not {expected}"
        time.sleep(0.01)
    told.clear()


def lamp(folder: Path, name: str = "lamp", text: str = "lights up") -> Path:
    """Writes a file whole: a busy machine may look at any moment."""
    path = folder / f"{name}_examples.txt"
    write_atomic(path, f"#### Prompt:\n{name}(on=true) {text}\n")
    return path


def test_dropping_editing_breaking_and_deleting_a_file(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    registry, told = follow(folder)
    path = lamp(folder)
    wait_for(told, ["+lamp"])
    assert "lamp" in registry.snapshot.skills
    lamp(folder, text="glows")
    wait_for(told, ["~lamp"])
    path.write_text("")
    wait_for(told, ["1 new problem"])
    assert registry.snapshot.skills["lamp"].skill.description == "glows"
    path.unlink()
    wait_for(told, ["-lamp"])


def test_an_editor_that_writes_in_place(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    path = lamp(folder)
    registry, _ = follow(folder)
    path.write_text(path.read_text().replace("lights up", "glows"))
    started = time.monotonic()
    while registry.snapshot.skills["lamp"].skill.description != "glows" or registry.snapshot.problems:
        assert time.monotonic() - started < LIMIT
        time.sleep(0.01)


def test_a_folder_that_appears_later(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "config" / "otto" / "examples"
    _, told = follow(folder)
    folder.mkdir(parents=True)
    lamp(folder)
    wait_for(told, ["+lamp"])


def test_a_folder_that_is_deleted_and_comes_back(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    lamp(folder)
    _, told = follow(folder)
    shutil.rmtree(folder)
    wait_for(told, ["-lamp"])
    folder.mkdir()
    lamp(folder, "torch")
    wait_for(told, ["+torch"])
    lamp(folder, "torch", "burns")
    wait_for(told, ["~torch"])


def test_a_file_behind_a_link(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    target = lamp(tmp_path)
    (folder / target.name).symlink_to(target)
    _, told = follow(folder)
    lamp(tmp_path, text="glows")
    wait_for(told, ["~lamp"])


def test_many_files_at_once_are_few_changes(tmp_path: Path, follow: Follow) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    registry, told = follow(folder)
    time.sleep(0.2)
    for number in range(30):
        lamp(folder, f"lamp{number}")
    started = time.monotonic()
    while len(registry.snapshot.skills) < 31:
        assert time.monotonic() - started < LIMIT
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(told) <= 5


def test_nothing_is_told_after_closing(tmp_path: Path) -> None:
    told: list[str] = []
    registry = Registry(Folders((tmp_path,), ()), cache=tmp_path / "cache")
    watch = Watch(registry, lambda change: told.append(str(change)))
    watch.close()
    registry.close()
    lamp(tmp_path)
    time.sleep(0.5)
    registry.reload()
    assert told == []
