"""Sentences as levelled words: what every reader of the value table looks at.

    >>> words("Twenty-three, at 7:30 p.m.")
    ('twenty', 'three', 'at', '7', ':', '30', 'pm')

Case, accents' encodings, apostrophes, hyphens between words and punctuation do not matter to any value.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from otto.call import Scalar
from otto.errors import ValueReadError, shorten

MAX_CHARACTERS = 400
"""Longest text that is read as a value of any type."""

# NFKC would turn "2½" into "21⁄2" and "5²" into "52", so these are spelt out first.
_SPELT = str.maketrans(
    {
        "½": " and a half ",
        "¼": " and a quarter ",
        "¾": " and three quarters ",
        "⅓": " and a third ",
        "⅔": " and two thirds ",
        "²": " squared ",
        "³": " cubed ",
        "’": "'",
        "‘": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "×": " times ",
        "÷": " divided by ",
    }
)
_LONE_FRACTION = re.compile(r"(?<!\d)\s+and (?=(?:a half|a quarter|three quarters|a third|two thirds) )")
_HALF_OF_DAY = re.compile(r"(?<![^\W_])([ap])\.?\s?m\b\.?|(?<=\d)([ap])\.?m\b\.?")
_HYPHEN = re.compile(r"(?<=\w)-(?=\w)")
_WORD = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|(?<!\d)\.\d+|[^\W\d_]+|[^\s\w]")
_DROPPED = frozenset(',;!?"“”.…')


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The words, numbers and signs of `text` in lower case, digits apart from letters ("7pm" is two words)."""
    if not text.isascii():
        spelt = text.translate(_SPELT)
        if spelt != text:
            spelt = _LONE_FRACTION.sub(" ", f" {spelt} ")
        text = unicodedata.normalize("NFKC", spelt)
    text = text.casefold().replace("'", "")
    text = _HALF_OF_DAY.sub(lambda found: f"{found[1] or found[2]}m", text)
    return tuple(word for word in _WORD.findall(_HYPHEN.sub(" ", text)) if word not in _DROPPED)


def plain(scalar: Scalar) -> str:
    """`scalar` as text. Raises `ValueReadError` for NaN, infinity, and integers too long to be written."""
    if isinstance(scalar, str):
        return scalar
    if isinstance(scalar, bool):
        return str(scalar).lower()
    if isinstance(scalar, float) and not math.isfinite(scalar):
        raise ValueReadError(f"{scalar} is no finite number")
    if isinstance(scalar, int) and scalar.bit_length() > 4 * MAX_CHARACTERS:
        raise ValueReadError(f"a number has at most {MAX_CHARACTERS} digits")
    return repr(scalar)


def said(scalar: Scalar, what: str) -> str:
    """`scalar` as stripped text. Raises `ValueReadError` for a boolean, for nothing, and for what is too long.

    `what`: the wanted type with its article, for the message ("a duration").
    """
    text = plain(scalar).strip()
    if isinstance(scalar, bool):
        raise ValueReadError(f"{text} is not {what}")
    if not text:
        raise ValueReadError(f"nothing was said where {what} belongs")
    if len(text) > MAX_CHARACTERS:
        raise ValueReadError(f"{what} has at most {MAX_CHARACTERS} characters, this has {len(text)}")
    return text


def not_read(text: str, what: str, sample: str) -> ValueReadError:
    """The refusal of words that mean no value of the type."""
    return ValueReadError(f"{shorten(text)!r} is not {what}; say for example {sample!r}")


class Cursor:
    """A place in a sequence of words, moved on by what is accepted."""

    __slots__ = ("at", "words")

    def __init__(self, words: tuple[str, ...], at: int = 0) -> None:
        self.words = words
        self.at = at

    @property
    def done(self) -> bool:
        return self.at >= len(self.words)

    def peek(self, ahead: int = 0) -> str:
        """The word there, or an empty one past the end."""
        at = self.at + ahead
        return self.words[at] if at < len(self.words) else ""

    def take(self, *options: str) -> str:
        """Moves over the next word if it is one of these, and returns it; else returns an empty text."""
        word = self.peek()
        if word and word in options:
            self.at += 1
            return word
        return ""

    def phrase(self, *options: str) -> str:
        """Moves over the first of these phrases (words with single spaces) that stands here, and returns it."""
        for option in options:
            wanted = tuple(option.split())
            if self.words[self.at : self.at + len(wanted)] == wanted:
                self.at += len(wanted)
                return option
        return ""
