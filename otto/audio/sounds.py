"""Words that sound alike: how far apart two pronunciations are, and bringing what was heard to what can be meant.

    >>> snap = Snapper(vocabularies(skills, examples), known_words)
    >>> snap("play some jazz in the kitschin")
    'play some jazz in the kitchen'

Distance is the cost of turning one row of phones into the other, where a phone costs less to be taken for one that is
made alike: same place or manner, voiced or not, vowels near to each other in the mouth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from otto.audio.language import common_words
from otto.audio.pronunciation import Pronunciations, Sound
from otto.audio.spokenform import spoken
from otto.example import Example
from otto.skill import Skill

NEAR = 0.25
"""Distance for each phone of the longer side up to which something is taken for a value."""
FEWEST_PHONES = 4
"""Shorter values sound like too much else."""
GAP = 0.8
WEAK_GAP = 0.45
"""For phones that are easily swallowed."""
MOST_WORDS = 6

# Manner, place, voiced; of vowels: height, backness, length. Close phones share most of these.
_CONSONANTS = {
    "P": ("stop", 0, 0), "B": ("stop", 0, 1), "T": ("stop", 3, 0), "D": ("stop", 3, 1), "K": ("stop", 6, 0),
    "G": ("stop", 6, 1), "CH": ("affricate", 4, 0), "JH": ("affricate", 4, 1), "F": ("fricative", 1, 0),
    "V": ("fricative", 1, 1), "TH": ("fricative", 2, 0), "DH": ("fricative", 2, 1), "S": ("fricative", 3, 0),
    "Z": ("fricative", 3, 1), "SH": ("fricative", 4, 0), "ZH": ("fricative", 4, 1), "HH": ("fricative", 7, 0),
    "M": ("nasal", 0, 1), "N": ("nasal", 3, 1), "NG": ("nasal", 6, 1), "L": ("liquid", 3, 1), "R": ("liquid", 4, 1),
    "W": ("glide", 0, 1), "Y": ("glide", 5, 1),
}  # fmt: skip
_VOWELS = {
    "IY": (0, 0, 1), "IH": (1, 0, 0), "EY": (2, 0, 1), "EH": (3, 0, 0), "AE": (4, 0, 0), "AH": (3, 1, 0),
    "ER": (2, 1, 1), "AA": (5, 2, 1), "AO": (4, 2, 1), "OW": (2, 2, 1), "UH": (1, 2, 0), "UW": (0, 2, 1),
    "AY": (4, 1, 1), "AW": (4, 1.5, 1), "OY": (3, 2, 1),
}  # fmt: skip
_WEAK = frozenset({"AH", "IH", "HH", "T", "D", "R", "Y"})


@lru_cache(maxsize=2048)
def apart(one: str, other: str) -> float:
    """How unlike two phones are: 0 (the same) to 1."""
    if one == other:
        return 0.0
    if one in _VOWELS and other in _VOWELS:
        (height, back, length), (height2, back2, length2) = _VOWELS[one], _VOWELS[other]
        return min(0.8, 0.15 + 0.1 * abs(height - height2) + 0.12 * abs(back - back2) + 0.05 * abs(length - length2))
    if one in _CONSONANTS and other in _CONSONANTS:
        (manner, place, voice), (manner2, place2, voice2) = _CONSONANTS[one], _CONSONANTS[other]
        return min(1.0, 0.45 * (manner != manner2) + 0.25 * (voice != voice2) + min(0.5, 0.15 * abs(place - place2)))
    # What glides is half a vowel.
    return 0.6 if {one, other} in ({"Y", "IY"}, {"W", "UW"}, {"R", "ER"}, {"L", "OW"}) else 1.0


def distance(one: Sound, other: Sound, most: float = float("inf")) -> float:
    """The cheapest way from one row of phones to the other; infinite as soon as it must be more than `most`."""
    row = [0.0]
    for phone in other:
        row.append(row[-1] + _gap(phone))
    for phone in one:
        left = row[0]
        row[0] += _gap(phone)
        for at, target in enumerate(other, 1):
            best = min(row[at] + _gap(phone), row[at - 1] + _gap(target), left + apart(phone, target))
            left, row[at] = row[at], best
        if min(row) > most:
            return float("inf")
    return row[-1]


def _gap(phone: str) -> float:
    return WEAK_GAP if phone in _WEAK else GAP


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    sounds: tuple[Sound, ...]


class Snapper:
    """Replaces what no skill knows by the value that it sounds like; what is known is left alone."""

    def __init__(self, values: Iterable[str], known: Iterable[str]) -> None:
        """`values`: what can be meant, in their written form. `known`: the words of all examples."""
        sounds = Pronunciations.english()
        self._known = frozenset(known)
        spellings: Mapping[tuple[str, ...], str] = {words: text for text in values if (words := spoken(text))}
        self._values = [
            _Value(text, heard)
            for words, text in sorted(spellings.items())
            if (heard := tuple(way for way in sounds.of(words, 4) if len(way) >= FEWEST_PHONES))
        ]
        self._sounds = sounds

    def __call__(self, text: str) -> str:
        """`text` with the spans around unknown words replaced where they sound like a value."""
        words = text.split()
        at = 0
        while at < len(words):
            if self._is_known(words[at]) or not (found := self._nearest(words, at)):
                at += 1
                continue
            start, end, value = found
            words[start:end] = value.split()
            at = start + len(value.split())
        return " ".join(words)

    def _is_known(self, word: str) -> bool:
        parts = spoken(word)
        return not parts or all(part in self._known for part in parts)

    def _nearest(self, words: Sequence[str], at: int) -> tuple[int, int, str] | None:
        """The span around the unknown word `at` that sounds most like a value."""
        best: tuple[float, int, int, str] | None = None
        for start in range(max(0, at - 2), at + 1):
            for end in range(at + 1, min(len(words), start + MOST_WORDS) + 1):
                heard = self._sounds.of(spoken(" ".join(words[start:end])), 2)
                for value in self._values:
                    limit = best[0] if best else NEAR
                    near = min(_likeness(way, sound, limit) for way in heard for sound in value.sounds)
                    if near <= limit and (best is None or near < best[0]):
                        best = (near, start, end, value.text)
        return best[1:] if best else None


def _likeness(one: Sound, other: Sound, limit: float) -> float:
    """Distance for each phone of the longer row."""
    longest, shortest = max(len(one), len(other)), min(len(one), len(other))
    if (longest - shortest) * WEAK_GAP > limit * longest:
        return float("inf")
    return distance(one, other, limit * longest) / longest


def vocabularies(skills: Sequence[Skill], examples: Sequence[Example]) -> tuple[set[str], set[str]]:
    """The values that can be meant (choices, and what examples name), and the words that are no mishearing: those of
    examples and choices, and where a skill takes any text the common words of the language."""
    values: set[str] = set()
    known: set[str] = set()
    named = {(skill.name, parameter.name): parameter for skill in skills for parameter in skill.parameters}
    for parameter in named.values():
        values.update(parameter.limits.choices)
    for example in examples:
        known.update(spoken(example.text))
        for call in example.calls:
            for name, argument in call.arguments.items():
                parameter_of = named.get((call.name, name))
                if parameter_of and parameter_of.type in ("text", "place"):
                    several = argument if isinstance(argument, tuple) else (argument,)
                    values.update(str(value) for value in several if len(spoken(str(value))) <= 3)
    for value in values:
        known.update(spoken(value))
    if any(parameter.type == "text" for parameter in named.values()):
        known.update(common_words())
    return values, known
