"""Which skills are put before a model for a sentence, where all of them do not fit its context.

    >>> shortlist = Shortlist(skills, {"timer": ["set a timer", …], …}, characters=6000)
    >>> [skill.name for skill in shortlist("wake me at seven")]
    ['weather', 'timer', …, 'alarm']

The sentence encoder compares the sentence with each skill's examples and description; the skills most like it are
always in the list. The rest is the same for every sentence, in the same order: the most usual skills first, and those
that only this sentence needs at the end, in place of the least usual. So the list depends on nothing but the sentence,
and nearly all of the prompt is what was evaluated for the last one (`benchmarks/prefix.py` measures how much).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.call import OTHER
from otto.encoder import Encode
from otto.prompt import listing
from otto.skill import Skill

NEEDED = 12
"""Skills most like the sentence that are in the list whatever else is, at most."""
MARGIN = 0.2
"""How much less like it than the best they may be (cosine)."""
SENTENCES = 24
"""Examples of a skill that are looked at, taken evenly from all."""
NEAREST = 3
"""Of these, the ones that count: how like a sentence a skill is, is their mean."""
TOKEN_CHARACTERS = 3
"""Characters in a token of a signature, at least: what a context is reckoned with."""


def fitting(context: int, rest: int = 700) -> int:
    """Characters of a skill list that fit a model's context of so many tokens, beside `rest` tokens for the
    instructions, the sentence and the answer."""
    return max(0, context - rest) * TOKEN_CHARACTERS


@dataclass(frozen=True)
class _Known:
    """The skills as vectors."""

    vectors: NDArray[np.float32]
    """Shape (sentences, 384), each of length 1."""
    bounds: tuple[int, ...]
    """Where each skill's sentences begin, and the end of the last."""


class Shortlist:
    """Chooses skills for a sentence. Thread-safe once it has been called."""

    def __init__(
        self,
        skills: Sequence[Skill],
        sentences: Mapping[str, Sequence[str]],
        *,
        characters: int,
        needed: int = NEEDED,
        encode: Encode | None = None,
    ) -> None:
        """`skills`: the most usual first. `sentences`: examples by skill. `characters`: how long the list may be, as
        `otto.prompt.listing` writes it. `encode`: else the encoder of this process, loaded when first needed."""
        self._skills = tuple(skill for skill in skills if skill.name != OTHER)
        self._sentences = sentences
        self._sizes = [len(listing([skill])) + 1 for skill in self._skills]
        self._characters = characters
        self._needed = needed
        self._encode = encode
        self._known: _Known | None = None
        self.all_fit = sum(self._sizes) <= characters

    def __call__(self, text: str) -> Sequence[Skill]:
        """The skills to list for `text`. Raises `ModelFileError` where the encoder is damaged."""
        if self.all_fit:
            return self._skills
        needed: set[int] = set()
        room = self._characters
        for place in self._best(text):
            # Half of the list stays as it is, or little would be left of what was evaluated before.
            if self._sizes[place] <= (room - self._characters // 2 if needed else room):
                needed.add(place)
                room -= self._sizes[place]
        usual = []
        for place, size in enumerate(self._sizes):
            if place in needed:
                usual.append(place)
            elif size <= room:
                usual.append(place)
                room -= size
            else:
                break
        late = sorted(needed.difference(usual))
        return tuple(self._skills[place] for place in (*usual, *late))

    def _best(self, text: str) -> list[int]:
        """Places of the skills that `text` may need, the one most like it first."""
        known = self._known = self._known or self._learned()
        likeness = known.vectors @ self._vectors([text])[0]
        scores = [float(np.sort(likeness[start:end])[-NEAREST:].mean()) for start, end in pairwise(known.bounds)]
        ranked = sorted(range(len(scores)), key=lambda place: -scores[place])[: self._needed]
        return [place for place in ranked if scores[place] >= scores[ranked[0]] - MARGIN]

    def _learned(self) -> _Known:
        texts: list[str] = []
        bounds = [0]
        for skill in self._skills:
            own = list(dict.fromkeys(self._sentences.get(skill.name, ())))
            step = max(1, -(-len(own) // SENTENCES))
            about = f"{skill.name.replace('_', ' ')}: {skill.description}"
            texts += [*own[::step], about]
            bounds.append(len(texts))
        return _Known(self._vectors(texts), tuple(bounds))

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._encode is None:
            from otto.encoder import shared

            self._encode = shared()
        found: Any = np.stack([encoded.sentence for encoded in self._encode(texts)])
        return np.asarray(found, np.float32)
