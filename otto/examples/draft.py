"""What the layout of an example file says: skills, examples and an action, not yet held against each other.

    found = draft(lay_out(text), Path("lights_examples.txt"))

The schema comes from the signatures in the prompt. Where there is none it is guessed from the calls in the examples.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from otto import action as actions
from otto import signature
from otto.action import Action
from otto.call import FORBIDDEN, OTHER, Argument, Call, Scalar, parse
from otto.errors import CallSyntaxError, SchemaError
from otto.example import Example, Origin, Problem
from otto.examples.layout import Layout, Turn
from otto.skill import OTHER_SKILL, Parameter, Skill

SUFFIX = "_examples.txt"
"""What the name of an example file ends with."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Draft:
    """What a file says."""

    skills: tuple[Skill, ...]
    """Nothing is required yet."""
    examples: tuple[Example, ...]
    action: Action | None
    problems: tuple[Problem, ...]
    broken: bool
    """Whether more is wrong than single examples."""
    guessed: bool = False
    """Whether there was no signature."""


def draft(layout: Layout, path: Path) -> Draft:
    """What a layout says. The name of `path` counts where there is no signature."""
    return _Reader(path, layout).draft()


def name_of(path: Path) -> str:
    """The skill that a file is named after: `my-lights_examples.txt` is `my_lights`; empty when that is no name."""
    name = re.sub(r"[\s.-]+", "_", path.name.removesuffix(SUFFIX).removesuffix(".txt"))
    return name if _NAME.fullmatch(name) else ""


class _Refusal(Exception):
    """An example that cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message


@dataclass
class _Reader:
    """From a layout to what it says."""

    path: Path
    layout: Layout

    def __post_init__(self) -> None:
        self.problems = list(self.layout.problems)
        self.broken = False

    def draft(self) -> Draft:
        skills = self._described()
        examples = self._examples()
        action = self._action()
        guessed = not skills
        if guessed:
            skills = self._inferred(examples, action)
        if action:
            skills = self._with_action(skills, action)
        names = {skill.name for skill in skills}
        wrong = self._contradicting(names)
        examples = [example for example in examples if example.origin.line not in wrong]
        return Draft(skills, tuple(examples), action, tuple(self.problems), self.broken, guessed)

    def _described(self) -> tuple[Skill, ...]:
        """The skills of the prompt's signatures."""
        prompt = "\n".join(text for _, text in self.layout.prompt)
        signatures, problems = signature.find(prompt)
        for offset, message in problems:
            self._problem(self.layout.prompt[prompt.count("\n", 0, offset)][0], message)
            self.broken = True
        by_name: dict[str, list[signature.Signature]] = {}
        texts: dict[str, list[str]] = {}
        ends = [*(each.start for each in signatures[1:]), len(prompt)][: len(signatures)]
        for each, end in zip(signatures, ends, strict=True):
            before = [prompt[: each.start]] if not by_name else []
            by_name.setdefault(each.name, []).append(each)
            texts.setdefault(each.name, []).extend([*before, prompt[each.end : end]])
        skills: list[Skill] = []
        for name, several in by_name.items():
            description = " ".join(filter(None, map(_prose, texts[name])))
            try:
                skills.append(signature.merge(several, description))
            except SchemaError as error:
                self._problem(self.layout.prompt[prompt.count("\n", 0, several[0].start)][0], str(error))
                self.broken = True
        return tuple(skills)

    def _inferred(self, examples: Sequence[Example], action: Action | None) -> tuple[Skill, ...]:
        """Without a signature: the skill that the file is named after, or else the one most examples call."""
        calls = [call for example in examples for call in example.calls]
        counted = Counter(call.name for call in calls if call.name != OTHER)
        name = name_of(self.path)
        if counted and name not in counted:
            name = counted.most_common(1)[0][0]
        if not (calls or action) or not name:
            if not self.broken:
                self._problem(0, 'holds neither a signature such as lights(state="on|off") nor an example')
            return ()
        if name == OTHER:
            return (OTHER_SKILL,)
        given: dict[str, list[Argument]] = {}
        for call in calls:
            if call.name == name:
                for parameter, value in call.arguments.items():
                    given.setdefault(parameter, []).append(value)
        parameters = tuple(_guessed(parameter, values) for parameter, values in given.items())
        return (Skill(name, parameters, _prose("\n".join(text for _, text in self.layout.prompt))),)

    def _examples(self) -> list[Example]:
        examples: list[Example] = []
        for turn in self.layout.turns:
            try:
                calls = _calls(turn)
            except _Refusal as refusal:
                self._problem(refusal.line, refusal.message)
                continue
            in_prompt = turn.section in ("prompt", "prompt examples")
            examples.append(Example(turn.text, calls, Origin(str(self.path), turn.line), in_prompt))
        return examples

    def _contradicting(self, names: set[str]) -> set[int]:
        """Lines of the sentences under `#### Not:` that were given a call of this very skill."""
        wrong: set[int] = set()
        for turn in self.layout.turns:
            if turn.section == "not" and turn.answer_line and names & _names(turn) - {OTHER}:
                message = "a sentence under '#### Not:' cannot call the skill that it must not reach"
                self._problem(turn.answer_line, message)
                wrong.add(turn.line)
        return wrong

    def _action(self) -> Action | None:
        titles = [line for line, section in self.layout.sections if section == "action"]
        if not titles:
            return None
        action, problems = actions.parse(self.layout.action or [(titles[0], "")], str(self.path))
        self.problems += problems
        self.broken = self.broken or action is None
        return action

    def _with_action(self, skills: tuple[Skill, ...], action: Action) -> tuple[Skill, ...]:
        if len(skills) != 1:
            if skills:
                self._problem(action.origin.line, "a file with an action describes one skill")
                self.broken = True
            return skills
        skill = skills[0]
        known = {parameter.name for parameter in skill.parameters}
        for name in sorted(action.parameters - known):
            has = ", ".join(sorted(known)) or "none"
            self._problem(action.origin.line, f"{{{name}}} is no parameter of {skill.name} (it has: {has})")
            self.broken = True
        return (replace(skill, risk=action.risk),)

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(Origin(str(self.path), line), message))


