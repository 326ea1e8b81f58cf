"""Everything that can be called at one moment. A snapshot never changes: a reload builds another one.

>>> snapshot.skills["timer"].skill.check(call, now)
>>> str(change(before, after))
'+lights ~timer -news'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from otto.action import Action
from otto.call import Argument
from otto.example import Example, Problem
from otto.skill import Skill


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A skill file's function, as it was when the file was last good."""

    file: Path
    source: str = field(repr=False)
    """The file's text: what runs, also after the file was broken, edited or deleted."""
    deadline: float | None = None
    """Seconds that the skill asked for; None: the setting's."""
    session: bool = False
    """Whether the function takes a `Session`."""


class Remote(Protocol):
    """What carries a call out elsewhere: a tool of an MCP server."""

    @property
    def server(self) -> str:
        """Its name in the settings."""
        ...

    def call(self, arguments: Mapping[str, Argument], seconds: float) -> str:
        """What it answers, as text. Raises `SkillError`, also when that takes longer than `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Registered:
    """One skill and all that belongs to it."""

    skill: Skill
    examples: tuple[Example, ...] = ()
    """All valid; the sentences of `#### Not:` among them mean `other()`."""
    action: Action | None = None
    """How it is carried out where there is no function."""
    function: PythonFunction | None = None
    files: tuple[Path, ...] = ()
    """Where it comes from: example files, then the Python file."""
    hash: str = ""
    """16 hex digits over all of the above: equal where nothing has changed."""
    remote: Remote | None = None
    """How it is carried out where it is another program's."""
    phrases: tuple[str, ...] = ()
    """What it does in its own words, where nobody has said how people ask for it; its examples are then made of these,
    but for those of `files`."""

    @property
    def asks_first(self) -> bool:
        """Whether it wants a yes before it runs."""
        return self.skill.risk == "confirm" or (self.action is not None and self.action.risk == "confirm")

    @property
    def written(self) -> tuple[Example, ...]:
        """The examples that somebody has written; others were made of what a tool says of itself."""
        if not self.phrases:
            return self.examples
        files = set(map(str, self.files))
        return tuple(example for example in self.examples if example.origin.file in files)

    @property
    def runnable(self) -> bool:
        """Whether there is anything to run, not only examples."""
        return self.function is not None or self.action is not None or self.remote is not None


@dataclass(frozen=True)
class Snapshot:
    """All skills, `other` among them, by name in alphabetical order."""

    skills: Mapping[str, Registered]
    problems: tuple[Problem, ...] = ()
    """What is wrong in the files, by file and line."""
    hash: str = ""
    """16 hex digits over the skills."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "skills", MappingProxyType(dict(sorted(self.skills.items()))))
        object.__setattr__(self, "problems", tuple(sorted(self.problems, key=_place)))


@dataclass(frozen=True, slots=True)
class Change:
    """What is different between two snapshots; `str()` is one line for people."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Those that were not there before."""

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed or self.problems)

    def __str__(self) -> str:
        marked = (("+", self.added), ("~", self.changed), ("-", self.removed))
        names = " ".join(f"{mark}{name}" for mark, several in marked for name in several)
        count = len(self.problems)
        problems = f"{count} new problem{'s' if count > 1 else ''}" if count else ""
        return ", ".join(filter(None, (names, problems))) or "nothing new"


def change(before: Snapshot, after: Snapshot) -> Change:
    """What came, changed and went."""
    known = set(before.problems)
    return Change(
        tuple(name for name in after.skills if name not in before.skills),
        tuple(name for name, entry in after.skills.items() if _differs(before.skills.get(name), entry)),
        tuple(name for name in before.skills if name not in after.skills),
        tuple(problem for problem in after.problems if problem not in known),
    )


def _differs(before: Registered | None, after: Registered) -> bool:
    return before is not None and before.hash != after.hash


def _place(problem: Problem) -> tuple[str, int]:
    return problem.origin.file, problem.origin.line
