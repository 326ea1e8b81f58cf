"""Sentences sampled from the example files, without end: what the tiny model is trained on.

    sampler = Sampler(*bundled_material(), seed=0)
    sampler.sample(5)                       five rows
    itertools.islice(sampler, 1_000_000)    as many as you like
    python -m finetune.sample 20            prints some

The example files' own structure is all it needs: a template of one example gets values that no example has
(`unseen.py`), another carrier phrase, another order, and slips (`slips.py`); `other()` keeps its measured share. Every
row parses, passes its skill's schema, and its arguments stand in the sentence. Sentences of the held-out splits
(`split.py`) are neither a source nor ever a result.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

from finetune.slips import FILLERS, framed, slipped
from finetune.split import split_of
from finetune.template import Piece, Slot, Template, template
from finetune.unseen import Values
from otto.call import MAX_LENGTH, OTHER, Call, Scalar, write
from otto.config import Folders, bundled, load
from otto.errors import CallError, CallSyntaxError
from otto.evidence import supported
from otto.example import Example
from otto.examples.file import NOON, plain
from otto.registry.registry import Registry
from otto.skill import Parameter, Skill

VERBATIM = 0.15
"""Share of rows that are training examples as they stand."""
JOINED = 0.06
"""Share of rows that join two or three commands."""
REHEARSED = (4, 12)
"""Words of a sentence that is to be copied whole, at least and at most."""
CROSSED = 0.15
"""Share of commands that are made of two templates."""
TEMPER = 0.6
"""A skill's share is its number of examples to this power: small skills are seen more often than they are common."""
_BEFORE = ("please", "hey otto", "otto", "hey", "okay otto", "can you", "could you", "would you", "can you please",
           "i want you to", "i'd like you to", "go ahead and", *FILLERS)  # fmt: skip
