"""Arguments of a skill that nobody has given examples for: values by their type, texts by what is left of a sentence.

    >>> str(filled(set_thermostat, known_words(set_thermostat), "set the heating in the bedroom to 19 degrees", now))
    'set_thermostat(room="bedroom", degrees=19)'

Nothing is learnt. A number, a duration, a choice stand where the value table finds them; what is then neither a common
word nor one by which the skill describes itself is what somebody wants done with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from otto.call import Argument, Call
from otto.routers.arguments import canonical
from otto.routers.ngrams import levelled
from otto.skill import Parameter, Skill
from otto.values.span import spans

_CHUNK = re.compile(r"\S+")
_AT_ENDS = ".,;:!?…\"'“”‘’()"
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_BEFORE = frozenset(
    [
        "in", "for", "at", "of", "on", "to", "into", "from", "with", "about", "called", "named", "titled",
        "saying", "by", "that", "under", "inside", "around", "labelled",
    ]
)  # fmt: skip
"""Words after which somebody names something."""
_COMMON = _BEFORE | frozenset(
    [
        "a", "an", "the", "this", "that", "these", "those", "my", "your", "our", "their", "his", "her", "its",
        "it", "i", "me", "we", "us", "you", "they", "he", "she", "and", "or", "so", "then", "now", "please",
        "just", "can", "could", "would", "will", "shall", "should", "do", "does", "did", "don't", "is", "are",
        "was", "were", "be", "been", "am", "have", "has", "had", "get", "got", "give", "show", "tell", "let",
        "make", "put", "set", "run", "want", "like", "need", "know", "look", "see", "find", "out", "up",
        "down", "off", "new", "all", "any", "some", "there", "here", "what", "what's", "which", "who",
        "whose", "where", "when", "why", "how", "many", "much", "long", "far", "hey", "ok", "okay", "um",
        "uh", "well", "turn", "switch", "start", "again", "still", "yet", "right", "today", "currently",
        "moment", "bit", "little", "more", "less", "very", "too", "also", "as", "if", "not", "no", "yes",
        "one",
    ]
)  # fmt: skip
_ON, _OFF = frozenset(["on", "enable", "activate"]), frozenset(["off", "disable", "deactivate"])
_TYPES = ("datetime", "duration", "expression", "time", "date", "place", "choice", "boolean", "number", "integer")
"""The order in which values are looked for: those of many words first."""
SHORTEST_STEM = 4


def known_words(skill: Skill, phrases: Iterable[str] = ()) -> frozenset[str]:
    """Words by which a skill describes itself: those are no values."""
    texts = [skill.name, skill.description, *phrases, *(each.name for each in skill.parameters)]
    return frozenset(word.lower() for text in texts for word in _PARTS.findall(text))


def filled(skill: Skill, known: Collection[str], text: str, now: datetime) -> Call:
    """The skill's call with what `text` says. What it does not say is left out, whether it is needed or not."""
    sentence = _Sentence(text, known, now)
    found: dict[str, Argument] = {}
    typed = [each for each in skill.parameters if each.type != "text"]
    for parameter in sorted(typed, key=lambda each: (_TYPES.index(each.type), not each.required)):
        if (value := sentence.value(parameter)) is not None:
            found[parameter.name] = (value,) if parameter.repeats and not isinstance(value, tuple) else value
    texts = [each for each in skill.parameters if each.type == "text"]
    for parameter, words in _shared_out(sentence, texts):
        found[parameter.name] = (words,) if parameter.repeats else words
    return Call(skill.name, {each.name: found[each.name] for each in skill.parameters if each.name in found})


@dataclass(frozen=True, slots=True)
class _Run:
    """Words in a row that are left: places of the first and the last."""

    first: int
    last: int
    named: bool
    """Whether it stands behind a word such as "in"."""


