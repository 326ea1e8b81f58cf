"""Which words of a sentence are arguments: a conditional random field (Lafferty et al. 2001), trained by CRFsuite.

After training its weights are taken out and kept as arrays: answering needs numpy alone, two fields can be added, and
a parameter that may occur once is kept from occurring twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otto.routers.alignment import OUTSIDE, chunks
from otto.routers.features import Observed
from otto.routers.sentence import WORD_SIZE

Floats = NDArray[np.float32]

PENALTIES = (0.05, 0.05)
"""L1 and L2."""
NEVER = np.float32(-1e4)
"""Score of what cannot be: `I-city` after anything but `B-city` or `I-city`."""
BEAM = 12
REACH = 12.0
"""A label that scores this much less than a word's best is not tried in the beam."""
UNLIKELIEST = -4.6
"""Logarithm of how likely a tagging must be (1%) to be taken because a parameter is needed."""
POOLED_SHARE = 0.5
"""Weight of the field that all skills share beside the skill's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Tagged:
    """One training sentence."""

    observed: Observed
    tags: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Tagger:
    """A trained field."""

    labels: tuple[str, ...]
    attributes: dict[str, int]
    """Row of `weights` by feature."""
    weights: Floats
    """Features × labels."""
    vectors: Floats
    """48 × labels: the weights of the words' vectors."""
    transitions: Floats
    """Labels × labels: from, to."""

    def scores(self, observed: Observed) -> Floats:
        """Words × labels."""
        found = observed.vectors @ self.vectors
        for place, features in enumerate(observed.features):
            rows = [row for feature in features if (row := self.attributes.get(feature)) is not None]
            if rows:
                found[place] += self.weights[rows].sum(axis=0)
        scored: Floats = found
        return scored


@dataclass(frozen=True, slots=True)
class Tags:
    """A tagging and how likely it is."""

    tags: tuple[str, ...]
    log_probability: float
    """Of this tagging among all, natural logarithm."""


