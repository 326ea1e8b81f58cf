"""A new skill from what a person types: a signature, sentences with their calls, and perhaps an action.

    >>> file = drawn_up(Path("lights_examples.txt"), 'lights(state="on|off") switches the lights',
    ...                 ['lights on => lights(state="on")'])
    >>> file.save()

Nothing is written that the reader of example files would complain about.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otto import action as actions
from otto import signature
from otto.action import Action
from otto.call import OTHER, Call, parse
from otto.errors import CallSyntaxError, SchemaError, shorten
from otto.example import Example
from otto.examples.draft import name_of
from otto.examples.file import ExampleFile, compose, read_text
from otto.skill import Skill

ARROWS = ("=>", "->", "→")
"""What stands between a sentence and its call."""


def drawn_up(
    path: Path,
    call: str = "",
    examples: Sequence[str] = (),
    refused: Sequence[str] = (),
    action: Sequence[str] = (),
) -> ExampleFile:
    """The file of a new skill, named after `path`; nothing is written yet.

    `call`: the signature, and behind it what the skill does; empty: guessed from the examples. `examples`: "sentence =>
    call". `refused`: sentences that must not reach the skill. `action`: the lines of `#### Action:`.
    Raises `SchemaError` for what makes no sense.
    """
    name = name_of(path)
    if not name or name == OTHER:
        raise SchemaError(
            f"{path.stem!r} cannot be a skill's name: letters, digits and _, a letter first, and not {OTHER!r}"
        )
    taught = [example(text) for text in examples]
    taught += [Example(" ".join(text.split()), (Call(OTHER),)) for text in refused]
    carried_out = _action(action)
    skill = _described(call) if call else _guessed(path, taught, carried_out)
    if skill.name != name:
        raise SchemaError(f"the signature is of {skill.name!r} and the new skill is called {name!r}")
    file = read_text(compose([skill], taught, carried_out), path)
    if file.problems:
        raise SchemaError("; ".join(problem.message for problem in file.problems))
    return file


def example(text: str) -> Example:
    """From "sentence => call". Raises `SchemaError`."""
    arrow = next((arrow for arrow in ARROWS if arrow in text), "")
    sentence, _, calls = text.rpartition(arrow) if arrow else ("", "", "")
    if not sentence.strip():
        raise SchemaError(f"an example is written 'sentence => call', not {shorten(text)!r}")
    try:
        return Example(" ".join(sentence.split()), parse(calls))
    except CallSyntaxError as error:
        raise SchemaError(f"the example {shorten(text)!r}: {error}") from error


def _described(call: str) -> Skill:
    found, problems = signature.find(call)
    if problems:
        raise SchemaError(problems[0][1])
    if len(found) != 1:
        raise SchemaError(f'{shorten(call)!r} holds no signature such as lights(state="on|off", room="[room]")')
    description = f"{call[: found[0].start]} {call[found[0].end :]}"
    return signature.merge(found, " ".join(description.split()).lstrip(":-–— "))


def _guessed(path: Path, examples: Sequence[Example], action: Action | None) -> Skill:
    lines = [f"User: {each.text}\nAssistant: {each.calls[0]}\n" for each in examples if each.calls[0].name != OTHER]
    skills = read_text("\n".join(["#### Examples:\n", *lines]), path).skills
    if skills:
        return skills[0]
    if action:
        return Skill(name_of(path))
    raise SchemaError("a skill needs a signature or an example")


def _action(lines: Sequence[str]) -> Action | None:
    if not lines:
        return None
    action, problems = actions.parse(list(enumerate(lines, 1)))
    if action is None:
        raise SchemaError("; ".join(f"the action: {problem.message}" for problem in problems))
    return action
