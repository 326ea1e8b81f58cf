"""What an entry of the value table is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from otto.call import Scalar

Typed = Any
"""A value in Python's own type for it: str, int, float, bool, timedelta, time, date, datetime."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What narrows a parameter's type. Each type has sensible limits of its own where these are not given."""

    choices: tuple[str, ...] = ()
    """The closed list of a `choice`, canonical forms."""
    minimum: float | None = None
    """Smallest number allowed; for a duration in seconds; for a text in characters."""
    maximum: float | None = None
    """Largest number allowed; for a duration in seconds; for a text in characters."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """One entry of the value table."""

    name: str
    """As written in an example file: `"[when:duration]"`."""
    python: type
    """The Python type that a skill's function gets; its annotation leads back to this entry."""
    read: Callable[[Scalar, Limits, datetime], Typed]
    """From what a call holds (mostly words) to the typed value. The datetime is now, in the user's time zone (aware):
    relative words ("tomorrow") count from it. Raises `ValueReadError` with a message that completes "… but". """
    write: Callable[[Typed], Scalar]
    """The canonical form. `read(write(v))` is the same value."""
    schema: Mapping[str, object]
    """The JSON Schema of the canonical form; `format` names the type where JSON Schema has no word for it."""
    sample: str
    """A typical value in words, for prompts and messages: "ten minutes"."""
    same: Callable[[Typed, Typed], bool] = lambda a, b: bool(type(a) is type(b) and a == b)
    """Whether two typed values mean the same."""
