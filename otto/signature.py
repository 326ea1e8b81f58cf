"""The call signature in a prompt: a skill's schema as people and models read it.

    lights(state="on|off", room="[room]", level="[level:integer 0-100]") switches the lights of a room.

`"a|b"` is a closed choice, `"[name]"` a free text, `"[name:type]"` a typed value (any key of `otto.values.TYPES`),
`"[name:type 1-9]"` one with limits (`..` where a minus sign would confuse: `-10..40`, `0..`, `..100`), and
`["[name]"]` one that may occur several times. A number, `true` or `false` stands for its type. Several signatures of
one skill say together what it takes: `notes(action="add", note="[note]")` and `notes(action="list")`.

    >>> found, problems = find('timer(duration="[duration:duration]") sets a timer.')
    >>> write(merge(found))
    'timer(duration="[duration:duration]")'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from otto.call import Argument, Call, Scalar, parse
from otto.errors import CallSyntaxError, SchemaError, shorten
from otto.skill import Parameter, Skill
from otto.values import TYPES, Limits

MAX_LENGTH = 4096
"""Characters in a signature: long lists of choices are usual, longer ones than this are a missing quote."""
MAX_SIGNATURES = 64
"""Signatures in one prompt."""
MAX_CLOSING = 32
"""Closing parentheses looked at in search of the signature's own."""

