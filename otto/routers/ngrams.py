"""Words and letters of a text as a sparse vector: word 1- and 2-grams beside in-word character 2- to 4-grams.

Both kinds are weighted by TF-IDF with sublinear counts and have length 1, as usual in text classification (Joachims
1998). The vocabulary travels with the weights that were trained on it, so training and answering cannot differ.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.routers.sentence import word_spans

Columns = NDArray[np.int32]
Values = NDArray[np.float32]

MARK = "\x1f"
"""Stands before word n-grams, so that none is taken for letters."""


@dataclass(frozen=True, eq=False)
class Ngrams:
    """A vocabulary and how rare each of its n-grams is."""

    vocabulary: dict[str, int]
    """Column by n-gram."""
    rarity: Values
    """Inverse document frequency by column."""

    @staticmethod
    def fit(texts: Iterable[str], previous: Ngrams | None = None, *, total: int, least: int = 1) -> Ngrams:
        """All n-grams of the texts. Those of `previous` keep their columns and rarity; new ones come behind.

        `total`: number of texts, those that `previous` was made of among them. `least`: texts that an n-gram must occur
        in; with `previous`, one is enough.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update({gram for kind in _grams(text) for gram in kind})
        vocabulary = dict(previous.vocabulary) if previous else {}
        known = len(vocabulary)
        for gram in sorted(gram for gram, count in counts.items() if previous or count >= least):
            vocabulary.setdefault(gram, len(vocabulary))
        added = [math.log((1 + total) / (1 + counts[gram])) + 1 for gram in list(vocabulary)[known:]]
        rarity = np.array(added, np.float32)
        return Ngrams(vocabulary, np.concatenate([previous.rarity, rarity]) if previous else rarity)

    def vector(self, text: str) -> tuple[Columns, Values]:
        """Columns (ascending) and values of a text; n-grams that training never saw are left out."""
        pairs: list[tuple[int, float]] = []
        for kind in _grams(text):
            counted = [
                (column, (1 + math.log(count)) * float(self.rarity[column]))
                for gram, count in Counter(kind).items()
                if (column := self.vocabulary.get(gram)) is not None
            ]
            length = math.sqrt(sum(value * value for _, value in counted)) or 1.0
            pairs += [(column, value / length) for column, value in counted]
        pairs.sort()
        return (
            np.array([column for column, _ in pairs], np.int32),
            np.array([value for _, value in pairs], np.float32),
        )


def _grams(text: str) -> tuple[list[str], list[str]]:
    words = [word for word in levelled(text) if word[0].isalnum() or word in "?!"]
    pairs = [f"{MARK}{one} {two}" for one, two in zip(words, words[1:], strict=False)]
    return [MARK + word for word in words] + pairs, [gram for word in words for gram in _letters(word)]


def levelled(text: str) -> list[str]:
    """The words of a text in lower case."""
    lower = text.lower()
    return [lower[start:end] for start, end in word_spans(lower)]


@functools.lru_cache(maxsize=20_000)  # the same words come again and again
def _letters(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[start : start + size] for size in (2, 3, 4) for start in range(max(1, len(padded) - size + 1)))
