"""Templates: an example with holes where its values stood.

    remind me to call mum at six  ->  "remind me to " [text] " at " [when]

A value becomes a hole when its words stand together in the sentence and mean what the call says; what is decided by
the whole sentence (`action="list"`) stays as it is. A filled hole is written as it was said: a model can copy that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otto.call import OTHER, Argument, Call, Scalar
from otto.errors import ValueReadError
from otto.example import Example
from otto.examples.file import NOON
from otto.routers.alignment import SENTENCE_TYPES, align, chunks
from otto.routers.sentence import word_spans
from otto.skill import Parameter, Skill

_PREPOSITIONS = "at in on for by about to from of until since around with as that"
BEFORE = frozenset(_PREPOSITIONS.split())
"""Words that decide what can follow them: "at six", "in ten minutes"."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value stands."""

    skill: str
    parameter: Parameter
    said: str
    before: str
    """The word before it where that is one of `BEFORE`; else empty."""
    alone: bool
    """Whether hardly a word stands around the values, so that the value alone says which skill is meant."""


Piece = str | Slot


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence of one call, in pieces."""

    skill: Skill
    pieces: tuple[Piece, ...]
    fixed: Mapping[str, Argument]
    """Arguments that have no hole."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """From left to right, one a parameter."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Slot))

    def call(self, said: Mapping[str, str]) -> Call:
        """The call with these words as the values of the holes, by parameter."""
        known = {slot.parameter.name: slot.parameter for slot in self.slots}
        values: dict[str, Argument] = dict(self.fixed)
        values.update({name: written(words, known[name]) for name, words in said.items()})
        order = [parameter.name for parameter in self.skill.parameters]
        return Call(self.skill.name, {name: values[name] for name in order if name in values})


def template(example: Example, skills: Mapping[str, Skill]) -> Template | None:
    """The example as a template; None for several calls, for `other()` and for a skill that is not known."""
    if len(example.calls) != 1 or example.calls[0].name == OTHER or example.calls[0].name not in skills:
        return None
    call = example.calls[0]
    skill, text = skills[call.name], example.text
    words = word_spans(text)
    places = chunks(align(text, words, call, skill).tags)
    holes: list[tuple[int, int, Parameter]] = []
    for parameter in skill.parameters:
        own = [(first, end) for name, first, end in places if name == parameter.name]
        if len(own) != 1 or parameter.type in SENTENCE_TYPES:
            continue
        start, end = words[own[0][0]][0], words[own[0][1] - 1][1]
        if _means(text[start:end], call.arguments[parameter.name], parameter):
            holes.append((start, end, parameter))
    alone = len(text.split()) - sum(len(text[start:end].split()) for start, end, _ in holes) < 2
    pieces: list[Piece] = []
    at = 0
    for start, end, parameter in sorted(holes, key=lambda hole: hole[0]):
        if start > at:
            pieces.append(text[at:start])
        pieces.append(Slot(skill.name, parameter, text[start:end], _before(text[:start]), alone))
        at = end
    if at < len(text):
        pieces.append(text[at:])
    open_names = {parameter.name for _, _, parameter in holes}
    return Template(
        skill, tuple(pieces), {name: value for name, value in call.arguments.items() if name not in open_names}
    )


def written(said: str, parameter: Parameter) -> Scalar:
    """How a call writes what was said: as it was, and digits of a number without quotes."""
    if parameter.type in ("integer", "number") and said.isascii() and said.isdecimal() and len(said) < 10:
        return int(said)
    return said


def frames(templates: Sequence[Template], least: int = 3) -> frozenset[str]:
    """The words that stand around values in at least so many sentences (or in all there are), in lower case."""
    texts = (piece for each in templates for piece in each.pieces if isinstance(piece, str))
    counts = Counter(text[start:end].lower() for text in texts for start, end in word_spans(text))
    return frozenset(word for word, count in counts.items() if count >= min(least, len(templates) // 2))


def _before(text: str) -> str:
    last = text.split()[-1:]
    return last[0].lower() if last and last[0].lower() in BEFORE else ""


def _means(said: str, value: Argument, parameter: Parameter) -> bool:
    try:
        return parameter.same(parameter.read(said, NOON), parameter.read(value, NOON))
    except ValueReadError:
        return False