def train(rows: Sequence[Tagged], iterations: int = 60) -> Tagger:
    """A field of these sentences. Deterministic."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for row in rows:
        trainer.append(pycrfsuite.ItemSequence(_items(row.observed)), row.tags)
    trainer.set_params(
        {
            "c1": PENALTIES[0],
            "c2": PENALTIES[1],
            "max_iterations": iterations,
            "feature.possible_transitions": True,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "field")
        trainer.train(file)
        tagger = pycrfsuite.Tagger()
        with tagger.open(file):
            info = tagger.info()
            labels = tuple(sorted(tagger.labels()))
    return _arrays(labels, info.transitions, info.state_features)


def _items(observed: Observed) -> list[dict[str, float]]:
    items = []
    for features, vector in zip(observed.features, observed.vectors.tolist(), strict=True):
        item = dict.fromkeys(features, 1.0)
        item.update(zip(_VECTOR_NAMES, vector, strict=True))
        items.append(item)
    return items


_VECTOR_NAMES = tuple(f"z{place}" for place in range(WORD_SIZE))


def _arrays(
    labels: tuple[str, ...], transitions: dict[tuple[str, str], float], states: dict[tuple[str, str], float]
) -> Tagger:
    column = {label: place for place, label in enumerate(labels)}
    dense = {name: place for place, name in enumerate(_VECTOR_NAMES)}
    attributes = {name: place for place, name in enumerate(sorted({name for name, _ in states} - dense.keys()))}
    weights = np.zeros((len(attributes), len(labels)), np.float32)
    vectors = np.zeros((WORD_SIZE, len(labels)), np.float32)
    for (name, label), weight in states.items():
        if name in dense:
            vectors[dense[name], column[label]] = weight
        else:
            weights[attributes[name], column[label]] = weight
    between = np.zeros((len(labels), len(labels)), np.float32)
    for (before, after), weight in transitions.items():
        between[column[before], column[after]] = weight
    for after in labels:
        for before in labels:
            if after[0] == "I" and before[2:] != after[2:]:
                between[column[before], column[after]] = NEVER
    return Tagger(labels, attributes, weights, vectors, between)


@dataclass(frozen=True, eq=False)
class Field:
    """What decodes the sentences of one skill: its own field, with a share of the one that all skills have together."""

    own: Tagger
    repeating: frozenset[str]
    """Parameters that may occur more than once."""
    pooled: Tagger | None = None

    @cached_property
    def _columns(self) -> list[int]:
        """Where the labels of `own` stand in `pooled`."""
        return [self.pooled.labels.index(label) for label in self.own.labels] if self.pooled else []

    def tag(
        self, observed: Observed, pooled_scores: Floats | None = None, needed: frozenset[str] = frozenset()
    ) -> Tags:
        """The likeliest tagging in which no parameter occurs too often. `pooled_scores`: of `pooled`, if known.

        `needed`: parameters that have to occur, unless that is most unlikely.
        """
        if not observed.features:
            return Tags((), 0.0)
        labels = self.own.labels
        scores, between = self.own.scores(observed), self.own.transitions
        if self.pooled:
            columns = self._columns
            shared = self.pooled.scores(observed) if pooled_scores is None else pooled_scores
            scores = (1 - POOLED_SHARE) * scores + POOLED_SHARE * shared[:, columns]
            between = (1 - POOLED_SHARE) * between + POOLED_SHARE * self.pooled.transitions[np.ix_(columns, columns)]
        scores[0, [label[0] == "I" for label in labels]] = NEVER
        path = _viterbi(scores, between)
        names = [name for name, _, _ in chunks([labels[place] for place in path])]
        if any(names.count(name) > 1 and name not in self.repeating for name in names):
            path = _once(scores, between, labels, self.repeating)
        total = _partition(scores, between)
        for name in sorted(needed - {*names}):
            begin = f"B-{name}"
            if begin not in labels:
                continue
            with_it = _containing(scores, between, labels.index(begin), [labels[place] == OUTSIDE for place in path])
            if with_it and _value(with_it, scores, between) - total >= UNLIKELIEST:
                path = with_it
        return Tags(tuple(labels[place] for place in path), min(0.0, _value(path, scores, between) - total))


def _value(path: Sequence[int], scores: Floats, between: Floats) -> float:
    """The score of a tagging."""
    places = np.array(path)
    return float(scores[np.arange(len(places)), places].sum() + between[places[:-1], places[1:]].sum())


def _containing(scores: Floats, between: Floats, label: int, free: Sequence[bool]) -> list[int] | None:
    """The best tagging that has `label` at one of the free words."""
    paths = []
    for place in np.flatnonzero(free).tolist():
        forced = scores.copy()
        forced[place, np.arange(forced.shape[1]) != label] = NEVER
        paths.append(_viterbi(forced, between))
    return max(paths, key=lambda path: _value(path, scores, between), default=None)


def _viterbi(scores: Floats, between: Floats) -> list[int]:
    best = scores[0]
    back = []
    for row in scores[1:]:
        options = best[:, None] + between
        came = options.argmax(axis=0)
        best = options[came, np.arange(len(row))] + row
        back.append(came)
    path = [int(best.argmax())]
    for came in reversed(back):
        path.append(int(came[path[-1]]))
    return path[::-1]


def _partition(scores: Floats, between: Floats) -> float:
    """The logarithm of the sum over all taggings."""
    reached = scores[0].astype(np.float64)
    weights = np.exp(np.maximum(between.astype(np.float64), -700))
    for row in scores[1:]:
        top = reached.max()
        reached = top + np.log(np.exp(reached - top) @ weights + 1e-300) + row
    top = reached.max()
    return float(top + np.log(np.exp(reached - top).sum()))


def _once(scores: Floats, between: Floats, labels: Sequence[str], repeating: frozenset[str]) -> list[int]:
    """The best tagging that a beam search finds when parameters occur at most once."""
    single = sorted({label[2:] for label in labels if label != OUTSIDE and label[2:] not in repeating})
    begins = [1 << single.index(label[2:]) if label[0] == "B" and label[2:] in single else 0 for label in labels]
    outside = np.array([label == OUTSIDE for label in labels])
    beam: list[tuple[float, tuple[int, ...], int]] = [
        (float(score), (place,), begins[place]) for place, score in enumerate(scores[0])
    ]
    beam = sorted(beam, reverse=True)[:BEAM]
    for row in scores[1:]:
        reached: dict[tuple[int, int], tuple[float, tuple[int, ...], int]] = {}
        tried = np.flatnonzero((row > row.max() - REACH) | outside)
        for score, path, used in beam:
            for place, step in zip(tried.tolist(), (between[path[-1], tried] + row[tried]).tolist(), strict=True):
                if begins[place] & used:
                    continue
                state = (place, used | begins[place])
                if state not in reached or reached[state][0] < score + step:
                    reached[state] = (score + step, (*path, place), state[1])
        if not reached:
            return _viterbi(scores, between)
        beam = sorted(reached.values(), reverse=True)[:BEAM]
    return list(beam[0][1])
