"""The grammar of calls, made from the loaded skills: what a language model can write is a call that may be made.

    >>> print(grammar([Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))),))]))
    root ::= " "? ("other()" | call ("; " call){0,3}) " "?
    call ::= s1
    s1 ::= "lights(" a1 ")"
    a1 ::= "state=" c1
    c1 ::= "\\"on\\"" | "\\"off\\""

It is written in GBNF, which llama.cpp and llguidance read: https://github.com/ggml-org/llama.cpp/tree/master/grammars.
Names and parameters are those of the skills, parameters come in schema order, required ones always, choices are closed,
texts hold any character that `otto.call` accepts. Where the sentence is known, a text is some of its words, one after
the other: small models lose their way when they copy ("the last tree on earth" became "the last on earth"), and no
model can put something into a text that nobody said. A blank may stand before and after, where some families frame the
answer so. Everything that it can write is read by `otto.call.parse`, up to that one's limit of 512 characters for the
whole, which no such grammar can express. Whether "at seven" is a time, only `Skill.check` knows.

No rule leads back to itself and every repetition has an end: five rules deep at most, some 10 kB for 50 skills. The
words of a sentence are a chain of rules, one a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from otto.call import FORBIDDEN, OTHER, Call
from otto.errors import ModelError
from otto.skill import MAX_REPEATS, Parameter, Skill

MAX_CALLS = 4
"""Calls in one answer."""
MAX_TEXT = 240
"""Characters in a text: somebody who speaks for fifteen seconds says some 220."""
MAX_VALUE = 80
"""Characters in a value with a meaning of its own: a date, a place, a number in words."""
MAX_SIZE = 256_000
"""Characters in a grammar that is handed to an engine: `grammar` makes 40,000 of 150 skills."""
MAX_NESTING = 8
"""Brackets inside one another in such a grammar: 60,000 of them end a process in llama.cpp (its issue 26600)."""

# What no text holds (`otto.call.FORBIDDEN`), with the quote and the backslash, which need an escape.
_NOT_PLAIN = (
    (0x00, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x9F), (0x61C, 0x61C), (0x200E, 0x200F), (0x2028, 0x202E),
    (0x2066, 0x2069), (0xD800, 0xDFFF),
)  # fmt: skip
# What a text does not begin with: it is stripped before it is used, and then empty.
_BLANK = (
    (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F),
    (0x3000, 0x3000),
)  # fmt: skip
_WORD = re.compile(r"\w+|[^\w\s]")
_IN_CLASS = {"]": "\\]", "[": "\\[", "\\": "\\\\"}
_FIXED = {
    "integer": '"-"? ("0" | [1-9] [0-9]{0,14})',
    "number": '"-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,9})?',
    "boolean": '"true" | "false"',
    "words": r'"\"" [+a-zA-Z0-9-] [a-zA-Z0-9 .,%/+-]{0,39} "\""',
}
"""Numbers as `Skill.call` writes them, and words as people say them ("fifty percent", "yes")."""


def grammar(skills: Iterable[Skill], said: str = "") -> str:
    """GBNF for calls of these skills, in their order, and `other()`. Equal skills give equal grammars.

    `said`: the sentence that the texts are taken from; without one they are free, and so are those that have limits.
    """
    rules = _Rules(said)
    names = [rules.skill(skill) for skill in skills if skill.name != OTHER]
    none = _literal(f"{OTHER}()")
    lines = [f'root ::= " "? {none} " "?']
    if names:
        lines = [
            f'root ::= " "? ({none} | call ("; " call){{0,{MAX_CALLS - 1}}}) " "?',
            f"call ::= {' | '.join(names)}",
        ]
    return "\n".join([*lines, *(f"{name} ::= {body}" for name, body in rules.bodies.items())]) + "\n"


def refuse_oversized(text: str) -> None:
    """Raises `ModelError` for a grammar that could harm the engine that reads it: too long, or nested too deep."""
    if len(text) > MAX_SIZE:
        raise ModelError(f"a grammar has at most {MAX_SIZE:,} characters, this has {len(text):,}; load fewer skills")
    depth = 0
    within = ""  # the quote or bracket that closes what is being read
    escaped = False
    for character in text:
        if within:
            if escaped or character == "\\":
                escaped = not escaped
            elif character == within:
                within = ""
        elif character in '"[':
            within = {"[": "]"}.get(character, character)
        else:
            depth += (character == "(") - (character == ")")
            if depth > MAX_NESTING:
                raise ModelError(f"a grammar nests at most {MAX_NESTING} brackets; this one is not from Otto's skills")


class _Rules:
    """The rules of one grammar by name; equal ones are written once. A letter says what a rule is: `s` a skill, `a` its
    first argument, `m` one more, `c` a choice, `t` a text, `w` a word that was said, `v` another value."""

    def __init__(self, said: str) -> None:
        self._said = [word for word in _WORD.finditer(said) if not FORBIDDEN.search(word.group())]
        self.bodies: dict[str, str] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._made: Counter[str] = Counter()

    def skill(self, skill: Skill) -> str:
        """The rule for calls of one skill."""
        arguments = self._arguments(skill.parameters)
        opening = _literal(f"{skill.name}(")
        return self._rule("s", f'{opening} {arguments} ")"' if arguments else _literal(f"{skill.name}()"))

    def _arguments(self, parameters: Sequence[Parameter]) -> str:
        """Any selection that keeps the order and leaves no required one out."""
        ways = []
        for place, first in enumerate(parameters):
            later = (self._further(each) for each in parameters[place + 1 :])
            ways.append(" ".join([self._argument(first), *later]))
            if first.required:
                return ways[0] if len(ways) == 1 else f"({' | '.join(ways)})"
        return f"({' | '.join(ways)})?" if ways else ""

    def _argument(self, parameter: Parameter) -> str:
        return self._rule("a", f"{_literal(f'{parameter.name}=')} {self._value(parameter)}")

    def _further(self, parameter: Parameter) -> str:
        body = f"{_literal(f', {parameter.name}=')} {self._value(parameter)}"
        return self._rule("m", body if parameter.required else f"({body})?")

    def _value(self, parameter: Parameter) -> str:
        one = self._scalar(parameter)
        return f'({one} | "[" {one} (", " {one}){{0,{MAX_REPEATS - 1}}} "]")' if parameter.repeats else one

    def _scalar(self, parameter: Parameter) -> str:
        limits = parameter.limits
        if parameter.type == "choice":
            return self._rule("c", " | ".join(_literal(_quoted(choice)) for choice in limits.choices))
        if parameter.type in _FIXED:
            for name in (parameter.type, "words"):
                self.bodies.setdefault(name, _FIXED[name])
            return f"({parameter.type} | words)"
        if parameter.type != "text":
            return self._rule("v", _text(1, MAX_VALUE))
        if (limits.minimum, limits.maximum) == (None, None) and (words := self._words()):
            return words
        least = max(1, int(limits.minimum or 1))
        most = max(least, min(MAX_TEXT, int(limits.maximum or MAX_TEXT)))
        return self._rule("t", _text(least, most))

    def _words(self) -> str:
        """The rule for some words of the sentence, one after the other; empty where it has none."""
        words = self._said
        if words and "said" not in self.bodies:
            starts = " | ".join(f"w{place}" for place in range(len(words)))
            self.bodies["said"] = rf'"\"" ({starts}) "\""'
            for place, (word, following) in enumerate(pairwise(words)):
                blank = '" " ' if word.end() < following.start() else ""
                self.bodies[f"w{place}"] = f"{_word(word)} ({blank}w{place + 1})?"
            self.bodies[f"w{len(words) - 1}"] = _word(words[-1])
        return "said" if words else ""

    def _rule(self, kind: str, body: str) -> str:
        if (name := self._named.get((kind, body))) is None:
            self._made[kind] += 1
            name = self._named[kind, body] = f"{kind}{self._made[kind]}"
            self.bodies[name] = body
        return name


def _quoted(text: str) -> str:
    """A text as a call has it."""
    return str(Call("c", {"v": text}))[len("c(v=") : -1]


def _word(found: re.Match[str]) -> str:
    return _literal(_quoted(found.group())[1:-1])


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(least: int, most: int) -> str:
    """A quoted text of so many characters, an escape counting as one."""
    first = rf'({_class(_NOT_PLAIN + _BLANK)} | "\\" ["\\])'
    rest = rf'({_class(_NOT_PLAIN)} | "\\" ["\\nrt])'
    return rf'"\"" {first} {rest}{{{least - 1},{most - 1}}} "\""'


def _class(excluded: Iterable[tuple[int, int]]) -> str:
    """All characters but these, as ranges. What is there is listed, not what is not: readers of GBNF differ in what
    they take for a character beyond Unicode's, and in how they write the escapes of those that are rare."""
    edges = [(-1, -1), *sorted(excluded), (0x110000, 0x110000)]
    ranges = [(before + 1, after - 1) for (_, before), (after, _) in pairwise(edges) if before + 1 < after]
    written = (chr(low) if low == high else f"{_in_class(low)}-{_in_class(high)}" for low, high in ranges)
    return f"[{''.join(written)}]"


def _in_class(code: int) -> str:
    return _IN_CLASS.get(chr(code), chr(code))
