"""More training sentences for the tagger: the same sentence with other values, from any skill with that parameter.

    play [Casino Boogie] by [the Rolling Stones]  ->  play [Kind of Blue] by [Muddy Waters]

Small sets get many, encoded anew; larger ones few, whose words keep the vectors they had where they came from, which
costs a point of accuracy and no time; thousands of sentences get none (docs/experiments.md).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otto.routers.alignment import Chunk, chunks
from otto.routers.sentence import Floats, Sentence, Spans


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A sentence with its tags."""

    skill: str
    sentence: Sentence
    tags: tuple[str, ...]


Values = dict[str, list[tuple[Row, Chunk]]]
"""Where values of a parameter stand, by the parameter's name."""


def values(rows: Sequence[Row]) -> Values:
    """All values of all parameters."""
    found: Values = {}
    for row in rows:
        for chunk in chunks(row.tags):
            found.setdefault(chunk[0], []).append((row, chunk))
    return found


def swapped(rows: Sequence[Row], pool: Values, times: int, seed: int) -> list[Row]:
    """Up to `times` new rows for each row that has values; none twice, none that is there already."""
    chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    seen = {row.sentence.text for row in rows}
    made = []
    for _ in range(times):
        for row in rows:
            if "B" not in {tag[0] for tag in row.tags}:
                continue
            new = _swap(row, pool, chance)
            if new.sentence.text not in seen:
                seen.add(new.sentence.text)
                made.append(new)
    return made


def _swap(row: Row, pool: Values, chance: random.Random) -> Row:
    texts: list[str] = []
    tags: list[str] = []
    vectors: list[Floats] = []
    at = 0
    for name, first, end in chunks(row.tags):
        source, (_, start, stop) = chance.choice(pool[name])
        texts += row.sentence.words[at:first]
        texts += source.sentence.words[start:stop]
        tags += [*row.tags[at:first], f"B-{name}", *[f"I-{name}"] * (stop - start - 1)]
        vectors += [row.sentence.word_vectors[at:first], source.sentence.word_vectors[start:stop]]
        at = end
    texts += row.sentence.words[at:]
    tags += row.tags[at:]
    vectors.append(row.sentence.word_vectors[at:])
    sentence = Sentence(" ".join(texts), _spans(texts), row.sentence.vector, np.concatenate(vectors))
    return Row(row.skill, sentence, tuple(tags))


def _spans(texts: Sequence[str]) -> Spans:
    spans = []
    start = 0
    for text in texts:
        spans.append((start, start + len(text)))
        start += len(text) + 1
    return tuple(spans)