_AT_LINE_START = re.compile(
    r"^[ \t]*(?:[-*•][ \t]+|[0-9]+[.)][ \t]+)?`?(?=[A-Za-z_][A-Za-z0-9_]{0,63}\()", re.MULTILINE
)
_ANYWHERE = re.compile(r"(?<![A-Za-z0-9_])(?=[A-Za-z_][A-Za-z0-9_]{0,63}\(\s*(?:\)|[A-Za-z_][A-Za-z0-9_]*\s*=))")
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_PLACEHOLDER = re.compile(
    r"\[\s*(?P<name>[^\[\]:|]+?)\s*(?::\s*(?P<type>[A-Za-z]+)"
    rf"(?:\s+(?P<low>{_NUMBER})?\s*(?:\.\.|-|–|to)\s*(?P<high>{_NUMBER})?)?)?\s*\]"
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One call signature where it stands in a prompt."""

    name: str
    taken: tuple[Taken, ...]
    start: int
    """Offset of the name in the prompt, in characters."""
    end: int
    """Offset behind the closing parenthesis."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One parameter of one signature."""

    parameter: Parameter
    shown: str
    """The value as written; empty for the usual way of writing this parameter."""
    literal: bool = False
    """Whether the value is itself one, as in `action="add"`."""


def find(prompt: str) -> tuple[list[Signature], list[tuple[int, str]]]:
    """The signatures in a prompt, and what is wrong with them as (offset, message).

    A signature begins a line; only where no line begins with one, the first inside a sentence counts.
    """
    starts = [found.end() for found in _AT_LINE_START.finditer(prompt)]
    signatures, problems = _read_all(prompt, starts[:MAX_SIGNATURES])
    if len(starts) > MAX_SIGNATURES:
        problems.append((starts[MAX_SIGNATURES], f"a prompt has at most {MAX_SIGNATURES} signatures"))
    if not starts:
        for _, found in zip(range(MAX_SIGNATURES), _ANYWHERE.finditer(prompt), strict=False):
            signatures, problems = _read_all(prompt, [found.end()])
            if signatures:
                break
    return signatures, problems


def merge(signatures: Sequence[Signature], description: str = "") -> Skill:
    """The skill that all these signatures of one name describe; nothing is required yet.

    Raises `SchemaError` when they contradict each other.
    """
    name = signatures[0].name
    by_name: dict[str, list[Taken]] = {}
    for signature in signatures:
        for taken in signature.taken:
            by_name.setdefault(taken.parameter.name, []).append(taken)
    parameters = tuple(_merged(name, several) for several in by_name.values())
    shown = {parameter: taken.shown for parameter, several in by_name.items() for taken in several if taken.shown}
    return Skill(name, parameters, description, shown=shown)


def write(skill: Skill) -> str:
    """The signature of a skill, as `find` reads it."""
    arguments: dict[str, Argument] = {}
    for parameter in skill.parameters:
        value = skill.shown.get(parameter.name) or placeholder(parameter)
        arguments[parameter.name] = (value,) if parameter.repeats else value
    return str(Call(skill.name, arguments))


def placeholder(parameter: Parameter) -> str:
    """How a parameter's value is usually shown: `on|off`, `[room]`, `[level:integer 0-100]`."""
    limits = parameter.limits
    if parameter.type == "choice":
        return "|".join(limits.choices) if len(limits.choices) > 1 else f"{limits.choices[0]}|"
    low, high = ("" if limit is None else f"{limit:.15g}" for limit in (limits.minimum, limits.maximum))
    if not low and not high:
        return f"[{parameter.name}]" if parameter.type == "text" else f"[{parameter.name}:{parameter.type}]"
    between = "-" if low and high and "-" not in low + high else ".."
    return f"[{parameter.name}:{parameter.type} {low}{between}{high}]"


def _read_all(prompt: str, starts: Sequence[int]) -> tuple[list[Signature], list[tuple[int, str]]]:
    signatures: list[Signature] = []
    problems: list[tuple[int, str]] = []
    for start in starts:
        try:
            call, end = _call(prompt, start)
        except CallSyntaxError as error:
            problems.append((start + error.position, f"this signature cannot be read: {error.problem}"))
            continue
        taken: list[Taken] = []
        for name, value in call.arguments.items():
            try:
                taken.append(_taken(name, value))
            except SchemaError as error:
                problems.append((start, f"{call.name}: {error}"))
                taken.append(Taken(Parameter(name), ""))
        signatures.append(Signature(call.name, tuple(taken), start, end))
    return signatures, problems


def _call(prompt: str, start: int) -> tuple[Call, int]:
    """The call that begins at `start`, and where it ends: at the first `)` up to which it can be read."""
    text = prompt[start : start + MAX_LENGTH]
    text = text.replace("\r", " ").replace("\n", " ")  # a long signature may take several lines
    first: CallSyntaxError | None = None
    closing = -1
    for _ in range(MAX_CLOSING):
        closing = text.find(")", closing + 1)
        if closing < 0:
            break
        try:
            return parse(text[: closing + 1], max_length=None)[0], start + closing + 1
        except CallSyntaxError as error:
            first = first or error
    raise first or CallSyntaxError("it has no closing parenthesis", text, 0)


def _taken(name: str, value: Argument) -> Taken:
    if isinstance(value, tuple):
        if len(value) != 1:
            raise SchemaError(f'{name}: a parameter that may occur several times is written ["[{name}]"]')
        inner = _taken(name, value[0])
        return replace(inner, parameter=replace(inner.parameter, repeats=True), literal=False)
    if not isinstance(value, str):
        return Taken(Parameter(name, type_of(value)), "")
    text = value.strip()
    if "|" in text:
        inner_text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        choices = tuple(dict.fromkeys(part.strip() for part in inner_text.split("|") if part.strip()))
        if not choices:
            raise SchemaError(f'{name}: a choice needs its values, as in {name}="on|off"')
        return Taken(Parameter(name, "choice", limits=Limits(choices)), "")
    if not text.startswith("["):
        if not text:
            return Taken(Parameter(name), "")
        return Taken(Parameter(name, "choice", limits=Limits((text,))), "", literal=True)
    found = _PLACEHOLDER.fullmatch(text)
    if not found:
        raise SchemaError(f'{name}: {shorten(text)!r} is neither "[{name}]" nor "[{name}:type]"')
    kind = (found["type"] or "text").lower()
    if kind not in TYPES or kind == "choice":
        known = ", ".join(each for each in TYPES if each != "choice")
        raise SchemaError(f"{name}: there is no type {found['type']!r}; known: {known}")
    parameter = Parameter(name, kind, limits=_limits(name, found["low"], found["high"]))
    return Taken(parameter, "" if text == placeholder(parameter) else text)


def _limits(name: str, low: str | None, high: str | None) -> Limits:
    minimum, maximum = ((int(each) if "." not in each else float(each)) if each else None for each in (low, high))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise SchemaError(f"{name}: the limits {low} and {high} are the wrong way round")
    return Limits((), minimum, maximum)


def type_of(value: Scalar) -> str:
    """The type of a value that stands for one: 2 is an `integer`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def _merged(skill: str, several: Sequence[Taken]) -> Parameter:
    """One parameter from all signatures that name it."""
    first = several[0].parameter
    described = [taken.parameter for taken in several if not taken.literal]
    if all(each.type == "choice" for each in described):
        choices = tuple(dict.fromkeys(choice for taken in several for choice in taken.parameter.limits.choices))
        if len(choices) == 1 and not described:  # one value alone is an example of what can be said
            return replace(first, type="text", limits=Limits())
        return replace(first, limits=Limits(choices), repeats=any(each.repeats for each in described))
    if different := next((each for each in described if each != described[0]), None):
        raise SchemaError(
            f"{skill}: {first.name} is described twice, as {placeholder(described[0])} and as {placeholder(different)}"
        )
    return described[0]
