"""Where one command could end and the next begin: at "and", "then", "oh and", a comma, the end of a sentence.

>>> [text[joint.start : joint.end] for joint in joints(text := "mute it and then tell me the time, please")]
[' and then ', ', ']

Only places; whether it is two commands is decided by what a router makes of the parts (`several.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from otto.call import OTHER
from otto.example import Example

MARKS = " ,;.!?…"
"""Signs and blanks around words that say nothing."""
MOST = 6
"""Joints of a sentence that are looked at; what has more is a list or a story."""
_LINKS = (
    "and|then|also|plus|afterwards|after that|as well as|finally|lastly|next|first|oh|while you're at it"
    "|while you are at it|when you're done|when that's done|besides|additionally"
)
_MARK = rf"(?:\s*[,;]+|[.!?…]+(?=\s))\s*(?:(?:{_LINKS})\b[\s,]+)*"
_LINK = r"\s+(?:(?:and|then|plus|afterwards|after that|also|as well as|finally|oh)\b[\s,]+)"
_JOINT = re.compile(rf"{_MARK}|{_LINK}(?:(?:{_LINKS})\b[\s,]+)*", re.IGNORECASE)
_PLAIN = re.compile(r"\s*,?\s*(?:and|plus)?\s*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FILLERS = frozenset(
    [
        "a", "actually", "again", "all", "also", "and", "btw", "but", "can", "cool", "could", "er", "great",
        "guess", "help", "hello", "hey", "hi", "hm", "hmm", "if", "i", "just", "know", "let", "let's", "like",
        "listen", "look", "me", "mean", "my", "no", "now", "oh", "ok", "okay", "out", "otto", "please", "quick",
        "right", "say", "see", "so", "sorry", "sure", "thank", "thanks", "that", "that's", "the", "then",
        "think", "to", "too", "uh", "um", "wait", "well", "will", "would", "yeah", "yes", "you",
    ]
)  # fmt: skip
OPENS_LEAST = 3
"""Examples that have to begin with a word for it to open commands."""
OPENS_SHARE = 0.25
"""Share of its occurrences at which it has to begin the sentence."""


@dataclass(frozen=True, slots=True)
class Joint:
    """One such place."""

    start: int
    end: int
    """Offsets in characters of what joins: neither part has it."""
    strong: bool
    """Whether it says by itself that something else follows: "then", "oh and", the end of a sentence."""


def joints(text: str) -> tuple[Joint, ...]:
    """All of a sentence, in order; none at its beginning or end, none at all where there are more than `MOST`."""
    found = [
        Joint(match.start(), match.end(), not _PLAIN.fullmatch(match.group()))
        for match in _JOINT.finditer(text)
        if text[: match.start()].strip() and text[match.end() :].strip(MARKS)
    ]
    if len(found) > MOST:
        return ()
    return tuple(
        joint
        for place, joint in enumerate(found)
        if not _filler(text[found[place - 1].end if place else 0 : joint.start])
        and not _filler(text[joint.end : found[place + 1].start if place + 1 < len(found) else len(text)])
    )


def _filler(text: str) -> bool:
    """Whether these words say nothing: "um", "please", "let's say"."""
    return all(word in _FILLERS for word in words(text))


def openers(examples: Iterable[Example]) -> frozenset[str]:
    """Words that begin commands more often than they stand elsewhere, learnt from examples: "set", "remind", "what's".

    They tell "… and set a timer" from "… and milk", also for a user's own skills.
    """
    first: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for example in examples:
        said = words(example.text)
        every.update(said)
        if said and not all(call.name == OTHER for call in example.calls):
            first[said[0]] += 1
    return frozenset(
        word for word, count in first.items() if count >= OPENS_LEAST and count >= OPENS_SHARE * every[word]
    )


def words(text: str) -> list[str]:
    """In small letters, without signs."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]
