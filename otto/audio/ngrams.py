"""A trigram language model with Witten-Bell smoothing, written in the ARPA format.

>>> model = Trigrams.of({("set", "a", "timer"): 3.0, ("what", "time", "is", "it"): 1.0})
>>> model.arpa()

Sentences may hold classes: `["@size"]` stands for any of its members. Counting is done over classes, so a value that
was never seen in a place is as likely there as any other; the file holds the members. Witten and Bell, "The
zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

Gram = tuple[str, ...]
Classes = Mapping[str, Mapping[str, float]]
"""For each class its members and how likely each is; they add up to 1."""

START, END = "<s>", "</s>"
ORDER = 3
MORE = "…"
"""Last in a sentence of which only the beginning is known."""
MOST_MEMBERS = (0, 100_000, 12_000, 1_500)
"""Combinations of members that one n-gram may stand for, by its length; more are left to backing off."""
THINNEST = (0.0, 0.0, 0.00005, 0.02)
"""Least count for each combination of members, by length."""
_NEVER = 1e-9


@dataclass(frozen=True)
class Trigrams:
    """Probabilities of 1-, 2- and 3-grams over words and classes."""

    probability: tuple[dict[Gram, float], ...]
    """By length; the first entry is empty."""
    backoff: tuple[dict[Gram, float], ...]
    classes: Classes

    @classmethod
    def of(
        cls, sentences: Mapping[Gram, float], classes: Classes | None = None, common: Mapping[str, float] | None = None,
        common_share: float = 0.0,
    ) -> Trigrams:  # fmt: skip
        """`sentences`: how often each is said. `common`: probabilities of words that nobody wrote down but that may be
        said all the same; they get `common_share` of the probability of single words."""
        known = classes or {}
        counts = _counted(sentences, known)
        probability: list[dict[Gram, float]] = [{}, _singles(_contexts(counts[2]), common or {}, common_share)]
        backoff: list[dict[Gram, float]] = [{}]
        for length in range(2, ORDER + 1):
            higher, weights = _smoothed(counts[length], probability[length - 1])
            probability.append(higher)
            backoff.append(weights)
        return cls(tuple(probability), (*backoff, {}), known)

    @property
    def words(self) -> frozenset[str]:
        """All words, the members of classes among them."""
        singles = (self._members(gram[0]) for gram in self.probability[1])
        return frozenset(itertools.chain.from_iterable(singles)) - {START, END}

    def arpa(self, without: Set[str] = frozenset()) -> str:
        """The model as a file, as if the words `without` could not be said; all else is as likely as it was."""
        lines = {length: list(self._lines(length, without)) for length in range(1, ORDER + 1)}
        head = "\n".join(f"ngram {length}={len(lines[length])}" for length in lines)
        body = "\n\n".join(f"\\{length}-grams:\n" + "\n".join(lines[length]) for length in lines)
        return f"\\data\\\n{head}\n\n{body}\n\n\\end\\\n"

    def _lines(self, length: int, without: Set[str]) -> Iterator[str]:
        for gram, value in self.probability[length].items():
            weight = self.backoff[length].get(gram, 1.0)
            tail = "" if length == ORDER else f" {math.log10(max(weight, _NEVER)):.4f}"
            last = self.classes.get(gram[-1])
            for members in itertools.product(*map(self._members, gram)):
                if not without.isdisjoint(members):
                    continue
                share = value * last[members[-1]] if last else value
                yield f"{math.log10(max(share, _NEVER)):.4f} {' '.join(members)}{tail}"

    def _members(self, token: str) -> tuple[str, ...]:
        return tuple(self.classes[token]) if token in self.classes else (token,)


def _counted(sentences: Mapping[Gram, float], classes: Classes) -> tuple[dict[Gram, float], ...]:
    counts: tuple[dict[Gram, float], ...] = tuple(defaultdict(float) for _ in range(ORDER + 1))
    for sentence, weight in sentences.items():
        framed = (START, *sentence[:-1]) if sentence[-1:] == (MORE,) else (START, *sentence, END)
        for length in range(1, ORDER + 1):
            for at in range(len(framed) - length + 1):
                counts[length][framed[at : at + length]] += weight
    sizes = {name: len(members) for name, members in classes.items()}
    for length in range(2, ORDER + 1):
        for gram in [gram for gram in counts[length] if any(token in sizes for token in gram)]:
            combinations = math.prod(sizes.get(token, 1) for token in gram)
            if combinations > MOST_MEMBERS[length] or counts[length][gram] / combinations < THINNEST[length]:
                del counts[length][gram]
    return counts


def _contexts(pairs: Mapping[Gram, float]) -> dict[Gram, float]:
    """After how many different words each word stands: how likely it is where none is expected. How often it stands
    there would make everything of a word that always follows the same one (Kneser and Ney, 1995)."""
    found: dict[Gram, float] = defaultdict(float)
    for gram in pairs:
        found[gram[1:]] += 1
    return found


def _singles(counts: Mapping[Gram, float], common: Mapping[str, float], share: float) -> dict[Gram, float]:
    total = sum(counts.values()) or 1.0
    left = 1.0 - (share if common else 0.0)
    found = {gram: left * count / total for gram, count in counts.items()}
    for word, likely in common.items():
        found[(word,)] = found.get((word,), 0.0) + share * likely
    return {(START,): _NEVER, **found}


def _smoothed(counts: Mapping[Gram, float], lower: Mapping[Gram, float]) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Each history keeps as much for what was not seen after it as it has seen different words."""
    following: dict[Gram, list[tuple[Gram, float]]] = defaultdict(list)
    for gram, count in counts.items():
        following[gram[:-1]].append((gram, count))
    higher: dict[Gram, float] = {}
    weights: dict[Gram, float] = {}
    for history, seen in following.items():
        total = sum(count for _, count in seen)
        kept = total / (total + len(seen))
        given = passed = 0.0
        for gram, count in seen:
            below = lower.get(gram[1:], 0.0)
            higher[gram] = kept * count / total + (1 - kept) * below
            given += higher[gram]
            passed += below
        weights[history] = max(_NEVER, 1 - given) / max(_NEVER, 1 - passed)
    return higher, weights
