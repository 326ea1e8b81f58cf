"""Which skill a sentence means: logistic regression over n-grams and the sentence's vector, and its nearest neighbours.

Both give a probability for each skill (`other` is one of them); they are averaged. Regression knows the words that
matter, neighbours know the sentences; on held-out data the mixture is better than either (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.call import OTHER
from otto.routers import softmax
from otto.routers.ngrams import Columns, Ngrams, Values
from otto.routers.sentence import Sentence

Floats = NDArray[np.float32]

VECTOR_WEIGHT = 2.0
"""How long the sentence's vector is beside the n-grams, which have length 1 for words and 1 for letters."""
LARGE = 1500
"""Rows from which on one quarter, held back, is enough to calibrate."""
NEIGHBOURS = 15
NEIGHBOUR_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4)
"""How much the neighbours' opinion may count; held-out sentences choose."""
NEIGHBOUR_SHARE = 0.2
"""Where too few are held out to choose."""
NEIGHBOUR_SIZE = 128
"""Principal components in which neighbours are looked for: 0.3 ms instead of 2 for 15,000 sentences."""
ENOUGH = 100
"""Held-out sentences from which on they choose the share."""
OTHER_EXPONENT = 0.3
NEARNESS = 10.0
"""A neighbour counts e^(-NEARNESS × cosine distance)."""
ITERATIONS = 50
MANY, MANY_ITERATIONS = 8000, 90
"""From so many rows on: more, which is worth a third of a point there."""
STARTED_ITERATIONS = 25
"""From the weights of a classifier that saw three quarters of the rows."""
WARM_ITERATIONS = 8
"""From earlier weights, after a change to some examples."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Training sentences to compare with."""

    mean: Floats
    """Shape (384,)."""
    axes: Floats
    """Shape (384, up to 128)."""
    vectors: Floats
    """Sentences × components, each of length 1."""
    labels: NDArray[np.int64]
    """The class of each sentence."""

    @staticmethod
    def fit(vectors: Floats, labels: NDArray[np.int64], previous: Neighbours | None = None) -> Neighbours:
        """`vectors`: sentences × 384. The axes of `previous` are kept."""
        if previous:
            mean, axes = previous.mean, previous.axes
        else:
            mean = vectors.mean(axis=0)
            _, found = np.linalg.eigh((vectors - mean).T @ (vectors - mean))
            axes = np.ascontiguousarray(found[:, ::-1][:, :NEIGHBOUR_SIZE])
        return Neighbours(mean, axes, _unit((vectors - mean) @ axes), labels)

    def probabilities(self, vectors: Floats, classes: int) -> Floats:
        """Sentences × classes. `vectors`: sentences × 384."""
        likeness = _unit((vectors - self.mean) @ self.axes) @ self.vectors.T
        count = min(NEIGHBOURS, likeness.shape[1])
        nearest = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        near = np.take_along_axis(likeness, nearest, axis=1)
        shares = np.zeros((len(vectors), classes), np.float32)
        rows = np.repeat(np.arange(len(vectors)), count)
        np.add.at(shares, (rows, self.labels[nearest].ravel()), np.exp((near - 1) * NEARNESS).ravel())
        scaled: Floats = shares / shares.sum(axis=1, keepdims=True)
        return scaled


@dataclass(frozen=True, eq=False)
class Classifier:
    """Trained on sentences and their skills."""

    labels: tuple[str, ...]
    """Names of the skills, `other` among them, in alphabetical order."""
    ngrams: Ngrams
    weights: Floats
    """(n-grams + 384 + 1) × skills."""
    neighbours: Neighbours
    share: float = NEIGHBOUR_SHARE
    """Of the neighbours in the decision."""

    def opinions(self, sentence: Sentence) -> Opinions:
        """What regression and neighbours say, one row each."""
        columns, values = self.ngrams.vector(sentence.text)
        width = len(self.ngrams.vocabulary)
        logits = values @ self.weights[columns] + VECTOR_WEIGHT * sentence.vector @ self.weights[width:-1]
        near = self.neighbours.probabilities(sentence.vector[None], len(self.labels))
        return Opinions(softmax.probabilities(logits + self.weights[-1])[None], near)


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """Probabilities of the skills, sentences × skills; each row's sum is 1."""

    regression: Floats
    neighbours: Floats

    def mixed(self, share: float) -> Floats:
        """Both in one."""
        return (1 - share) * self.regression + share * self.neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """The likeliest skill of each sentence, apart from `other`."""

    skills: NDArray[np.int64]
    """Columns of the labels."""
    scores: Floats
    """How much there is for this skill and against `other`, 0 to 1."""


def decide(opinions: Opinions, labels: Sequence[str], share: float) -> Decisions:
    """The skill by both opinions. The score by regression alone, which knows better what is like no skill at all:
    log-odds are log p(skill) - 0.3 log p(other)."""
    mixed = opinions.mixed(share)
    if OTHER not in labels:
        skills = mixed.argmax(axis=1)
        return Decisions(skills, mixed[np.arange(len(skills)), skills])
    other = labels.index(OTHER)
    mixed[:, other] = -1
    skills = mixed.argmax(axis=1)
    best = np.maximum(opinions.regression[np.arange(len(skills)), skills], 1e-9)
    refusing = np.maximum(opinions.regression[:, other], 1e-9) ** OTHER_EXPONENT
    return Decisions(skills, best / (best + refusing))


