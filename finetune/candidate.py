"""Candidates for examples, and the judge that lets only good ones in.

judge = Judge(skills, existing)
judge.objection(Candidate("ten minutes please", parse('timer(duration="ten minutes")')))    '' or why not
judge.admit(candidate)                                                                      now it exists
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from finetune.duplicates import NEAR, Index
from finetune.scan import scan
from otto.call import FORBIDDEN, OTHER, Call, write
from otto.errors import CallError
from otto.evidence import supported
from otto.example import Example
from otto.examples.file import NOON
from otto.skill import Skill

LONGEST = 300
"""Characters of a sentence."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence with its calls that may become an example."""

    text: str
    calls: tuple[Call, ...]

    def __str__(self) -> str:
        return f"{self.text} => {write(self.calls)}"


class Judge:
    """Holds a candidate against the skills, the sentence itself and everything that exists."""

    def __init__(self, skills: Mapping[str, Skill], existing: Iterable[Example], near: float = NEAR) -> None:
        self._skills = skills
        self._known = [Candidate(example.text, example.calls) for example in existing]
        self._index = Index((each.text for each in self._known), near)

    def objection(self, candidate: Candidate) -> str:
        """Why the candidate cannot be an example; empty when it can. Its first words are the same for equal reasons."""
        return self.fault(candidate) or self._doubled(candidate)

    def fault(self, candidate: Candidate) -> str:
        """As `objection`, without the comparison with what exists."""
        text = candidate.text
        if not any(character.isalnum() for character in text) or len(text) > LONGEST or FORBIDDEN.search(text):
            return f"not a sentence of up to {LONGEST} characters"
        if found := scan(text):
            return f"holds personal data: {found[0]}"
        for call in candidate.calls:
            if call.name == OTHER:
                continue
            skill = self._skills.get(call.name)
            if skill is None:
                return f"unknown skill: {call.name}"
            try:
                skill.check(call, NOON)
            except CallError as error:
                return f"invalid call: {error}"
            for parameter in skill.parameters:
                argument = call.arguments.get(parameter.name)
                if argument is not None and not supported(argument, parameter, text, NOON):
                    return f"unsupported argument: the sentence does not say {parameter.name}={argument!r}"
        return ""

    def admit(self, candidate: Candidate) -> None:
        """From now on the candidate counts as existing."""
        self._known.append(candidate)
        self._index.add(candidate.text)

    def _doubled(self, candidate: Candidate) -> str:
        near = self._index.near(candidate.text)
        if not near:
            return ""
        place, _ = max(near, key=lambda match: match[1])
        return f"nearly exists: {self._known[place]}"
