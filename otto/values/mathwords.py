"""The words of arithmetic, as the signs they stand for.

>>> tokens_of_words("what's two to the power of ten")
(Fraction(2, 1), '**', Fraction(10, 1))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from otto.values.spoken import HOMOPHONES, ordinal_at, unsigned_at
from otto.values.words import MAX_CHARACTERS, Cursor, words

Tokens = tuple[str | Fraction, ...]

_PHRASES: dict[str, str] = {
    phrase: token
    for token, phrases in {
        "+": "+|plus|added to|increased by",
        "-": "-|minus|less|decreased by",
        "*": "*|times|x|multiplied by|multiplied with|multiply by|time",
        "/": "/|divided by|divide by|over",
        "//": "//",
        "%": "mod|modulo|modulus",
        "**": "^|to the power of|to the power|raised to the power of|raised to the|raised to",
        "(": "(|open parenthesis|open bracket|open paren|left parenthesis|left bracket",
        ")": ")|close parenthesis|close bracket|close paren|right parenthesis|right bracket",
        "squared": "squared",
        "cubed": "cubed",
        "!": "factorial",
        "percent": "%|percent|per cent",
        "off": "off|off of",
        "of": "of",
        "and": "and",
        "by": "by|with",
        "to": "to",
        "from": "from|away from",
        "degrees": "degrees|degree|°",
        "sqrt": "square root|square root of|root|root of|sqrt|sqrt of",
        "cbrt": "cube root|cube root of|cubic root of|third root of",
        "abs": "absolute value of|absolute value|abs",
        "round": "round|rounded",
        "floor": "floor of|floor",
        "ceil": "ceiling of|ceiling|ceil",
        "log": "logarithm of|logarithm|log of|log",
        "logbase": "logarithm base|log base|logarithm to the base|log to the base",
        "ln": "natural logarithm of|natural log of|natural logarithm|natural log|ln of|ln",
        "sin": "sine of|sine|sin of|sin|sign of",
        "cos": "cosine of|cosine|cos of|cos",
        "tan": "tangent of|tangent|tan of|tan",
        "factorial": "factorial of",
        "pi": "pi|π",
        "e": "e",
        "square": "square|square of",
        "cube": "cube|cube of",
        "double": "double|twice",
        "triple": "triple",
        "sum": "sum of",
        "average": "average of|mean of",
        "difference": "difference between|difference of",
        "product": "product of",
        "quotient": "quotient of",
        "remainder": "remainder of|remainder when",
        "add": "add",
        "subtract": "subtract|take away|take|deduct",
        "multiply": "multiply",
        "divide": "divide",
    }.items()
    for phrase in phrases.split("|")
}
_BY_FIRST: dict[str, tuple[str, ...]] = {
    first: tuple(sorted((one for one in _PHRASES if one.split()[0] == first), key=len, reverse=True))
    for first in {phrase.split()[0] for phrase in _PHRASES}
}
_OPENINGS = (
    "what is", "what are", "whats", "what do you get when you", "how much is", "how much are", "how much", "calculate",
    "compute", "work out", "evaluate", "figure out", "solve", "tell me", "can you", "could you", "please",
    "the result of", "the value of", "the answer to", "math", "do", "is",
)  # fmt: skip
_CLOSINGS = ("please", "equals", "equal", "is", "=", "make", "makes", "equal to", "equals what", "for me")
_MINUS = re.compile(r"(?<=[\d)!])\s*-\s*(?=[\w(.])|(?<=\w)-(?=[\d(.])|\s-\s")
_QUOTE = re.compile(r"(?<![a-z])['’]|['’](?![a-z])|[\"“”`]")
_FACTORIAL = re.compile(r"(?<=[\d)])\s*!")
_POINT = re.compile(r"(?<!\d)\.(?!\d)")
MATH_WORDS = frozenset(word for phrase in _PHRASES for word in phrase.split())


_BETWEEN = {"add": "+", "subtract": "-"}
"""What "add" and "take away" are between two numbers: "10 take away 3"."""
_BEFORE_LISTS = frozenset({"sum", "product", "average", "add"})
"""Behind these, numbers may follow one another: "the average of 3, 4 and 5"."""
_ENDS = frozenset({")", "!", "squared", "cubed", "percent", "degrees", "pi", "e"})
"""Signs behind which an operator is expected, and no number."""
_PAIRS = "sum average difference product quotient add subtract multiply divide"
_OPERATORS = frozenset(f"+ - * / % ** squared cubed percent of sqrt cbrt {_PAIRS}".split())
"""Signs without which words that only sound like numbers are none."""


def tokens_of_words(text: str) -> Tokens:
    """The tokens of a sentence that is a calculation; nothing if it holds a word that belongs to none."""
    return _tokens(_calculation(text), {})


def tokens_of_sounds(text: str) -> Tokens:
    """The same where a recogniser wrote some numbers as other words: "to plus for".

    These words count only where a number is expected, and beside an operator other than "over" ("for over two years").
    """
    spoken = _calculation(text)
    if HOMOPHONES.keys().isdisjoint(spoken) or "over" in spoken:
        return ()
    tokens = _tokens(spoken, HOMOPHONES)
    return () if _OPERATORS.isdisjoint(map(str, tokens)) else tokens


def _calculation(text: str) -> tuple[str, ...]:
    """The words of a sentence without what stands around a calculation ("what is", "please")."""
    if len(text) > MAX_CHARACTERS or _QUOTE.search(text):
        return ()
    text = _FACTORIAL.sub(" factorial ", _MINUS.sub(" minus ", text.replace("**", "^").replace("//", " ")))
    cursor = Cursor(words(_POINT.sub(" ", text)))
    while cursor.phrase(*_OPENINGS):
        pass
    end = len(cursor.words)
    while end > cursor.at and (closing := _closing(cursor.words, end)):
        end -= closing
    return cursor.words[cursor.at : end]


def _tokens(spoken: tuple[str, ...], sounds: Mapping[str, int]) -> Tokens:
    cursor = Cursor(spoken)
    tokens: list[str | Fraction] = []
    while not cursor.done:
        if cursor.take("the"):
            continue
        awaited = not tokens or (isinstance(tokens[-1], str) and tokens[-1] not in _ENDS)
        sound = cursor.take(*sounds) if awaited else ""
        found = Fraction(sounds[sound]) if sound else _token(cursor)
        if found is None:
            return ()
        if isinstance(found, Fraction) and tokens and isinstance(tokens[-1], Fraction):
            if _BEFORE_LISTS.isdisjoint(map(str, tokens)):
                return ()
            tokens.append("and")
        if isinstance(found, str) and not awaited:
            found = _BETWEEN.get(found, found)
        tokens.extend(found if isinstance(found, tuple) else (found,))
    return tuple(tokens)


def _closing(words: tuple[str, ...], end: int) -> int:
    for phrase in _CLOSINGS:
        length = phrase.count(" ") + 1
        if " ".join(words[max(0, end - length) : end]) == phrase:
            return length
    return 0


def _token(cursor: Cursor) -> str | Fraction | Tokens | None:
    if found := unsigned_at(cursor.words, cursor.at):
        number, cursor.at = found
        return number
    if cursor.peek() == "point" and (found := unsigned_at(("zero", *cursor.words[cursor.at :]))):
        cursor.at += found[1] - 1
        return found[0]
    if power := _ordinal_power(cursor):
        return power
    phrase = cursor.phrase(*_BY_FIRST.get(cursor.peek(), ()))
    return _PHRASES[phrase] if phrase else None


def _ordinal_power(cursor: Cursor) -> Tokens | None:
    """ "to the fifth", "to the tenth power"."""
    before = cursor.at
    if cursor.phrase("raised to the", "to the") and (found := ordinal_at(cursor.words, cursor.at)):
        cursor.at = found[1]
        cursor.take("power")
        return "**", Fraction(found[0])
    cursor.at = before
    return None