def best_share(opinions: Opinions, targets: NDArray[np.int64], labels: Sequence[str]) -> float:
    """The share with which most held-out sentences get their skill; the smallest such. `targets`: columns of labels,
    -1 for none."""
    other = labels.index(OTHER) if OTHER in labels else -1
    inside = (targets >= 0) & (targets != other)
    if inside.sum() < ENOUGH:
        return NEIGHBOUR_SHARE
    right = [float((decide(opinions, labels, share).skills == targets)[inside].mean()) for share in NEIGHBOUR_SHARES]
    return NEIGHBOUR_SHARES[int(np.argmax(right))]


def design(
    ngrams: Ngrams, sentences: Sequence[Sentence], known: Mapping[str, tuple[Columns, Values]]
) -> softmax.Design:
    """Training rows for the regression. `known`: n-grams by text."""
    rows = [known[sentence.text] for sentence in sentences]
    starts = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([columns for columns, _ in rows])
    values = np.concatenate([values for _, values in rows])
    vectors = np.array([sentence.vector for sentence in sentences], np.float32)
    return softmax.Design(values, columns, starts, len(ngrams.vocabulary), vectors * VECTOR_WEIGHT)


def row_weights(labels: Sequence[str], targets: NDArray[np.int64], newcomers: Collection[str] = ()) -> Floats:
    """How much each sentence counts. Hundreds of `other` sentences count no more than one skill's sentences do on
    average, or they would swallow skills with a dozen examples; and the few of a newcomer count as much as that."""
    counts = np.bincount(targets, minlength=len(labels))
    weights = np.ones(len(targets), np.float32)
    if OTHER in labels and len(labels) > 1:
        other = labels.index(OTHER)
        usual = (counts.sum() - counts[other]) / (len(labels) - 1)
        if counts[other] > usual > 0:
            weights[targets == other] = usual / counts[other]
        for label in {*newcomers} & {*labels}:
            own = labels.index(label)
            if 0 < counts[own] < usual:
                weights[targets == own] = usual / counts[own]
    scaled: Floats = weights / weights.mean()
    return scaled


def train(
    skills: Sequence[str],
    rows: softmax.Design,
    ngrams: Ngrams,
    previous: Classifier | None = None,
    start: Floats | None = None,
    share: float = NEIGHBOUR_SHARE,
    newcomers: Collection[str] = (),
) -> Classifier:
    """A classifier, from one skill's name a row; from `previous`, it is quick.

    `start`: weights to begin with, for the same labels and n-grams. `newcomers`: skills whose examples count more.
    """
    labels = tuple(sorted(set(skills)))
    targets = np.array([labels.index(skill) for skill in skills], np.int64)
    iterations = MANY_ITERATIONS if len(targets) >= MANY else ITERATIONS
    if start is not None:
        iterations = STARTED_ITERATIONS
    weights = softmax.fit(
        rows,
        targets,
        len(labels),
        weights=row_weights(labels, targets, newcomers),
        iterations=WARM_ITERATIONS if previous else iterations,
        start=_carried(previous, labels, ngrams) if previous else start,
    )
    neighbours = Neighbours.fit(rows.dense / VECTOR_WEIGHT, targets, previous.neighbours if previous else None)
    return Classifier(labels, ngrams, weights, neighbours, previous.share if previous else share)


def _carried(previous: Classifier, labels: tuple[str, ...], ngrams: Ngrams) -> Floats:
    """Earlier weights, for other labels and more n-grams."""
    old, new = len(previous.ngrams.vocabulary), len(ngrams.vocabulary)
    start = np.zeros((new + len(previous.weights) - old, len(labels)), np.float32)
    for place, label in enumerate(labels):
        if label in previous.labels:
            column = previous.weights[:, previous.labels.index(label)]
            start[:old, place] = column[:old]
            start[new:, place] = column[old:]
    # A new skill begins where the average one stands, not above those that had to give way to it.
    start[-1, [label not in previous.labels for label in labels]] = previous.weights[-1].mean() - 1
    return start


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What classifiers say of rows that they have not seen."""

    places: NDArray[np.int64]
    """Which rows."""
    opinions: Opinions
    weights: Floats
    """Of one of the classifiers: a start for the one that sees all rows."""


def held_out(rows: softmax.Design, targets: NDArray[np.int64], labels: tuple[str, ...], seed: int) -> HeldOut:
    """Four folds for small sets, a quarter of the rows for large ones."""
    order = np.random.default_rng(seed).permutation(len(targets))
    vectors = rows.dense / VECTOR_WEIGHT
    folds = [order[fold::4] for fold in range(4)]
    places, opinions, weights = [], [], None
    for fold in folds if len(targets) < LARGE else folds[:1]:
        inside = np.setdiff1d(order, fold)
        counts = row_weights(labels, targets[inside])
        weights = softmax.fit(rows.rows(inside), targets[inside], len(labels), weights=counts, iterations=ITERATIONS)
        tested = rows.rows(fold)
        logits = tested.dense @ weights[rows.width : -1] + weights[-1]
        for row in range(len(fold)):
            part = slice(tested.starts[row], tested.starts[row + 1])
            logits[row] += tested.values[part] @ weights[tested.columns[part]]
        near = Neighbours.fit(vectors[inside], targets[inside]).probabilities(vectors[fold], len(labels))
        places.append(fold)
        opinions.append(Opinions(softmax.probabilities(logits), near))
    assert weights is not None
    return HeldOut(np.concatenate(places), gathered(opinions), weights)


def gathered(opinions: Sequence[Opinions]) -> Opinions:
    """Several in one."""
    return Opinions(
        np.concatenate([each.regression for each in opinions]), np.concatenate([each.neighbours for each in opinions])
    )


def _unit(vectors: NDArray[np.floating]) -> Floats:
    scaled: Floats = (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return scaled
