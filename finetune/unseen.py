"""Values that no example has: what a model must learn to copy, since it can never know them all.

    >>> values.draw(slot, random.Random(1))
    'the thursday brinks'

Typed values are those of the examples with other numbers, weekdays, months and places, and always readable as their
type. Texts are those of the examples with their rare words replaced, by words of other texts, common words, names of
places and words that do not exist; some are recombined at random.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import otto
from finetune.template import Slot, Template, frames
from otto.errors import ValueReadError
from otto.example import Example
from otto.examples.file import NOON
from otto.skill import Parameter
from otto.values import gazetteer

FUNCTION_WORDS = 400
"""So many of the commonest English words are never replaced."""
RARE = 3
"""A word that stands in at most so many sentences may be replaced, and any that stands in values only."""
LARGE_CITY = 200_000
"""Inhabitants from which a place is drawn as a value."""
_KINDS = (
    "one two three four five six seven eight nine ten eleven twelve",
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
    "monday tuesday wednesday thursday friday saturday sunday",
    "january february march april may june july august september october november december",
    "seconds minutes hours days weeks",
    "second minute hour day week",
    "morning afternoon evening",
    "am pm",
    "plus minus times",
)
_KIND_OF = {word: kind.split() for kind in _KINDS for word in kind.split() if word != "second"}
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?::\d\d)?")
_SYLLABLE = (
    "b bl br c ch cl cr d dr f fl fr g gl gr h j k l m n p ph pl pr qu r s sh sl sp st str t th tr v w y z",
    "a e i o u ai ea ee oa ou",
    "b ck d ft g l ll m n nd ng nk p r rk rt s sh st t x",
)
_ONSETS, _VOWELS, _CODAS = (letters.split() for letters in _SYLLABLE)


class Values:
    """What can stand in a hole."""

    def __init__(self, templates: Sequence[Template], examples: Iterable[Example]) -> None:
        self._own: dict[tuple[str, str], list[str]] = {}
        self._typed: dict[tuple[str, str], list[str]] = {}
        for each in templates:
            for slot in each.slots:
                self._own.setdefault((slot.skill, slot.parameter.name), []).append(slot.said)
                self._typed.setdefault((slot.parameter.type, slot.before), []).append(slot.said)
        self._long = [
            said for texts in self._own.values() if _mean_words(texts) >= 2.5 for said in texts if len(said.split()) > 1
        ]
        counts = Counter(word for each in examples for word in {found.lower() for found in _WORD.findall(each.text)})
        common = common_words()
        kept = frames(templates) | set(common[:FUNCTION_WORDS]) | _KIND_OF.keys()
        inside = {
            found.lower()
            for each in templates
            for slot in each.slots
            if slot.parameter.type == "text" and not slot.alone
            for found in _WORD.findall(slot.said)
        }
        rare = {word for word, count in counts.items() if count <= RARE} | inside
        self._rare = frozenset(word for word in rare if len(word) > 2) - kept
        self._words = [
            *sorted(self._rare),
            *(word for word in common[FUNCTION_WORDS:] if word not in kept and len(word) > 2),
        ]

    def draw(self, slot: Slot, chance: random.Random) -> str:
        """Words for the hole; never what no example of its type looks like."""
        if slot.parameter.type == "text":
            return self._text(slot, chance)
        for _ in range(6):
            said = chance.choice(self._typed[slot.parameter.type, slot.before])
            if chance.random() < 0.7:
                said = self._place(chance) if slot.parameter.type == "place" else varied(said, chance)
            if readable(slot.parameter, said):
                return said
        return slot.said

    def reworded(self, text: str, chance: random.Random, share: float = 0.6) -> str:
        """The text with this share of its rare words replaced."""
        return _WORD.sub(
            lambda found: (
                self._word(chance) if found[0].lower() in self._rare and chance.random() < share else found[0]
            ),
            text,
        )

    def words(self, count: int, chance: random.Random) -> str:
        """So many words that have nothing to do with each other."""
        return " ".join(self._word(chance) for _ in range(count))

    def _text(self, slot: Slot, chance: random.Random) -> str:
        if slot.alone:
            return self.reworded(slot.said, chance, share=0.8)
        own = self._own[slot.skill, slot.parameter.name]
        kind = chance.random()
        if kind < 0.3:
            longest = 7 if _mean_words(own) >= 2.5 else 3
            return self.words(chance.randint(1, longest), chance)
        if kind < 0.45 and self._long and _mean_words(own) >= 2.5:
            return self.reworded(chance.choice(self._long), chance)
        said = chance.choice(own)
        return said if kind > 0.85 else self.reworded(varied(said, chance, share=0.4), chance, share=0.8)

    def _word(self, chance: random.Random) -> str:
        kind = chance.random()
        if kind < 0.15:
            return made_up(chance)
        return self._place(chance).lower() if kind < 0.2 else chance.choice(self._words)

    @staticmethod
    def _place(chance: random.Random) -> str:
        name = chance.choice(cities())
        return name if chance.random() < 0.3 else name.lower()


def varied(said: str, chance: random.Random, share: float = 0.7) -> str:
    """Numbers, weekdays, months and units replaced by others of their kind; a share of them."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if chance.random() >= share:
            return word
        if ":" in word:
            return f"{chance.randint(1, 12)}:{chance.randrange(0, 60, 5):02d}"
        if word.isdecimal():
            return _number(word, chance)
        kind = _KIND_OF.get(word.lower())
        return chance.choice(kind) if kind else word

    return _WORD.sub(other, said)


def made_up(chance: random.Random) -> str:
    """A word that does not exist."""
    return "".join(
        chance.choice(_ONSETS) + chance.choice(_VOWELS) + (chance.choice(_CODAS) if chance.random() < 0.9 else "")
        for _ in range(chance.choice((1, 2, 2, 3)))
    )


@lru_cache(maxsize=20_000)
def readable(parameter: Parameter, said: str) -> bool:
    """Whether the words can be read as the parameter's type."""
    try:
        parameter.read(said, NOON)
    except ValueReadError:
        return False
    return True


@lru_cache(maxsize=1)
def common_words() -> tuple[str, ...]:
    """Common English words, the commonest first."""
    path = Path(otto.__file__).parent / "data" / "speech" / "common_words.txt"
    return tuple(line.split()[0].lower() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


@lru_cache(maxsize=1)
def cities() -> tuple[str, ...]:
    """Names of large cities."""
    with closing(sqlite3.connect(f"file:{gazetteer.FOLDER / gazetteer.INDEX}?mode=ro", uri=True)) as index:
        rows = index.execute(
            "SELECT DISTINCT name.spelling FROM name JOIN spot ON spot.row = name.spot"
            " WHERE spot.population > ? AND name.score >= spot.population ORDER BY name.spelling",
            (LARGE_CITY,),
        ).fetchall()
    return tuple(name for (name,) in rows if name.isascii() and name.replace(" ", "").isalpha() and len(name) > 3)


def _number(digits: str, chance: random.Random) -> str:
    if len(digits) > 4:
        return digits
    return str(chance.randint(10 ** (len(digits) - 1), 10 ** len(digits) - 1))


def _mean_words(texts: Sequence[str]) -> float:
    return sum(len(text.split()) for text in texts) / len(texts)