def _calls(turn: Turn) -> tuple[Call, ...]:
    """What a turn means. Raises `_Refusal`."""
    if not turn.text:
        raise _Refusal(turn.line, "the sentence is empty")
    if found := FORBIDDEN.search(turn.text):
        raise _Refusal(turn.line, f"the character U+{ord(found.group()):04X} cannot be part of a sentence")
    if not turn.answer_line:
        if turn.section == "not":
            return (Call(OTHER),)
        raise _Refusal(turn.line, "this 'User:' has no 'Assistant:' after it")
    try:
        calls = _parsed(turn.answer)
    except CallSyntaxError as error:
        line = turn.answer_line + turn.answer.count("\n", 0, error.position)
        raise _Refusal(line, str(error)) from error
    if len(calls) > 1 and any(call.name == OTHER for call in calls):
        raise _Refusal(turn.answer_line, "other() stands alone: it means that no skill applies")
    return calls


@functools.lru_cache(maxsize=4096)
def _parsed(answer: str) -> tuple[Call, ...]:
    """Many sentences have the same answer."""
    return parse(answer)


def _names(turn: Turn) -> set[str]:
    """The skills that a turn calls; none where it cannot be read, which is reported elsewhere."""
    try:
        return {call.name for call in _parsed(turn.answer)}
    except CallSyntaxError:
        return set()


def _prose(text: str) -> str:
    return " ".join(text.split()).strip("`").lstrip(" `:,;-–—").rstrip(" `-*•")


def _guessed(name: str, values: Sequence[Argument]) -> Parameter:
    """A parameter that only examples show: of the narrowest type that takes them all, never a closed choice."""
    repeats = any(isinstance(value, tuple) for value in values)
    scalars: list[Scalar] = []
    for value in values:
        scalars.extend(value) if isinstance(value, tuple) else scalars.append(value)
    types = {signature.type_of(scalar) for scalar in scalars}
    kind = types.pop() if len(types) == 1 else "number" if types == {"integer", "number"} else "text"
    return Parameter(name, kind, repeats=repeats)
