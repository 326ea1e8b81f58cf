"""The bundled skills are the ones that docs/design.md lists, with the names, types and parameters that it fixes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otto.config import bundled
from otto.function import SkillFunction
from otto.signature import find, merge

Loader = Callable[[str], SkillFunction[Any, Any]]
_LIGHT = {"__future__", "collections", "datetime", "math", "otto", "re", "shutil", "typing", "unicodedata", "urllib"}
_LIGHT |= {"zoneinfo"}
EXAMPLE_FILES_ONLY = {"define", "lock", "other"}


def table() -> dict[str, tuple[str, set[str], str]]:
    """From a skill's name to its signature, its required parameters and its risk."""
    text = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
    rows = text.partition("### The skills that are bundled")[2].splitlines()
    found = {}
    for cells in (re.split(r"(?<!\\)\|", row) for row in rows if row.startswith("| `")):
        required = set(re.findall(r"\w+", cells[2]))
        for signature in re.findall(r"`([^`]*)`", cells[1].replace("\\|", "|")):
            found[signature.partition("(")[0]] = signature, required, cells[3].strip() or "none"
    return found


@pytest.mark.parametrize("name", sorted(table().keys() - EXAMPLE_FILES_ONLY))
def test_a_skill_is_as_the_table_fixes_it(name: str, function: Loader) -> None:
    signature, required, risk = table()[name]
    (found, problems) = find(signature)
    assert not problems
    wanted, schema = merge(found), function(name).schema
    # The choices of "a|b" are in order; what is optional in Python follows what is required there.
    assert {each.name: (each.type, each.limits.choices) for each in schema.parameters} == {
        each.name: (each.type, each.limits.choices) for each in wanted.parameters
    }
    assert {each.name for each in schema.parameters if each.required} == required
    assert schema.risk == risk
    assert schema.description and "\n" not in schema.description


def test_there_is_one_file_a_skill() -> None:
    assert {file.stem for file in bundled("skills").glob("*.py")} == table().keys() - EXAMPLE_FILES_ONLY


@pytest.mark.parametrize("name", sorted(table().keys() - EXAMPLE_FILES_ONLY))
def test_a_skill_imports_otto_and_nothing_heavy(name: str) -> None:
    source = (bundled("skills") / f"{name}.py").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    assert imported <= _LIGHT