_ASKING = frozenset(["can", "you", "could", "would", "want", "i'd", "go"])
_AFTER = ("please", "please", "now", "for me", "thanks", "thank you", "otto", "right now", "would you")
_BETWEEN = (" and ", " and ", " and then ", ", then ", " then ", ", and ", ", ", " and also ", ". ", " oh and ")


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sentence and what it means."""

    text: str
    calls: tuple[Call, ...]


class Sampler:
    """An endless stream of rows; equal material and seed give equal streams."""

    def __init__(
        self,
        skills: Mapping[str, Skill],
        examples: Sequence[Example],
        *,
        seed: int = 0,
        other_share: float | None = None,
        joined: float = JOINED,
        unseen: Collection[str] = (),
        unseen_share: float = 0.0,
    ) -> None:
        """`other_share`: of the rows, between 0 and 1; as in the examples unless given. `unseen`: skills that the model
        has not learnt yet, which are drawn for `unseen_share` of the commands."""
        self.skills = skills
        self._chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
        self._joined = joined
        own = [each for each in examples if split_of(each.text) == "train"]
        self._known = {plain(each.text): each.calls for each in own}
        self._others = [each for each in own if each.calls[0].name == OTHER]
        self._several = [each for each in own if len(each.calls) > 1]
        by_skill: dict[str, list[tuple[Example, Template]]] = {}
        for each in own:
            if found := template(each, skills):
                by_skill.setdefault(found.skill.name, []).append((each, found))
        self._by_skill = by_skill
        self._names = sorted(by_skill)
        self._alike: dict[tuple[object, ...], list[Template]] = {}
        for rows in by_skill.values():
            for _, found in rows:
                if len(found.slots) == 1 and not found.slots[0].alone:
                    self._alike.setdefault(_call_of(found), []).append(found)
        self._weights = list(accumulate(_weight([found for _, found in by_skill[name]]) for name in self._names))
        self._unseen = [name for name in self._names if name in unseen]
        self._unseen_share = unseen_share
        self._values = Values([found for rows in by_skill.values() for _, found in rows], own)
        self._imperatives = _imperatives(self._known)
        share = len(self._others) / len(own) if own else 0.0
        self.other_share = (share if other_share is None else other_share) if self._others else 0.0
        if not by_skill:
            self.other_share = 1.0

    def __iter__(self) -> Iterator[Sampled]:
        while True:
            if row := self._row():
                yield row

    def sample(self, count: int) -> list[Sampled]:
        """The next rows of the stream."""
        return list(islice(self, count))

    def of_skill(self, name: str) -> Iterator[Sampled]:
        """Rows of one skill (or of `other`), without end; none where it has no example."""
        while name == OTHER and self._others or name in self._by_skill:
            if row := self._checked(*(self._other() if name == OTHER else self._command(name))):
                yield row

    def rehearsal(self) -> Iterator[Sampled]:
        """Rows whose whole sentence, of words drawn at random, is the value: pure copying, without end; none where no
        skill takes a whole sentence."""
        whole = next(
            (found for name in self._names for _, found in self._by_skill[name] if _is_whole(found)),
            None,
        )
        while whole:
            text = self._values.words(self._chance.randint(*REHEARSED), self._chance)
            yield Sampled(text, (whole.call({whole.slots[0].parameter.name: text}),))

    def _row(self) -> Sampled | None:
        kind = self._chance.random()
        if kind < self.other_share:
            return self._checked(*self._other())
        if kind > 1 - self._joined:
            return self._checked(*self._several_commands())
        return self._checked(*self._command(self._skill()))

    def _skill(self) -> str:
        if self._unseen and self._chance.random() < self._unseen_share:
            return self._chance.choice(self._unseen)
        return self._chance.choices(self._names, cum_weights=self._weights)[0]

    def _other(self) -> tuple[str, tuple[Call, ...]]:
        chance = self._chance
        example = chance.choice(self._others)
        text = example.text
        if chance.random() > VERBATIM:
            if chance.random() < 0.6:
                text = self._values.reworded(text, chance, share=0.5)
            text = framed(self._carried(slipped(text, chance)), chance)
        return text, example.calls

    def _command(self, name: str) -> tuple[str, tuple[Call, ...]]:
        example, found = self._chance.choice(self._by_skill[name])
        if self._chance.random() < VERBATIM:
            return example.text, (found.call({slot.parameter.name: slot.said for slot in found.slots}),)
        text, call = self._filled(found)
        return framed(self._carried(text), self._chance), (call,)

    def _several_commands(self) -> tuple[str, tuple[Call, ...]]:
        chance = self._chance
        if self._several and chance.random() < 0.1:
            example = chance.choice(self._several)
            return example.text, example.calls
        count = chance.choice((2, 2, 2, 3))
        chosen = [self._filled(chance.choice(self._by_skill[self._skill()])[1]) for _ in range(count)]
        text = chosen[0][0]
        for more, _ in chosen[1:]:
            text += chance.choice(_BETWEEN) + more
        return framed(self._carried(text), chance), tuple(call for _, call in chosen)

    def _filled(self, found: Template) -> tuple[str, Call]:
        """The template's sentence with other values, in another order, with slips."""
        chance = self._chance
        said = {slot.parameter.name: self._values.draw(slot, chance) for slot in found.slots}
        pieces: Sequence[Piece] = found.pieces
        kind = chance.random()
        if kind < 0.1:
            pieces = _reordered(pieces)
        elif kind < 0.1 + CROSSED:
            pieces = self._crossed(found)
        text = "".join(
            said[piece.parameter.name] if isinstance(piece, Slot) else slipped(piece, chance) for piece in pieces
        )
        return " ".join(text.split()), found.call(said)

    def _crossed(self, found: Template) -> Sequence[Piece]:
        """What stands before the value in this template, and what stands behind it in another one of the same call:
        "jot down [note]" and "put [note] in my notes" give "jot down [note] in my notes"."""
        alike = self._alike.get(_call_of(found), ())
        if len(found.slots) != 1 or len(alike) < 2:
            return found.pieces
        other = self._chance.choice(alike)
        here, there = found.pieces.index(found.slots[0]), other.pieces.index(other.slots[0])
        return [*found.pieces[: here + 1], *other.pieces[there + 1 :]]

    def _carried(self, text: str) -> str:
        """With another carrier phrase before or after, at times."""
        chance = self._chance
        if chance.random() < 0.22:
            before = chance.choice(_BEFORE)
            if text.split()[0].lower() in self._imperatives or before.split()[0] not in _ASKING:
                text = f"{before}{chance.choice(('', '', ','))} {text}"
        if chance.random() < 0.1:
            text = f"{text}{chance.choice(('', '', ','))} {chance.choice(_AFTER)}"
        return text

    def _checked(self, text: str, calls: tuple[Call, ...]) -> Sampled | None:
        """The row where it is one; None for what is held out, contradicts an example, or does not say its arguments."""
        if split_of(text) != "train" or len(write(calls)) > MAX_LENGTH:
            return None
        known = self._known.get(plain(text))
        if known is not None and [call.name for call in known] != [call.name for call in calls]:
            return None
        for call in calls:
            if call.name == OTHER:
                continue
            skill = self.skills[call.name]
            try:
                skill.check(call, NOON)
            except (CallError, CallSyntaxError):
                return None
            if not all(
                isinstance(value, tuple) or _says(text, value, parameter)
                for name, value in call.arguments.items()
                if (parameter := skill.parameter(name))
            ):
                return None
        return Sampled(text, calls)


