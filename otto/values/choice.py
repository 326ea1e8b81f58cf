"""Choice: one of a closed list.

    >>> CHOICE.read("Living-Room", Limits(choices=("living room", "kitchen")), now)
    'living room'

Case, punctuation at the end, and whether words are parted by spaces, underscores, hyphens or not at all do not matter.
Nothing else is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache

from otto.call import Scalar
from otto.errors import ValueReadError, shorten
from otto.values.type import Limits, ValueType
from otto.values.words import plain

_PARTED = re.compile(r"[\s_-]+")


class Choice(str):
    """The Python type of this entry. Functions are annotated `Literal["on", "off"]`; their values are plain texts."""

    __slots__ = ()


def read(scalar: Scalar, limits: Limits, now: datetime) -> str:
    """The member of `limits.choices` that was meant."""
    text = plain(scalar)
    if text in limits.choices:
        return text
    if (found := _members(limits.choices).get(_levelled(text))) is None:
        raise ValueReadError(f"{shorten(text)!r} is not one of {', '.join(limits.choices)}")
    return found


def write(choice: str) -> str:
    return choice


@lru_cache(maxsize=1024)
def _members(choices: tuple[str, ...]) -> dict[str, str]:
    return {_levelled(choice): choice for choice in reversed(choices)}


def _levelled(text: str) -> str:
    if len(text) > 1000:
        return text
    return _PARTED.sub("", unicodedata.normalize("NFKC", text).casefold()).rstrip(".,;:!?…")


CHOICE = ValueType("choice", Choice, read, write, {"type": "string"}, "on", lambda a, b: bool(a == b))