@dataclass(eq=False)
class _Sentence:
    """A sentence while its words are given to parameters."""

    text: str
    known: Collection[str]
    now: datetime
    chunks: list[tuple[int, int]] = field(init=False)
    """Where each word stands, without punctuation at its ends."""
    taken: list[tuple[int, int]] = field(default_factory=list)
    """Offsets of the values that were found."""

    def __post_init__(self) -> None:
        self.chunks = []
        for found in _CHUNK.finditer(self.text):
            kept = found.group().strip(_AT_ENDS)
            if kept:
                start = found.start() + found.group().index(kept)
                self.chunks.append((start, start + len(kept)))

    def value(self, parameter: Parameter) -> Argument | None:
        """What stands for a parameter that is no text; its words are then taken."""
        if parameter.type == "choice":
            return self._choice(parameter)
        if parameter.type == "boolean":
            return self._switch(parameter)
        for span in spans(self.text, parameter.type, parameter.limits, self.now):
            value = canonical(span.text, parameter, self.now)
            if value is not None and self._free(span.start, span.end):
                self.taken.append((span.start, span.end))
                return value
        return None

    def runs(self) -> list[_Run]:
        """The words that are left, in runs without a common word between them."""
        left = [place for place in range(len(self.chunks)) if self._says_something(place)]
        found: list[_Run] = []
        for place in left:
            if found and found[-1].last == place - 1:
                found[-1] = _Run(found[-1].first, place, found[-1].named)
            else:
                found.append(_Run(place, place, self._named(place)))
        return found

    def words(self, first: int, last: int, parameter: Parameter) -> str:
        """What stands there, and "room" behind it where it is a room that is asked for."""
        names = {each.lower() for each in _PARTS.findall(parameter.name)}
        if last + 1 < len(self.chunks) and self._word(last + 1) in names:
            last += 1
        return self.text[self.chunks[first][0] : self.chunks[last][1]]

    def quoted(self) -> str:
        """What is behind "that" or "saying"; empty where neither is said."""
        for place in range(1, len(self.chunks) - 1):
            if self._word(place) in ("that", "saying") and place + 2 < len(self.chunks):
                return self.text[self.chunks[place + 1][0] : self.chunks[-1][1]]
        return ""

    def _word(self, place: int) -> str:
        start, end = self.chunks[place]
        return self.text[start:end].lower()

    def _free(self, start: int, end: int) -> bool:
        return all(end <= first or start >= last for first, last in self.taken)

    def _says_something(self, place: int) -> bool:
        word = self._word(place)
        bare = re.sub(r"['’]s$", "", word)
        return self._free(*self.chunks[place]) and bare not in _COMMON and not _among(bare, self.known)

    def _named(self, place: int) -> bool:
        before = place - 1
        while before >= 0 and self._word(before) in ("the", "a", "an", "my", "our", "your"):
            before -= 1
        return before >= 0 and self._word(before) in _BEFORE

    def _choice(self, parameter: Parameter) -> str | None:
        padded = f" {' '.join(levelled(self.text))} "
        named = [
            each for each in parameter.limits.choices if f" {' '.join(levelled(each.replace('_', ' ')))} " in padded
        ]
        if not named:
            return None
        found = max(named, key=len)
        place = self.text.lower().find(found.replace("_", " ").lower())
        if place >= 0:
            self.taken.append((place, place + len(found)))
        return found

    def _switch(self, parameter: Parameter) -> bool | None:
        said = {self._word(place) for place in range(len(self.chunks))}
        if not parameter.required and parameter.name.lower() not in ("on", "enabled", "active", "power", "state"):
            return None
        return False if said & _OFF else True if said & _ON else None


def _shared_out(sentence: _Sentence, parameters: list[Parameter]) -> Iterator[tuple[Parameter, str]]:
    """What is left, for the parameters that are texts: those that are needed first; others where something is named."""
    needed = [each for each in parameters if each.required]
    runs = sentence.runs()
    if len(needed) == 1:
        named = next((place for place, run in enumerate(runs) if run.named), 0)
        if quoted := sentence.quoted():
            yield needed[0], quoted
        elif runs:
            yield needed[0], sentence.words(runs[named].first, runs[-1].last, needed[0])
        return
    for parameter in needed:
        if runs:
            run = runs.pop(0)
            yield parameter, sentence.words(run.first, run.last, parameter)
    optional = [each for each in parameters if not each.required]
    for parameter, run in zip(optional, [run for run in runs if run.named], strict=False):
        yield parameter, sentence.words(run.first, run.last, parameter)


def _among(word: str, known: Collection[str]) -> bool:
    """Whether a word, or one of the same stem, is known: "watering" and "waters"."""
    if word in known:
        return True
    stem = word[: max(SHORTEST_STEM, len(word) - 3)]
    return len(word) >= SHORTEST_STEM and any(each.startswith(stem) and len(each) - len(stem) <= 3 for each in known)
