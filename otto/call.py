"""The call syntax: the only module that knows how a function call is written.

    >>> parse('weather(location="Berlin", days=2); other()')
    (Call('weather', {'location': 'Berlin', 'days': 2}), Call('other', {}))

`parse` and `str` are inverses. Reading is tolerant where people and models are sloppy; writing never is:
keyword arguments only, double quotes, `, ` between arguments, `; ` between calls. The grammar:

    calls  = call { ( ";" | newline ) call }
    call   = name "(" [ name "=" value { "," name "=" value } ] ")"
    value  = scalar | "[" [ scalar { "," scalar } ] "]"
    scalar = '"' text '"' | "'" text "'" | number | "true" | "false"

Tolerated on reading: `True`, `False`; `None` or `null` (the argument is left out); a comma before `)`; an apostrophe
inside a single-quoted value, as in `openai(prompt='what's the meaning of life')`; an unquoted word or placeholder, as
in `lights(room=[room])` and `weather(location=Berlin)`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from otto.errors import CallSyntaxError

Scalar = str | int | float | bool
"""What one argument can be."""
Argument = Scalar | tuple[Scalar, ...]
"""A scalar, or a flat list of them (a parameter that occurs twice in a sentence)."""

MAX_LENGTH = 512
"""Characters in a text that `parse` reads. Longer ones come from a model run wild, never from a person."""
MAX_DIGITS = 40
"""Digits in a number; longer ones are identifiers and belong in quotes."""

OTHER = "other"
"""The name of the call that means: no skill applies."""

# Characters that change how the text around them is shown or stored, and never belong in an argument: controls,
# surrogates, and the marks that reverse the reading direction (CVE-2021-42574).
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "/": "/"}
WRITTEN_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}

_SPACE = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"[ \t\r\n;]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}(?![A-Za-z0-9_])")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>\.[0-9]+)?(?P<power>[eE][+-]?[0-9]+)?(?=[ \t]*(?:[,)\]]|$))")
_BARE = re.compile(r"""[^\s,()\[\]='"\\;](?:[^,()\[\]="\\;\r\n]*[^\s,()\[\]="\\;])?""")
_PLACEHOLDER = re.compile(r"\[[ \t]*[A-Za-z_][A-Za-z0-9_ ]*(?::[a-z]+)?[ \t]*\]")
_QUOTED = {
    '"': re.compile(r'[^"\\\r\n]*'),
    "'": re.compile(r"[^'\\\r\n]*"),
}
# What must follow a single quote for it to be the closing one and not an apostrophe. Every alternative ends at a
# character that no value of this kind runs over, so looking ahead stays linear in the length of the text.
_CLOSES = re.compile(r"[ \t]*(?:$|,[ \t]*(?:[A-Za-z_][A-Za-z0-9_]{0,63}[ \t]*=|\))|\)[ \t]*(?:[;\r\n]|$))")
_CLOSES_IN_LIST = re.compile(r"[ \t]*(?:$|[,\]])")


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One function call: what a router hands over and what the dispatcher carries out."""

    name: str
    """The skill's name: letters, digits and `_`, at most 64 characters."""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    """Values by parameter name, in the order in which they were written."""

    def __post_init__(self) -> None:
        for name in (self.name, *self.arguments):
            if not _NAME.fullmatch(name):
                raise CallSyntaxError("a name has letters, digits and _, and at most 64 of them", name, 0)
        for value in self.arguments.values():
            for scalar in value if isinstance(value, tuple) else (value,):
                _refuse_unwritable(scalar)
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={_written(value)}' for name, value in self.arguments.items())})"

    def __repr__(self) -> str:
        return f"Call({self.name!r}, {dict(self.arguments)!r})"

    def __eq__(self, other: object) -> bool:
        """Equal as written, whatever the order of arguments. `1`, `1.0` and `true` differ."""
        return isinstance(other, Call) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        return self.name, frozenset((name, _written(value)) for name, value in self.arguments.items())


def write(calls: Iterable[Call]) -> str:
    """Several calls as one text, in order: the inverse of `parse`."""
    return "; ".join(str(call) for call in calls)


def parse(text: str, *, max_length: int | None = MAX_LENGTH) -> tuple[Call, ...]:
    """The calls written in `text`, in order; at least one.

    Raises `CallSyntaxError` with the position of the first fault. Time is linear in the length of the text.
    """
    if max_length is not None and len(text) > max_length:
        raise CallSyntaxError(f"a call has at most {max_length} characters, this has {len(text)}", text, max_length)
    return _Reader(text).calls()


def _refuse_unwritable(value: Scalar) -> None:
    if isinstance(value, str):
        # Line breaks and tabs are written as escapes; every other control character is refused.
        if found := FORBIDDEN.search(value.replace("\n", " ").replace("\t", " ").replace("\r", " ")):
            raise CallSyntaxError(_forbidden(found.group()), value, found.start())
    elif isinstance(value, float) and not math.isfinite(value):
        raise CallSyntaxError("a number must be finite", repr(value), 0)


def _forbidden(character: str) -> str:
    return f"the character U+{ord(character):04X} is not allowed in a call"


def _written(value: Argument) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{"".join(WRITTEN_ESCAPES.get(character, character) for character in value)}"'
    return json.dumps(value)


class _Reader:
    """Recursive descent over one text, one pass, no backtracking over what was accepted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def calls(self) -> tuple[Call, ...]:
        calls: list[Call] = []
        self._skip(_BETWEEN)
        while self.at < len(self.text):
            calls.append(self._call())
            self._skip(_SPACE)
            if self.at < len(self.text) and self.text[self.at] not in ";\r\n":
                raise self._error("expected ';', a new line or the end after ')'")
            self._skip(_BETWEEN)
        if not calls:
            raise self._error('expected a call such as weather(location="Berlin")')
        return tuple(calls)

    def _call(self) -> Call:
        name = self._name("a skill's name")
        self._expect("(")
        arguments: dict[str, Argument] = {}
        seen: set[str] = set()
        self._skip(_SPACE)
        while not self._take(")"):
            start = self.at
            parameter = self._name("a parameter's name")
            if parameter in seen:
                self.at = start
                raise self._error(f"{parameter!r} is given twice; several values are written as a list")
            seen.add(parameter)
            self._expect("=")
            value = self._value()
            if value is not None:
                arguments[parameter] = value
            self._skip(_SPACE)
            if not self._take(","):
                self._expect(")", "',' or ')'")
                break
            self._skip(_SPACE)
        return Call(name, arguments)

    def _value(self) -> Argument | None:
        self._skip(_SPACE)
        if self._peek() != "[":
            return self._scalar(in_list=False)
        placeholder = _PLACEHOLDER.match(self.text, self.at)
        if placeholder and placeholder.group()[1:-1].strip() not in ("true", "false", "True", "False"):
            self.at = placeholder.end()
            return placeholder.group()
        self.at += 1
        items: list[Scalar] = []
        self._skip(_SPACE)
        while not self._take("]"):
            item = self._scalar(in_list=True)
            if item is None:
                raise self._error("a list cannot hold nothing")
            items.append(item)
            self._skip(_SPACE)
            if not self._take(","):
                self._expect("]", "',' or ']'")
                break
            self._skip(_SPACE)
        return tuple(items)

    def _scalar(self, *, in_list: bool) -> Scalar | None:
        first = self._peek()
        if first in _QUOTED:
            return self._string(first, in_list=in_list)
        if number := _NUMBER.match(self.text, self.at):
            return self._number(number)
        if not (bare := _BARE.match(self.text, self.at)):
            raise self._error("expected a value: text in quotes, a number, true, false or a list")
        if found := FORBIDDEN.search(bare.group()):
            self.at += found.start()
            raise self._error(_forbidden(found.group()))
        self.at = bare.end()
        words = bare.group()
        if words in ("true", "True", "false", "False"):
            return words in ("true", "True")
        return None if words in ("None", "null") else words

    def _number(self, found: re.Match[str]) -> int | float:
        if found.end() - found.start() > MAX_DIGITS:
            raise self._error(f"a number has at most {MAX_DIGITS} digits; put longer ones in quotes")
        if not (found["real"] or found["power"]):
            self.at = found.end()
            return int(found.group())
        number = float(found.group())
        if not math.isfinite(number):
            raise self._error("a number must be finite")
        self.at = found.end()
        return number

    def _string(self, quote: str, *, in_list: bool) -> str:
        opened = self.at
        self.at += 1
        parts: list[str] = []
        while True:
            run = _QUOTED[quote].match(self.text, self.at)
            assert run is not None  # the pattern matches the empty text
            if found := FORBIDDEN.search(run.group()):
                self.at = run.start() + found.start()
                raise self._error(_forbidden(found.group()))
            parts.append(run.group())
            self.at = run.end()
            after = self._peek()
            if after == "\\":
                parts.append(self._escape())
            elif after == quote:
                self.at += 1
                if quote == '"' or (_CLOSES_IN_LIST if in_list else _CLOSES).match(self.text, self.at):
                    return "".join(parts)
                parts.append(quote)
            elif after:
                raise self._error("a line break in a text is written \\n")
            else:
                self.at = opened
                raise self._error("this quote is never closed")

    def _escape(self) -> str:
        kind = self.text[self.at + 1 : self.at + 2]
        if kind in ESCAPES and kind:
            self.at += 2
            return ESCAPES[kind]
        digits = self.text[self.at + 2 : self.at + 6]
        if kind == "u" and len(digits) == 4 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
            character = chr(int(digits, 16))
            if FORBIDDEN.match(character):
                raise self._error(_forbidden(character))
            self.at += 6
            return character
        raise self._error(f"unknown escape \\{kind}")

    def _name(self, what: str) -> str:
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self._error(f"expected {what} (letters, digits and _, at most 64)")
        self.at = found.end()
        return found.group()

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        assert found is not None  # both patterns match the empty text
        self.at = found.end()

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self.at += 1
        return True

    def _expect(self, character: str, what: str = "") -> None:
        self._skip(_SPACE)
        if not self._take(character):
            raise self._error(f"expected {what or repr(character)}")

    def _error(self, problem: str) -> CallSyntaxError:
        return CallSyntaxError(problem, self.text, self.at)
