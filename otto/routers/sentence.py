"""A sentence as the `fewshot` router sees it: its words, where they stand, and their vectors.

>>> [text for text in words("what's Rome's weather?")]
[(0, 4), ...]

`Projection` turns the encoder's 384 numbers a word into 48 that are about equally important.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.encoder import SIZE, Encoded, Encoder

Floats = NDArray[np.float32]
Spans = tuple[tuple[int, int], ...]

MAX_CHARACTERS = 512
"""Of a sentence; what is behind is not looked at."""
WORD_SIZE = 48
"""Numbers of a word's projected vector."""
WORD_SCALE = 0.5
"""Their standard deviation: how much they weigh beside features that are 0 or 1."""
_BATCH = 64
_FITTED = 1500
"""Texts whose words a projection is fitted to."""
# The s of a genitive is a word of its own: in "Rome's weather" the value is "Rome".
_WORD = re.compile(r"['’]s\b|[^\W_]+(?:['’](?!s\b)[^\W_]+)*|[^\w\s]|_")


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A text, cut into words and encoded."""

    text: str
    spans: Spans
    """Offsets of each word in characters."""
    vector: Floats
    """Shape (384,), of length 1."""
    word_vectors: Floats
    """Shape (words, 48): projected."""

    @property
    def words(self) -> tuple[str, ...]:
        """As they were written."""
        return tuple(self.text[start:end] for start, end in self.spans)


def word_spans(text: str) -> Spans:
    """Where the words and signs of a text stand, in characters."""
    return tuple(found.span() for found in _WORD.finditer(text))


@dataclass(frozen=True, eq=False)
class Projection:
    """The principal components of training words, whitened."""

    mean: Floats
    """Shape (384,)."""
    axes: Floats
    """Shape (384, 48)."""

    @staticmethod
    def fit(vectors: Floats) -> Projection:
        """`vectors`: words × 384. With fewer words than numbers the last axes are nearly silent."""
        mean = vectors.mean(axis=0)
        centred = vectors - mean
        variances, axes = np.linalg.eigh(centred.T @ centred / max(len(vectors), 1))
        kept = np.argsort(-variances, kind="stable")[:WORD_SIZE]
        # The sign of an eigenvector is arbitrary; fixed here, so that every machine gets the same.
        chosen = axes[:, kept]
        chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(len(kept))])
        scaled = chosen * (WORD_SCALE / np.sqrt(variances[kept] + 1e-4))
        return Projection(mean.astype(np.float32), scaled.astype(np.float32))

    def __call__(self, vectors: Floats) -> Floats:
        projected: Floats = ((vectors - self.mean) @ self.axes).astype(np.float32)
        return projected


def word_vectors(encoded: Encoded, spans: Spans) -> Floats:
    """Words × 384: the mean over the pieces that overlap a word; zeros where there are none."""
    vectors = np.zeros((len(spans), SIZE), np.float32)
    counts = np.zeros((len(spans), 1), np.float32)
    first = 0
    for piece, (start, end) in enumerate(encoded.offsets):
        if end <= start:
            continue
        while first < len(spans) and spans[first][1] <= start:
            first += 1
        word = first
        while word < len(spans) and spans[word][0] < end:
            vectors[word] += encoded.pieces[piece]
            counts[word] += 1
            word += 1
    return (vectors / np.maximum(counts, 1)).astype(np.float32)


def sentences(
    encoder: Encoder, projection: Projection | None, texts: Sequence[str], spans: Sequence[Spans] | None = None
) -> tuple[list[Sentence], Projection]:
    """The texts, cut (at `spans`, if they are given) and encoded, in their order; and the projection.

    None as `projection`: one is fitted to the words of these texts.
    """
    cut = spans or [word_spans(text) for text in texts]
    vectors: list[Floats] = [np.zeros(0, np.float32)] * len(texts)
    words: list[NDArray[np.float16]] = [np.zeros((0, SIZE), np.float16)] * len(texts)
    # Small batches of like length: little padding, and what is worked on stays in the processor's cache.
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        for place, encoded in zip(batch, encoder([texts[place] for place in batch]), strict=True):
            vectors[place] = encoded.sentence
            words[place] = word_vectors(encoded, cut[place]).astype(np.float16)
    if projection is None:
        few = words[:: max(1, len(words) // _FITTED)]
        projection = Projection.fit(np.concatenate([*few, np.zeros((1, SIZE))]).astype(np.float32))
    found = [
        Sentence(text, own, vector, projection(raw.astype(np.float32)))
        for text, own, vector, raw in zip(texts, cut, vectors, words, strict=True)
    ]
    return found, projection
