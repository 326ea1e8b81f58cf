"""The grammar of arithmetic: from tokens to a tree.

    >>> written(tree(("subtract", Fraction(5), "from", Fraction(12))))
    '12-5'

Tokens are numbers, operators, names, and these words: `percent` and `degrees` behind a number; `of` and `off` behind a
percentage or fraction; `!`, `squared`, `cubed` behind anything; `cbrt`, `ln`, `logbase`, `square`, `cube`, `double`,
`triple` before; `sum`, `average`, `difference`, `product`, `quotient`, `remainder`, `add`, `subtract`, `multiply`,
`divide` before two operands joined by `and`, `by`, `to`, `from` or `/`; some before more than two.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from otto.values.arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    Binary,
    Constant,
    Function,
    Negative,
    Node,
    number,
    written,
)

MAX_DEPTH = 40
"""Brackets, signs and powers inside one another."""


def tree(tokens: tuple[str | Fraction, ...]) -> Node | None:
    """The tree of an expression; None if the tokens are none."""
    try:
        return _Parser(tokens).tree()
    except _NoExpression:
        return None


class _NoExpression(Exception):
    """The tokens do not follow the grammar."""


@dataclass(frozen=True, slots=True)
class _Percent:
    """A percentage that nothing has been done with yet."""

    count: Node


class _Parser:
    """Recursive descent over one run of tokens."""

    def __init__(self, tokens: tuple[str | Fraction, ...]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.pairs = 0

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
        if name in ("square", "cube"):
            return Binary("**", self._operand(), number(Fraction(2 if name == "square" else 3)))
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
        """Operands joined by a word: "the sum of 3 and 4", "subtract 5 from 12", "the average of 3 and 4 and 5"."""
        operator, joints, swapped = _PAIRS[name]
        self.pairs += 1
        self._take("of")
        one = _settled(self._signed() if "/" in joints else self._product())
        if not self._take(*joints):
            raise _NoExpression
        other = _settled(self._product())
        left, right = (other, one) if swapped else (one, other)
        node, count = Binary(operator, left, right), 2
        # In "the product of the sum of 3 and 4 and 5" the second "and" belongs to the product.
        while self.pairs == 1 and name in _MANY and self._take("and"):
            node, count = Binary(operator, node, _settled(self._product())), count + 1
        self.pairs -= 1
        return Binary("/", node, number(Fraction(count))) if name == "average" else node

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > 2 * MAX_DEPTH:
            raise _NoExpression


_PAIRS: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "sum": ("+", ("and",), False),
    "average": ("+", ("and",), False),
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
_MANY = ("sum", "average", "product", "add")
"""Those that can have more than two operands."""


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
