"""Expression: arithmetic in words.

    >>> EXPRESSION.read("what's the square root of sixteen plus ten percent of 250", Limits(), now)
    'sqrt(16)+10/100*250'
    >>> evaluate(Expression("sqrt(16)+10/100*250"))
    29

The canonical text has the operators + - * / // % ** and a sign, the functions sqrt abs round floor ceil log sin cos tan
factorial, and the constants pi and e. A function without brackets takes what binds tighter than a product ("square root
of sixteen plus nine" is 13). "200 plus 10 percent" is 220. Nothing is ever handed to Python's own evaluation.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from otto.call import Scalar
from otto.errors import SkillError, ValueReadError
from otto.values.arithmetic import CONSTANTS, FUNCTIONS, Node, value_of, written
from otto.values.calculation import tree
from otto.values.mathwords import tokens_of_sounds, tokens_of_words
from otto.values.type import Limits, ValueType
from otto.values.words import MAX_CHARACTERS, not_read, said

_SYMBOL = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|\*\*|//|[-+*/%()^!]|[a-z]+)", re.ASCII)
_PLAIN = re.compile(r"[0-9a-z.+\-*/%()^!\s]*", re.ASCII)


class Expression(str):
    """An arithmetic expression in its canonical text; two are equal when their texts are."""

    __slots__ = ()


def read(scalar: Scalar, limits: Limits, now: datetime) -> Expression:
    """The expression in its canonical text. What its value is, and whether it has one, is found by `evaluate`."""
    text = said(scalar, "a calculation")
    node = _tree(text.casefold())
    if node is None:
        raise not_read(text, "a calculation", "nine times nine")
    canonical = written(node)
    if len(canonical) > MAX_CHARACTERS:
        raise ValueReadError(f"a calculation has at most {MAX_CHARACTERS} characters, this has {len(canonical)}")
    return Expression(canonical)


def write(expression: Expression) -> str:
    return str(expression)


def evaluate(expression: str) -> int | float:
    """The value of an expression, an int where it is whole; at most 4,300 digits, well under 50 ms.

    Raises `SkillError` with a sentence for the user: division by zero, too large, or no number at all.
    """
    if len(expression) > MAX_CHARACTERS or (node := _tree(expression)) is None:
        raise SkillError("That is not a calculation I understand.")
    return value_of(node)


def same(one: str, other: str) -> bool:
    """Equal as written, or equal in value."""
    if one == other:
        return True
    try:
        left, right = evaluate(one), evaluate(other)
        if isinstance(left, int) and isinstance(right, int):
            return left == right
        return math.isclose(left, right, rel_tol=1e-12)
    except (SkillError, OverflowError):
        return False


@lru_cache(maxsize=1024)
def _tree(text: str) -> Node | None:
    """The tree of an expression in signs or in words; None if it is none."""
    for tokens_of in (_symbols, tokens_of_words, tokens_of_sounds):
        if (tokens := tokens_of(text)) and (node := tree(tokens)):
            return node
    return None


def _symbols(text: str) -> tuple[str | Fraction, ...]:
    """The tokens of a text that holds only signs, digits and known names; nothing if it holds anything else."""
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        return ()
    tokens: list[str | Fraction] = []
    at = 0
    while at < len(text):
        found = _SYMBOL.match(text, at)
        if not found:
            return ()
        at, sign = found.end(), found[1]
        if sign[0].isdecimal() or sign[0] == ".":
            tokens.append(Fraction(sign))
        elif sign[0].isalpha() and sign not in FUNCTIONS and sign not in CONSTANTS:
            return ()
        else:
            tokens.append("**" if sign == "^" else sign)
    return tuple(tokens)


EXPRESSION = ValueType(
    "expression", Expression, read, write, {"type": "string", "format": "expression"}, "nine times nine", same
)
