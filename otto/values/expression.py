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
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache

from otto.call import Scalar
from otto.errors import SkillError, ValueReadError
from otto.values.arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    Binary,
    Constant,
    Function,
    Negative,
    Node,
    number,
    value_of,
    written,
)
from otto.values.mathwords import tokens_of_words
from otto.values.type import Limits, ValueType
from otto.values.words import MAX_CHARACTERS, not_read, said

MAX_DEPTH = 40
"""Brackets, signs and powers inside one another."""

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
    for tokens in (_symbols(text), tokens_of_words(text)):
        if tokens:
            try:
                return _Parser(tokens).tree()
            except _NoExpression:
                continue
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


class _NoExpression(Exception):
    """The tokens do not follow the grammar."""


@dataclass(frozen=True, slots=True)
class _Percent:
    """A percentage that nothing has been done with yet."""

    count: Node


class _Parser:
    """Recursive descent. Tokens are numbers, operators, names, and these words:

    `percent` and `degrees` behind a number; `of` and `off` behind a percentage or fraction; `!`, `squared`, `cubed`
    behind anything; `cbrt`, `ln`, `logbase`, `double`, `triple` before; `sum`, `difference`, `product`, `quotient`,
    `remainder`, `add`, `subtract`, `multiply`, `divide` before two operands joined by `and`, `by`, `to`, `from` or `/`.
    """

    def __init__(self, tokens: tuple[str | Fraction, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def tree(self) -> Node:
        node = self._sum()
        if self.at < len(self.tokens):
            raise _NoExpression
        return node

    def _peek(self) -> str | Fraction:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, *options: str) -> str:
        found = self._peek()
        if isinstance(found, str) and found and found in options:
            self.at += 1
            return found
        return ""

    def _sum(self) -> Node:
        left = _settled(self._product())
        while operator := self._take("+", "-"):
            right = self._product()
            if isinstance(right, _Percent):
                share = Binary(operator, number(Fraction(1)), _settled(right))
                left = Binary("*", left, share)
            else:
                left = Binary(operator, left, right)
        return left

    def _product(self) -> Node | _Percent:
        left = self._signed()
        while True:
            if operator := self._take("*", "/", "//", "%"):
                left = Binary(operator, _settled(left), _settled(self._signed()))
            elif self._peek() == "of" and _is_share(left):
                self.at += 1
                left = Binary("*", _settled(left), _settled(self._signed()))
            elif self._peek() == "off" and isinstance(left, _Percent):
                self.at += 1
                share = Binary("-", number(Fraction(1)), _settled(left))
                left = Binary("*", _settled(self._signed()), share)
            elif self._peek() == "(" or self._peek() in CONSTANTS:  # "2(3+4)", "two pi"
                left = Binary("*", _settled(left), _settled(self._power()))
            else:
                return left

    def _signed(self) -> Node | _Percent:
        self._deeper()
        if self._take("-"):
            node: Node | _Percent = Negative(_settled(self._signed()))
        elif self._take("+"):
            node = self._signed()
        else:
            node = self._power()
        self.depth -= 1
        return node

    def _power(self) -> Node | _Percent:
        base = self._postfix()
        if self._take("**"):
            return Binary("**", _settled(base), _settled(self._signed()))
        return base

    def _postfix(self) -> Node | _Percent:
        node: Node | _Percent = self._primary()
        while sign := self._take("!", "squared", "cubed", "percent", "degrees"):
            inner = _settled(node)
            if sign == "percent":
                node = _Percent(inner)
            elif sign == "!":
                node = Function("factorial", inner)
            elif sign == "degrees":
                node = Binary("/", Binary("*", inner, Constant("pi")), number(Fraction(180)))
            else:
                node = Binary("**", inner, number(Fraction(2 if sign == "squared" else 3)))
        return node

    def _primary(self) -> Node:
        self._deeper()
        opening = self._peek()
        self.at += 1
        node: Node
        if isinstance(opening, Fraction):
            node = number(opening)
        elif opening == "(":
            node = self._sum()
            if not self._take(")"):
                raise _NoExpression
        elif opening in CONSTANTS:
            node = Constant(opening)
        elif opening in FUNCTIONS:
            node = Function(opening, self._operand())
        elif opening in _PAIRS:
            node = self._pair(opening)
        else:
            node = self._said_function(opening)
        self.depth -= 1
        return node

    def _operand(self) -> Node:
        """What a function is applied to: brackets, or what binds tighter than a product."""
        self._take("of")
        return _settled(self._postfix() if self._peek() == "(" else self._signed())

    def _said_function(self, name: str) -> Node:
        if name in ("double", "triple"):
            return Binary("*", number(Fraction(2 if name == "double" else 3)), self._operand())
        if name == "cbrt":
            return Binary("**", self._operand(), Binary("/", number(Fraction(1)), number(Fraction(3))))
        if name == "ln":
            return Binary("/", Function("log", self._operand()), Function("log", Constant("e")))
        if name == "logbase":
            base = _settled(self._postfix())
            if self._peek() != "of":
                raise _NoExpression
            return Binary("/", Function("log", self._operand()), Function("log", base))
        raise _NoExpression

    def _pair(self, name: str) -> Node:
        """Two operands joined by a word: "the sum of 3 and 4", "subtract 5 from 12"."""
        operator, joints, swapped = _PAIRS[name]
        self._take("of")
        one = _settled(self._signed() if "/" in joints else self._product())
        if not self._take(*joints):
            raise _NoExpression
        other = _settled(self._product())
        left, right = (other, one) if swapped else (one, other)
        return Binary(operator, left, right)

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            raise _NoExpression


_PAIRS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "sum": ("+", ("and",), False),
    "difference": ("-", ("and",), False),
    "product": ("*", ("and",), False),
    "quotient": ("/", ("and",), False),
    "remainder": ("%", ("/", "and", "by"), False),
    "add": ("+", ("and", "to"), False),
    "subtract": ("-", ("from",), True),
    "multiply": ("*", ("by", "and"), False),
    "divide": ("/", ("by",), False),
}
"""Operator, the words that can join the operands, and whether the second is said first."""


def _settled(node: Node | _Percent) -> Node:
    return Binary("/", node.count, number(Fraction(100))) if isinstance(node, _Percent) else node


def _is_share(node: Node | _Percent) -> bool:
    """Whether "of" can follow: a percentage, a half, three quarters, two thirds."""
    if isinstance(node, _Percent):
        return True
    match node:
        case Binary("/", _, _):
            return True
        case _:
            return written(node).startswith("0.")


EXPRESSION = ValueType(
    "expression", Expression, read, write, {"type": "string", "format": "expression"}, "nine times nine", same
)
