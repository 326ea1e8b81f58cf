"""A small reader of GBNF of its own, for tests: whether a grammar accepts a text, and texts drawn from it.

    read(grammar).accepts('timer(duration="ten minutes")')
    read(grammar).sample(random.Random(0))

It knows what `otto.grammar` writes: literals, character classes, brackets, `|`, `?` and `{m,n}`. It is written apart
from that module and from llama.cpp, so that three readings of the same text can be held against each other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r'"(?P<literal>(?:[^"\\]|\\.)*)"|\[(?P<class>(?:[^\]\\]|\\.)*)\]|(?P<name>[a-zA-Z][a-zA-Z0-9-]*)'
    r"|\{(?P<low>\d+),(?P<high>\d+)\}|(?P<mark>[()|?])|\s+"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Literal:
    text: str


@dataclass(frozen=True)
class Class:
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    ways: tuple[Node, ...]


@dataclass(frozen=True)
class Repeated:
    part: Node
    low: int
    high: int


Node = Literal | Class | Name | Sequence | Either | Repeated


@dataclass(frozen=True)
class Gbnf:
    """A grammar that was read."""

    rules: dict[str, Node]

    def accepts(self, text: str) -> bool:
        return len(text) in self._ends(self.rules["root"], text, frozenset([0]))

    def sample(self, rng: random.Random) -> str:
        """A text that the grammar can write; long ones are as likely as short ones."""
        return self._sample(self.rules["root"], rng)

    def depth(self, node: Node | None = None) -> int:
        """How many rules lie inside one another at most. Does not return for one that leads back to itself."""
        match node or self.rules["root"]:
            case Name(name):
                return 1 + self.depth(self.rules[name])
            case Sequence(nodes) | Either(nodes):
                return max((self.depth(each) for each in nodes), default=0)
            case Repeated(part):
                return self.depth(part)
        return 0

    def _ends(self, node: Node, text: str, starts: frozenset[int]) -> frozenset[int]:
        match node:
            case Literal(literal):
                return frozenset(at + len(literal) for at in starts if text.startswith(literal, at))
            case Class(ranges):
                return frozenset(at + 1 for at in starts if at < len(text) and _within(text[at], ranges))
            case Name(name):
                return self._ends(self.rules[name], text, starts)
            case Sequence(parts):
                for part in parts:
                    starts = self._ends(part, text, starts)
                return starts
            case Either(ways):
                return frozenset().union(*(self._ends(way, text, starts) for way in ways))
            case Repeated(part, low, high):
                found: frozenset[int] = starts if low == 0 else frozenset()
                for count in range(1, high + 1):
                    starts = self._ends(part, text, starts)
                    if not starts:
                        break
                    if count >= low:
                        found |= starts
                return found

    def _sample(self, node: Node, rng: random.Random) -> str:
        match node:
            case Literal(literal):
                return literal
            case Class(ranges):
                low, high = rng.choice(ranges)
                return chr(rng.randint(low, high))
            case Name(name):
                return self._sample(self.rules[name], rng)
            case Sequence(parts):
                return "".join(self._sample(part, rng) for part in parts)
            case Either(ways):
                return self._sample(rng.choice(ways), rng)
            case Repeated(part, low, high):
                most = rng.choice([high, min(high, low + 8)])
                return "".join(self._sample(part, rng) for _ in range(rng.randint(low, most)))


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= ord(character) <= high for low, high in ranges)


def read(grammar: str) -> Gbnf:
    """Reads a grammar with one rule a line. Raises `ValueError` for what it does not know."""
    rules: dict[str, Node] = {}
    for line in grammar.removesuffix("\n").split("\n"):
        name, _, body = line.partition(" ::= ")
        tokens = list(_tokens(body))
        rules[name] = _either(tokens)
        if tokens or not name:
            raise ValueError(f"not read whole: {line!r}")
    return Gbnf(rules)


def _tokens(body: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(body):
        if not (found := _TOKEN.match(body, at)):
            raise ValueError(f"cannot be read: {body[at:]!r}")
        if found.lastgroup:
            yield found
        at = found.end()


def _either(tokens: list[re.Match[str]]) -> Node:
    ways = [_sequence(tokens)]
    while tokens and tokens[0]["mark"] == "|":
        tokens.pop(0)
        ways.append(_sequence(tokens))
    return Either(tuple(ways)) if len(ways) > 1 else ways[0]


def _sequence(tokens: list[re.Match[str]]) -> Node:
    parts: list[Node] = []
    while tokens and tokens[0]["mark"] not in ("|", ")"):
        token = tokens.pop(0)
        if token["high"]:
            parts.append(Repeated(parts.pop(), int(token["low"]), int(token["high"])))
        elif token["mark"] == "?":
            parts.append(Repeated(parts.pop(), 0, 1))
        elif token["mark"] == "(":
            parts.append(_either(tokens))
            if not tokens or tokens.pop(0)["mark"] != ")":
                raise ValueError("a bracket is not closed")
        elif token["name"]:
            parts.append(Name(token["name"]))
        elif token["literal"] is not None:
            parts.append(Literal("".join(_characters(token["literal"]))))
        else:
            parts.append(_class(token["class"]))
    return Sequence(tuple(parts)) if len(parts) != 1 else parts[0]


def _class(content: str) -> Class:
    characters = [(found[0], _ESCAPES.get(found[0][-1], found[0][-1]) if len(found[0]) > 1 else found[0])
                  for found in re.finditer(r"\\.|.", content, re.DOTALL)]  # fmt: skip
    ranges = []
    while characters:
        _, low = characters.pop(0)
        if len(characters) > 1 and characters[0][0] == "-":
            characters.pop(0)
            ranges.append((ord(low), ord(characters.pop(0)[1])))
        else:
            ranges.append((ord(low), ord(low)))
    return Class(tuple(ranges))


def _characters(literal: str) -> Iterator[str]:
    for found in re.finditer(r"\\(.)|([^\\])", literal, re.DOTALL):
        yield _ESCAPES.get(found[1], found[1]) if found[1] else found[2]
