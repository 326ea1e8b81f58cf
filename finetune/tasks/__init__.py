"""Tasks: what a model is tuned for. One file a task: how a row becomes a prompt, how an answer is scored.

    task = make("router", prompt, skills)
    prompt, completion = task.training(row)
    task.score(row, answer).right

Where the data is stands in a recipe; how often, how fast and with which weights, too. What is left is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol

from finetune.shapes import Conversation
from otto.errors import ConfigError
from otto.prompt import RouterPrompt
from otto.skill import Skill

PROSE = ("coach", "feedback", "document", "style")
"""Those whose answers are texts. Each is a file here with a function `task`."""
NAMES = ("router", *PROSE)


@dataclass(frozen=True, slots=True)
class Score:
    """How good one answer is."""

    right: bool
    """What the task counts: for the router, typed arguments and all calls equal; for texts, that no rule of the task is
    broken."""
    as_written: bool
    """Equal to the wanted answer letter by letter, but for the order of arguments."""
    well_formed: bool
    """Whether it could be used at all."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What else the task measures of an answer; runs report the means."""


class Task(Protocol):
    """What training and evaluation need to know of a use."""

    @property
    def name(self) -> str: ...

    @property
    def most_tokens(self) -> int:
        """Of an answer; a model that writes more is cut."""
        ...

    def opening(self, row: Conversation) -> str:
        """The prompt, up to where the model writes."""
        ...

    def training(self, row: Conversation) -> tuple[str, str]:
        """(prompt, completion); the completion ends with the end token. Raises `DataError` for a row that does not
        fit the task."""
        ...

    def score(self, row: Conversation, answer: str) -> Score:
        """How good an answer to the row's question is."""
        ...

    def usable(self, answer: str) -> bool:
        """Whether an answer to any question could be used."""
        ...


def make(name: str, prompt: RouterPrompt, skills: Mapping[str, Skill]) -> Task:
    """The task of that name. Raises `ConfigError`."""
    if name == "router":
        from finetune.tasks.router import RouterTask

        return RouterTask(prompt, skills)
    if name in PROSE:
        made: Task = import_module(f"finetune.tasks.{name}").task(prompt)
        return made
    raise ConfigError(f"task: there is no task {name!r}; known: {', '.join(NAMES)}")