def _is_whole(found: Template) -> bool:
    return [slot.parameter.type for slot in found.slots] == ["text"] and len(found.pieces) == 1 and not found.fixed


def _call_of(found: Template) -> tuple[object, ...]:
    """Equal for templates whose calls differ in the values of their holes only."""
    return (found.skill.name, tuple(slot.parameter.name for slot in found.slots), tuple(sorted(found.fixed.items())))


def _weight(templates: Sequence[Template]) -> float:
    """How often a skill is drawn: more often where there is something to copy, which is what takes longest to learn."""
    copied = sum(bool(each.slots) for each in templates) / len(templates)
    return float(len(templates) ** TEMPER * (1 + 2 * copied))


def _says(text: str, value: Scalar, parameter: Parameter) -> bool:
    return str(value) in text or _supported(text, value, parameter)


@lru_cache(maxsize=4096)
def _supported(text: str, value: Scalar, parameter: Parameter) -> bool:
    return supported(value, parameter, text, NOON)


def _reordered(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The time in front: "at six remind me to call mum"; as it was where no time with a word before it comes last."""
    if len(pieces) < 3 or not isinstance(pieces[-1], Slot) or not isinstance(pieces[-2], str):
        return pieces
    last, bridge = pieces[-1], pieces[-2]
    if last.parameter.type not in ("time", "date", "datetime", "duration") or not last.before:
        return pieces
    return [f"{last.before} ", last, " ", *pieces[:-2], bridge.rstrip().removesuffix(last.before)]


def _imperatives(sentences: Mapping[str, object]) -> frozenset[str]:
    """Words that follow "can you", "could you" or "please": what can be asked for politely."""
    found = set()
    for text in sentences:
        words = text.split()
        start = 2 if words[:2] in (["can", "you"], ["could", "you"], ["would", "you"]) else words[:1] == ["please"]
        if start and len(words) > start:
            found.add(words[int(start)])
    return frozenset(found - {"please"})


def bundled_material() -> tuple[dict[str, Skill], list[Example]]:
    """The bundled skills and all their examples."""
    folders = Folders((bundled("examples"),), (bundled("skills"),))
    registry = Registry(folders, cache=load().cache_folder)
    entries = registry.snapshot.skills
    registry.close()
    return {name: entry.skill for name, entry in entries.items()}, [
        example for entry in entries.values() for example in entry.examples
    ]


if __name__ == "__main__":
    for row in Sampler(*bundled_material(), seed=random.randrange(1 << 30)).sample(int((sys.argv[1:] or ["10"])[0])):  # noqa: S311
        print(f"{row.text}\n    {write(row.calls)}")
