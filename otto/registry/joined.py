"""One skill from two descriptions of it: a Python function, and the prompt of an example file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from otto.signature import placeholder
from otto.skill import Parameter, Risk, Skill

_WORD = re.compile(r"\w+")
_SHARED = 0.6
"""Share of the shorter description's words from which on two descriptions say the same."""


def joined(python: Skill, said: Skill) -> Skill:
    """Types, limits and what is required come from Python, the way a parameter is shown from the file."""
    shown = {name: text for name, text in said.shown.items() if python.parameter(name)}
    risk: Risk = "confirm" if "confirm" in (python.risk, said.risk) else "none"
    description = _description(python.description, said.description)
    return replace(python, description=description, risk=risk, shown=shown)


def contradictions(python: Skill, said: Skill) -> Iterator[str]:
    """What a prompt says differently; each completes "… in skills/lights.py, which counts"."""
    for parameter in said.parameters:
        own = python.parameter(parameter.name)
        if own is None:
            has = ", ".join(each.name for each in python.parameters) or "none"
            yield f"there is no parameter {parameter.name!r} (there is: {has})"
        elif _states_more(parameter) and not _alike(own, parameter):
            yield f"{parameter.name} is {placeholder(parameter)!r} here and {placeholder(own)!r}"


def _states_more(parameter: Parameter) -> bool:
    """Whether a prompt says anything about what a parameter can be: `[room]` does not."""
    return parameter.type != "text" or (parameter.limits.minimum, parameter.limits.maximum) != (None, None)


def _alike(own: Parameter, parameter: Parameter) -> bool:
    if own.type != parameter.type or set(own.limits.choices) != set(parameter.limits.choices):
        return False
    stated = ((parameter.limits.minimum, own.limits.minimum), (parameter.limits.maximum, own.limits.maximum))
    return all(here is None or here == there for here, there in stated)


def _description(one: str, other: str) -> str:
    """Both, or only the longer one when they say the same in nearly the same words."""
    words, others = (set(_WORD.findall(text.casefold())) for text in (one, other))
    if not words or not others:
        return one or other
    if len(words & others) >= _SHARED * min(len(words), len(others)):
        return max(one, other, key=len)
    return f"{one.rstrip('. ')}. {other[:1].upper()}{other[1:]}"
