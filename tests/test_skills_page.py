"""docs/skills.md: what it shows is read by the program as the page says."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from otto import action
from otto.config import Folders
from otto.registry.registry import Registry
from otto.signature import find, merge
from otto.values import TYPES, Limits

PAGE = (Path(__file__).parent.parent / "docs" / "skills.md").read_text(encoding="utf-8")


def block(mark: str) -> str:
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, mark
    return found[1]


def test_the_files_it_shows_are_good_skills(tmp_path: Path) -> None:
    (tmp_path / "lights_examples.txt").write_text(block("example file: lights_examples.txt"))
    (tmp_path / "dice.py").write_text(block("skill file: dice.py"))
    snapshot = Registry(Folders((tmp_path,), (tmp_path,)), cache=tmp_path / "cache").snapshot
    assert not snapshot.problems
    lights, dice = snapshot.skills["lights"], snapshot.skills["dice"]
    assert len(lights.examples) == 6
    assert [parameter.required for parameter in lights.skill.parameters] == [True, False, False]
    assert dice.skill.parameter("count") is not None
    assert dice.skill.description == "Throws dice and says what they show."


def test_every_type_is_in_the_table_and_reads_as_it_says(now: datetime) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert [name for name, _, _ in rows] == list(TYPES)
    for name, said, written in rows:
        if name not in ("text", "choice"):
            kind = TYPES[name]
            assert str(kind.write(kind.read(said, Limits(), now))).lower() == written.lower(), name


def test_every_line_of_the_action_can_be_read() -> None:
    page = re.search(r"```text\n(run: .*?)```", PAGE, re.DOTALL)
    assert page
    lines = [re.split(r" {3,}", line)[0] for line in page[1].splitlines()]
    does = [line for line in lines if line.startswith(("run", "http", "publish"))]
    assert len(does) == 4
    for line in does:
        rest = [line for line in lines if line not in does]
        if not line.startswith("http"):
            rest = [line for line in rest if not line.startswith(("header", "body", "reply"))]
        read, problems = action.parse(list(enumerate([line, *rest], 1)))
        assert read, problems
        assert (read.risk, read.timeout) == ("confirm", 5)


@pytest.mark.parametrize("written", re.findall(r"^\| `([a-z]+=.+?)`(?:, `([a-z]+=.+?)`)? \|", PAGE, re.MULTILINE))
def test_every_way_to_write_a_parameter_can_be_read(written: tuple[str, str]) -> None:
    for each in filter(None, written):
        found, problems = find(f"x({each})".replace("\\|", "|"))
        assert not problems
        assert len(merge(found).parameters) == 1
