"""How `otto skills` shows skills and what is wrong with them, as text and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from otto import action as actions
from otto import signature
from otto.call import write
from otto.config import is_bundled
from otto.example import Problem
from otto.registry.snapshot import Registered, Snapshot
from otto.skill import Parameter, to_json


def line(problem: Problem) -> str:
    """`file:line: message`, the file as seen from here."""
    place = str(problem.origin).removeprefix(problem.origin.file)
    mark = "" if problem.severity == "error" else f"{problem.severity}: "
    return f"{near(Path(problem.origin.file))}{place}: {mark}{problem.message}"


def near(path: Path) -> str:
    """A path as seen from the current folder, where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
    return relative if not relative.startswith("..") else str(path)


def problem_rows(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """Problems as JSON."""
    return [
        {"file": each.origin.file, "line": each.origin.line, "severity": each.severity, "message": each.message}
        for each in problems
    ]


def problems_of(entry: Registered, snapshot: Snapshot) -> list[Problem]:
    """What is wrong in the files of one skill."""
    files = set(map(str, entry.files))
    return [problem for problem in snapshot.problems if problem.origin.file in files]


def runs(entry: Registered) -> str:
    """What is run when the skill is called."""
    if entry.function:
        return f"Python: {near(entry.function.file)}"
    if entry.remote:
        return f"a tool of the MCP server {entry.remote.server}"
    return "its action" if entry.action else "nothing: it is only understood"


def whence(entry: Registered, own: Path) -> str:
    """Where a skill comes from. `own`: the user's folder, which holds `examples/` and `skills/`."""
    places: dict[str, list[str]] = {f"server {entry.remote.server}": ["tool"]} if entry.remote else {}
    for path in entry.files:
        place = "yours" if own in path.parents else "bundled" if is_bundled(path.parent) else near(path.parent)
        kind = "Python" if path.suffix == ".py" else "examples"
        places.setdefault(place, []).append(kind)
    return "; ".join(f"{place}: {', '.join(kinds)}" for place, kinds in places.items())


def summary(entry: Registered, snapshot: Snapshot) -> dict[str, object]:
    """A skill in a list, as JSON."""
    return {
        "name": entry.skill.name,
        "call": signature.write(entry.skill),
        "description": entry.skill.description,
        "examples": len(entry.written),
        "risk": entry.skill.risk,
        "runs": "python" if entry.function else "action" if entry.action else "server" if entry.remote else None,
        "server": entry.remote.server if entry.remote else None,
        "files": [str(path) for path in entry.files],
        "problems": problem_rows(problems_of(entry, snapshot)),
    }


def details(entry: Registered, snapshot: Snapshot) -> dict[str, object]:
    """A skill with its schema and examples, as JSON."""
    return {
        **summary(entry, snapshot),
        "parameters": to_json(entry.skill)["parameters"],
        "hash": entry.skill.hash,
        "action": actions.write(entry.action) if entry.action else None,
        "examples": [
            {
                "text": example.text,
                "call": write(example.calls),
                "in_prompt": example.in_prompt,
                "file": example.origin.file,
                "line": example.origin.line,
            }
            for example in entry.examples
        ],
    }


def parameter_row(parameter: Parameter) -> tuple[str, ...]:
    """A parameter for a table: name, type, whether it is required, what it is limited to, what it means."""
    limits = parameter.limits
    bounds = (limits.minimum, limits.maximum)
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    allowed = ", ".join(limits.choices) or (f"{low}..{high}" if low or high else "")
    kind = f"several: {parameter.type}" if parameter.repeats else parameter.type
    return parameter.name, kind, "required" if parameter.required else "", allowed, parameter.description


def count(number: int, thing: str) -> str:
    """ "1 error", "2 errors"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
