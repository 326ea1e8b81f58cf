"""Which rows are for training, which for validation, which for the test: decided by the text alone.

    point = sha256(normalised question) modulo 20;  0: valid, 1: test, else train

So 5 % of each source go to either, a row stays where it is when others come and go, and two data sets made apart do not
leak into each other. Other shares cut the same scale elsewhere. Near texts stay together: a family that the rule would
part goes to train whole, so that whatever the rule calls train was never a test.

    >>> parts = split(rows, Shares())
    >>> leaks(parts["train"], parts["test"])
    []
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from finetune.duplicates import NEAR, Index, families, normalised
from finetune.shapes import Conversation
from otto.bench.heldout import point
from otto.errors import OttoError

__all__ = ["SPLITS", "Leak", "Shares", "by_source", "leaks", "point", "split", "split_of"]

SPLITS = ("train", "valid", "test")
_SEVERAL = 20
"""Rows of a source from which on each split that has a share gets at least one."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of each source is held back, from 0 to 1."""

    valid: float = 0.05
    test: float = 0.05

    def __post_init__(self) -> None:
        if not (0 <= self.valid < 1 and 0 <= self.test < 1 and self.valid + self.test < 1):
            raise OttoError(
                f"the shares held back must be from 0 to 1 and leave some to train: valid {self.valid:g}, "
                f"test {self.test:g}"
            )


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-back row that training has seen."""

    held: Conversation
    seen: Conversation
    likeness: float
    """1: the same words."""

    def __str__(self) -> str:
        how = "the same words" if self.likeness == 1 else f"{self.likeness:.0%} alike"
        return f"{self.held.origin}: {self.held.question!r} is also trained on ({how}): {self.seen.origin}"


def split_of(text: str, shares: Shares = Shares()) -> str:
    """`train`, `valid` or `test`."""
    place = point(text)
    return "valid" if place < shares.valid else "test" if place < shares.valid + shares.test else "train"


def split(
    rows: Sequence[Conversation],
    shares: Shares = Shares(),
    near: float = NEAR,
) -> dict[str, list[Conversation]]:
    """The rows by split, each in the order given. A source of 20 rows or more has at least one in each split that has
    a share, where its families allow it."""
    chosen = [split_of(row.question, shares) for row in rows]
    _give_back(rows, chosen)
    first = families([row.question for row in rows], near)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for place, family in enumerate(first):
        members[family].append(place)
    for places in members.values():
        if len({chosen[place] for place in places}) > 1:
            for place in places:
                chosen[place] = "train"
    _fill(rows, chosen, members, first, shares)
    parts: dict[str, list[Conversation]] = {name: [] for name in SPLITS}
    for row, name in zip(rows, chosen, strict=True):
        parts[name].append(row)
    return parts


def leaks(trained: Sequence[Conversation], held: Sequence[Conversation], near: float = NEAR) -> list[Leak]:
    """The held-back rows that are, or are nearly, among those trained on; each with the one most like it."""
    index = Index((row.question for row in trained), near)
    found = []
    for row in held:
        if matches := index.near(row.question):
            place, likeness = max(matches, key=lambda match: match[1])
            found.append(Leak(row, trained[place], likeness))
    return found


def by_source(rows: Iterable[Conversation]) -> Mapping[str, int]:
    """How many rows each source has."""
    return dict(sorted(Counter(row.source for row in rows).items()))


def _give_back(rows: Sequence[Conversation], chosen: list[str]) -> None:
    """A small source that chance would hold back nearly whole is held back by a third at most."""
    for source in {row.source for row in rows}:
        own = [place for place, row in enumerate(rows) if row.source == source]
        held = [place for place in own if chosen[place] != "train"]
        if len(own) < _SEVERAL:
            for place in sorted(held, key=lambda place: (point(rows[place].question), place))[len(own) // 3 :]:
                chosen[place] = "train"


def _fill(
    rows: Sequence[Conversation],
    chosen: list[str],
    members: Mapping[int, Sequence[int]],
    first: Sequence[int],
    shares: Shares,
) -> None:
    """Moves the row that stands nearest on the scale into each split that has none of a source, and with it the other
    answers to its very question. Only what is otherwise alone in its family moves, and only from train."""
    for source in {row.source for row in rows}:
        own = [place for place, row in enumerate(rows) if row.source == source]
        if len(own) < _SEVERAL:
            continue
        for name, share, end in (
            ("valid", shares.valid, shares.valid),
            ("test", shares.test, shares.valid + shares.test),
        ):
            if not share or any(chosen[place] == name for place in own):
                continue
            alone = [
                place for place in own
                if chosen[place] == "train"
                and len({normalised(rows[other].question) for other in members[first[place]]}) == 1
            ]  # fmt: skip
            if alone:
                nearest = min(alone, key=lambda place: (abs(point(rows[place].question) - end), place))
                for place in members[first[nearest]]:
                    chosen[place] = name
