"""What training makes and answering needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from otto.call import FORBIDDEN, Call
from otto.routers.arguments import Arguments
from otto.routers.calibration import Calibration
from otto.routers.classifier import Classifier
from otto.routers.ngrams import Columns, Values
from otto.routers.sentence import MAX_CHARACTERS, Projection, Sentence
from otto.skill import Skill


@dataclass(frozen=True, eq=False)
class Memory:
    """Training sentences, kept so that after a change only new ones are looked at."""

    sentences: Mapping[str, Sentence] = field(default_factory=dict)
    """By text."""
    grams: Mapping[str, tuple[Columns, Values]] = field(default_factory=dict)
    """N-grams by text."""
    changed: int = 0
    """Examples that came or went since everything was trained anew."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A router's knowledge."""

    skills: Mapping[str, Skill]
    projection: Projection
    classifier: Classifier | None
    """None: there is nothing to choose from."""
    arguments: Mapping[str, Arguments]
    """By skill, for those that have parameters and examples."""
    calibration: Calibration
    memory: Memory | Path = Memory()
    """Training sentences, or the file that holds them."""

    def call(self, skill: str, sentence: Sentence, now: datetime) -> tuple[Call, float]:
        """The skill's call, and the logarithm of how likely its arguments are."""
        if skill not in self.arguments or self.classifier is None:
            return Call(skill), 0.0
        return self.arguments[skill].call(sentence, self.classifier.ngrams.vector(sentence.text), now)


def readable(text: str) -> str:
    """The part of a text that is looked at; control characters are blanks."""
    return FORBIDDEN.sub(" ", text[:MAX_CHARACTERS])
