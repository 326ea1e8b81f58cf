"""The router's task: a sentence in, calls out.

task = RouterTask(router_prompt("plain", system=""), skills)
task.training(row)      ('<s>User: lights on\\nAssistant:\\n', 'lights()</s>')
task.score(row, 'lights(state="on")')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from finetune.shapes import Conversation, DataError
from finetune.tasks import Score
from otto.call import OTHER, Call, parse
from otto.errors import CallError, CallSyntaxError
from otto.examples.file import NOON
from otto.prompt import RouterPrompt
from otto.skill import OTHER_SKILL, Skill, same_calls


@dataclass(frozen=True)
class RouterTask:
    """Answers are scored as typed calls at one noon, so that a set scores the same on every day."""

    prompt: RouterPrompt
    skills: Mapping[str, Skill]

    @property
    def name(self) -> str:
        return "router"

    @property
    def most_tokens(self) -> int:
        return 128

    def opening(self, row: Conversation) -> str:
        return self.prompt.opening(row.question, self._listed)

    def training(self, row: Conversation) -> tuple[str, str]:
        return self.prompt.training(row.question, self._wanted(row), self._listed)

    def score(self, row: Conversation, answer: str) -> Score:
        wanted, calls = self._wanted(row), read(answer)
        right = bool(calls) and same_calls(calls, wanted, {OTHER: OTHER_SKILL, **self.skills}, NOON)
        return Score(right, calls == wanted, self.usable(answer))

    def usable(self, answer: str) -> bool:
        """Whether the calls parse, and their skills exist and accept them."""
        calls = read(answer)
        try:
            for call in calls:
                if call.name != OTHER:
                    self.skills[call.name].check(call, NOON)
        except (KeyError, CallError):
            return False
        return bool(calls)

    @cached_property
    def _listed(self) -> tuple[Skill, ...]:
        """The skills in the prompt; none for a model that knows them by heart."""
        return tuple(self.skills.values()) if self.prompt.system else ()

    def _wanted(self, row: Conversation) -> tuple[Call, ...]:
        try:
            calls = parse(row.answer)
        except CallSyntaxError as error:
            raise DataError(row.origin, f"the answer is no call: {error}") from error
        for call in calls:
            if call.name != OTHER and call.name not in self.skills:
                known = ", ".join(sorted(self.skills))
                raise DataError(row.origin, f"there is no skill {call.name!r}; known: {known}")
        return calls


def read(answer: str) -> tuple[Call, ...]:
    """The calls in an answer; none where it is no call."""
    try:
        return parse(answer.strip())
    except CallSyntaxError:
        return ()
