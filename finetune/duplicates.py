"""Duplicates: texts that are the same, and texts that are nearly the same.

    >>> normalised("Set a timer, please!")
    'set a timer please'
    >>> index = Index(["set a timer for five minutes", "lights on"])
    >>> index.near("set a timer for five minutes please")
    [(0, 0.82…)]

Two texts are alike by the share of letter triples that they have in common (Jaccard). The search is exact and does not
compare everything with everything: of two texts alike enough, the rarest triples of one occur among those of the other
(prefix filter; Chaudhuri et al., A primitive operator for similarity joins, 2006).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from otto.bench.heldout import normalised

__all__ = ["NEAR", "Index", "families", "likeness", "normalised", "triples"]

NEAR = 0.8
"""From this likeness on two texts count as nearly the same."""

_MARGIN = 1e-9  # of what floating point leaves


def triples(text: str) -> frozenset[str]:
    """The letter triples of the normalised text, its ends included."""
    padded = f" {normalised(text)} "
    return frozenset(padded[at : at + 3] for at in range(max(1, len(padded) - 2)))


def likeness(one: str, other: str) -> float:
    """From 0 (no triple in common) to 1 (the same triples)."""
    return _jaccard(triples(one), triples(other))


class Index:
    """Texts among which near ones are found; more can be added."""

    def __init__(self, texts: Iterable[str] = (), threshold: float = NEAR) -> None:
        """`threshold`: likeness from which on texts are near, above 0 and at most 1."""
        self.threshold = threshold
        given = list(texts)
        counts = Counter(part for text in given for part in triples(text))
        # Any order finds the same; the rarest first compares the least. It must not change while texts are added.
        self._rank = {part: rank for rank, (part, _) in enumerate(counts.most_common())}
        self._texts: list[frozenset[str]] = []
        self._postings: defaultdict[str, list[int]] = defaultdict(list)
        for text in given:
            self.add(text)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> int:
        """Its place."""
        place, parts = len(self._texts), triples(text)
        self._texts.append(parts)
        for part in self._prefix(parts):
            self._postings[part].append(place)
        return place

    def near(self, text: str) -> list[tuple[int, float]]:
        """(place, likeness) of every text that is near, in the order in which they were added."""
        parts = triples(text)
        size = len(parts)
        low, high = self.threshold * size - _MARGIN, size / self.threshold + _MARGIN
        candidates = {
            place
            for part in self._prefix(parts)
            for place in self._postings.get(part, ())
            if low <= len(self._texts[place]) <= high
        }
        found = ((place, _jaccard(parts, self._texts[place])) for place in sorted(candidates))
        return [(place, alike) for place, alike in found if alike >= self.threshold - _MARGIN]

    def _prefix(self, parts: frozenset[str]) -> list[str]:
        """So many of the rarest triples that a near text must share one of them."""
        rarest = sorted(parts, key=lambda part: (-self._rank.get(part, len(self._rank)), part))
        return rarest[: len(parts) - math.ceil(self.threshold * len(parts) - _MARGIN) + 1]


def families(texts: Sequence[str], threshold: float = NEAR) -> list[int]:
    """For each text the place of the first text of its family. Near texts are of one family, and so are texts that are
    each near to a third."""
    index = Index(texts, threshold)
    first = list(range(len(texts)))

    def root(place: int) -> int:
        while first[place] != place:
            first[place] = first[first[place]]
            place = first[place]
        return place

    for place, text in enumerate(texts):
        for other, _ in index.near(text):
            one, two = sorted((root(place), root(other)))
            first[two] = one
    return [root(place) for place in range(len(texts))]


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common)
