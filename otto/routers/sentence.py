"""A sentence as the `fewshot` router sees it: its words, where they stand, and their vectors.

>>> [text for text in words("what's Rome's weather?")]
[(0, 4), ...]

`Projection` turns the encoder's 384 numbers a word into 48 that are about equally important.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
_CHUNK = 512
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


def fit_projection(encoder: Encoder, texts: Sequence[str], most: int = 1500) -> Projection:
    """The projection of the words of at most `most` texts, evenly taken."""
    step = max(1, len(texts) // most)
    chosen = texts[::step]
    encoded = _encoded(encoder, chosen)
    rows = [word_vectors(each, word_spans(text)) for text, each in zip(chosen, encoded, strict=True)]
    rows.append(np.zeros((1, SIZE), np.float32))
    return Projection.fit(np.concatenate(rows))


def sentences(encoder: Encoder, projection: Projection, texts: Sequence[str]) -> list[Sentence]:
    """The texts, cut and encoded, in their order."""
    found = []
    for text, encoded in zip(texts, _encoded(encoder, texts), strict=True):
        spans = word_spans(text)
        found.append(Sentence(text, spans, encoded.sentence, projection(word_vectors(encoded, spans))))
    return found


def with_vectors(encoder: Encoder, projection: Projection, cut: Sequence[Sentence]) -> list[Sentence]:
    """The same sentences, cut as they are, encoded anew."""
    encoded = _encoded(encoder, [each.text for each in cut])
    return [
        Sentence(each.text, each.spans, new.sentence, projection(word_vectors(new, each.spans)))
        for each, new in zip(cut, encoded, strict=True)
    ]


def _encoded(encoder: Encoder, texts: Sequence[str]) -> Iterable[Encoded]:
    """In chunks: the vectors of all pieces of thousands of sentences would fill the memory."""
    for start in range(0, len(texts), _CHUNK):
        yield from encoder(texts[start : start + _CHUNK])
