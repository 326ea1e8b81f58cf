"""Arithmetic: the tree of an expression, how it is written, and its value within bounds.

Eight operators (+ - * / // % ** and the sign) and ten functions of one argument over exact fractions; only roots,
logarithms, angles and broken powers are floats. Before a power or a factorial its size is estimated, so no sentence can
keep the computer busy: numbers have at most 4,300 digits, which is also Python's limit for writing one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from otto.errors import SkillError

MAX_DIGITS = 4300
_MAX_BITS = math.ceil(MAX_DIGITS * math.log2(10))
_LIMIT = 10**MAX_DIGITS
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}
_SIGN = 3
_ATOM = 5

Value = Fraction | float


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    """Not negative, and finite in decimals."""


@dataclass(frozen=True, slots=True)
class Constant:
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    argument: Node


@dataclass(frozen=True, slots=True)
class Negative:
    argument: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


Node = Number | Constant | Function | Negative | Binary


def number(value: Fraction) -> Node:
    """A node for a number that is not negative; thirds become a division."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest == 1:
        return Number(value)
    return Binary("/", Number(Fraction(value.numerator)), Number(Fraction(value.denominator)))


def written(node: Node) -> str:
    """The canonical text: no spaces, and no brackets but those that change the meaning."""
    return _written(node)[0]


def _written(node: Node) -> tuple[str, int]:
    match node:
        case Number(value):
            return _decimal(value), _ATOM
        case Constant(name):
            return name, _ATOM
        case Function(name, argument):
            return f"{name}({_written(argument)[0]})", _ATOM
        case Negative(argument):
            return f"-{_bracketed(argument, _SIGN)}", _SIGN
        case Binary(operator, left, right):
            binding = _PRECEDENCE[operator]
            # Powers group from the right, and their exponent may carry a sign; all else groups from the left.
            before, after = (binding + 1, _SIGN) if operator == "**" else (binding, binding + 1)
            return f"{_bracketed(left, before)}{operator}{_bracketed(right, after)}", binding


def _bracketed(node: Node, binding: int) -> str:
    text, own = _written(node)
    return text if own >= binding else f"({text})"


def _decimal(value: Fraction) -> str:
    places, scaled = 0, value
    while scaled.denominator != 1:
        places, scaled = places + 1, scaled * 10
    digits = str(scaled.numerator)
    if not places:
        return digits
    digits = digits.rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def value_of(node: Node) -> int | float:
    """The value: an int where it is one, else a float with 14 digits that can be relied on.

    Raises `SkillError` with a sentence: division by zero, too large, not a number.
    """
    try:
        value = _checked(_value(node))
        if isinstance(value, Fraction):
            return int(value) if value.denominator == 1 else float(value)
        rounded = float(f"{value:.14g}")
        if abs(rounded) < 1e-15:
            return 0
        return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
    except OverflowError:
        raise _too_large() from None


def _value(node: Node) -> Value:
    match node:
        case Number(value):
            return value
        case Constant(name):
            return CONSTANTS[name]
        case Negative(argument):
            return -_value(argument)
        case Function(name, argument):
            return _checked(FUNCTIONS[name](_value(argument)))
        case Binary(operator, left, right):
            return _checked(OPERATORS[operator](_value(left), _value(right)))


def _checked(value: Value) -> Value:
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise SkillError("That has no value I could name." if math.isnan(value) else "That number is too large.")
    if max(value.numerator.bit_length(), value.denominator.bit_length()) >= _MAX_BITS and (
        abs(value.numerator) >= _LIMIT or value.denominator >= _LIMIT
    ):
        raise _too_large()
    return value


def _too_large() -> SkillError:
    return SkillError("That number is too large.")


def _divisor(value: Value) -> Value:
    if value == 0:
        raise SkillError("Nothing can be divided by zero.")
    return value


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if base == 0 and exponent < 0:
            raise SkillError("Nothing can be divided by zero.")
        size = max(abs(base.numerator), base.denominator)
        if size > 1 and (size.bit_length() - 1) * abs(exponent) > _MAX_BITS:
            raise _too_large()
        if size == 1:  # 0, 1 or -1, whatever the exponent
            return base if exponent % 2 else (base * base if exponent else Fraction(1))
        return Fraction(base ** int(exponent))
    if base < 0 and float(exponent) != int(exponent):
        raise SkillError("A negative number has no such power.")
    if base == 0 and exponent < 0:
        raise SkillError("Nothing can be divided by zero.")
    return float(math.pow(base, exponent))


def _root(value: Value) -> Value:
    if value < 0:
        raise SkillError("A negative number has no square root.")
    if isinstance(value, Fraction):
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if above * above == value.numerator and below * below == value.denominator:
            return Fraction(above, below)
    return math.sqrt(value)


def _factorial(value: Value) -> Value:
    whole = Fraction(value)
    if whole.denominator != 1 or whole < 0:
        raise SkillError("Only whole numbers from zero up have a factorial.")
    if whole > _MAX_BITS or math.lgamma(int(whole) + 1) > MAX_DIGITS * math.log(10) + 1:
        raise _too_large()
    return Fraction(math.factorial(int(whole)))


def _logarithm(value: Value) -> Value:
    if value <= 0:
        raise SkillError("Only numbers above zero have a logarithm.")
    if isinstance(value, Fraction):
        found = math.log10(value.numerator) - math.log10(value.denominator)
        if found.is_integer():
            return Fraction(int(found)) if Fraction(10) ** int(found) == value else found
        return found
    return math.log10(value)


def _tangent(value: Value) -> Value:
    found = math.tan(value)
    if abs(found) > 1e15:
        raise SkillError("That angle has no tangent.")
    return found


CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}
OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / _divisor(b),
    "//": lambda a, b: _floor(a / _divisor(b)),
    "%": lambda a, b: a % _divisor(b),
    "**": _power,
}


def _floor(value: Value) -> Value:
    return Fraction(math.floor(value))


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "sqrt": _root,
    "abs": lambda value: -value if value < 0 else value,
    "round": lambda value: _floor(Fraction(value) + Fraction(1, 2)),
    "floor": _floor,
    "ceil": lambda value: Fraction(math.ceil(value)),
    "log": _logarithm,
    "sin": math.sin,
    "cos": math.cos,
    "tan": _tangent,
    "factorial": _factorial,
}
"""`log` counts in tens, as on a pocket calculator; angles are radians."""
