"""Text: anything that was said, as it was said.

>>> TEXT.read("  milk and eggs ", Limits(), now)
'milk and eggs'
"""

from __future__ import annotations

import unicodedata
from datetime import datetime

from otto.call import FORBIDDEN, Scalar
from otto.errors import ValueReadError
from otto.values.type import Limits, ValueType
from otto.values.words import MAX_CHARACTERS, plain

_BLANK = str.maketrans("\n\t\r", "   ")


def read(scalar: Scalar, limits: Limits, now: datetime) -> str:
    """The stripped text; numbers and booleans as they are written.

    1 to 400 characters, unless the limits say otherwise; no control characters but line breaks and tabs.
    """
    text = plain(scalar).strip()
    shortest = max(1, int(limits.minimum)) if limits.minimum is not None else 1
    longest = int(limits.maximum) if limits.maximum is not None else MAX_CHARACTERS
    if not text:
        raise ValueReadError("a text cannot be empty")
    if not shortest <= len(text) <= longest:
        raise ValueReadError(f"a text has {shortest} to {longest} characters here, this has {len(text)}")
    if found := FORBIDDEN.search(text.translate(_BLANK)):
        raise ValueReadError(f"the character U+{ord(found.group()):04X} is not allowed in a text")
    return text


def write(text: str) -> str:
    return text


def levelled(text: str) -> str:
    """`text` without what does not change its meaning: case, encoding, double spaces, punctuation at the end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".,;:!?… ")


def same(one: str, other: str) -> bool:
    return levelled(one) == levelled(other)


TEXT = ValueType("text", str, read, write, {"type": "string"}, "milk and eggs", same)
