"""Bundled skills in the worker process, where they live: with its limits, and with files instead of fakes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from otto.call import parse
from otto.config import Folders, Settings, bundled
from otto.dispatch import Dispatcher, Result
from otto.registry.registry import Registry

NAMES = ("timer", "timers", "openai", "runapp", "weather")


@pytest.fixture
def carried_out(tmp_path: Path, now: datetime, web: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{web.origin}/v1")
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    skills = tmp_path / "skills"
    skills.mkdir()
    for name in NAMES:
        (skills / f"{name}.py").write_bytes((bundled("skills") / f"{name}.py").read_bytes())
    settings = Settings(openai_model="tiny")
    registry = Registry(Folders((), (skills,)), cache=tmp_path / "cache")
    assert not registry.snapshot.problems
    with Dispatcher(settings, confirm=lambda skill, call: True) as dispatcher:
        yield lambda text: dispatcher.run(parse(text), registry.snapshot, now)
    registry.close()


def test_the_whole_way(carried_out: Any, web: Any, tmp_path: Path) -> None:
    timer, listed = carried_out('timer(duration="ten minutes"); timers(action="list")')
    assert (timer.value, listed.value) == (
        "The timer is set for 10 minutes.",
        "There is a 10 minute timer with 10 minutes left.",
    )

    web.answers["/v1/chat/completions"] = 200, b'{"choices": [{"message": {"content": "Because of the air."}}]}'
    answers: tuple[Result, ...] = carried_out('openai(prompt="why is the sky blue")')
    assert answers[0].value == "Because of the air."

    program, mark = tmp_path / "otter", tmp_path / "opened"
    program.write_text(f"#!/bin/sh\nulimit -d > {mark}.part\nmv {mark}.part {mark}\n")
    program.chmod(0o755)
    (tmp_path / "share" / "applications").mkdir(parents=True)
    entry = f"[Desktop Entry]\nType=Application\nName=Otter Viewer\nExec={program}\n"
    (tmp_path / "share" / "applications" / "otter.desktop").write_text(entry)
    assert carried_out('runapp(program="otter viewer")')[0].value == "Opening Otter Viewer."
    end = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert mark.read_text().strip() != str(Settings().memory_mb * 1024), (
        "the worker's memory limit is not the application's"
    )
