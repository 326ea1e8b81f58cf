"""Calculates: "what's nine times nine"."""

from __future__ import annotations

import re

from otto import Expression, Reply, skill, speech
from otto.values.expression import evaluate

LONGEST = 60
"""Characters of a question that are said again with the answer."""

_SAID = {
    "**": " to the power of ", "//": " divided down by ", "*": " times ", "/": " divided by ", "%": " modulo ",
    "+": " plus ", "-": " minus ", "sqrt": "the square root of ", "log": "the logarithm of ",
    "factorial": "the factorial of ", "sin": "the sine of ", "cos": "the cosine of ", "tan": "the tangent of ",
    "abs": "the absolute value of ",
}  # fmt: skip
_SYMBOL = re.compile("|".join(re.escape(symbol) + (r"(?=\()" if symbol.isalpha() else "") for symbol in _SAID))
_SIGN = re.compile(r"(^|[-+*/%(])-")


@skill
def math(question: Expression) -> Reply:
    """Calculates: arithmetic, percentages, powers, roots."""
    value = evaluate(question)
    answer = speech.number(value)
    rounded = speech.number(value, digits=12) != answer
    return Reply(f"{_asked(question)} is {'about ' if rounded else ''}{answer}.", {"value": _shown(value)})


def _asked(question: str) -> str:
    """The question in words where words are clearer than symbols; "That" for a long one or one with brackets."""
    said = _SYMBOL.sub(lambda symbol: _SAID[symbol[0]], _SIGN.sub(r"\1minus ", question))
    said = re.sub(r"\(([^()]*)\)", r"\1", said) if _one_function(question) else said
    return "That" if len(said) > LONGEST or "(" in said else f"{said[:1].upper()}{said[1:]}"


def _one_function(question: str) -> bool:
    return bool(re.fullmatch(r"[a-z]+\([0-9.]+\)", question))


def _shown(value: int | float) -> int | float | str:
    """As JSON can hold it: a number that other programs would round is text."""
    return value if abs(value) < 2**53 else str(value)
