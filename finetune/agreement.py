"""How far two judges agree beyond chance: Cohen's kappa.

    kappa(["a", "b", "tie"], ["a", "b", "b"])
    kappa([4, 5, 3], [4, 4, 3], weights=range(1, 6))      near misses count less (quadratic weights)

1: always; 0: as two who judge by chance with the same habits; below 0: less than that. Cohen, A coefficient of
agreement for nominal scales (1960); weighted kappa (1968).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np


def kappa(one: Sequence[Hashable], other: Sequence[Hashable], weights: Sequence[int] = ()) -> float:
    """`weights`: the scale, where labels are numbers on one; without, labels are equal or not. Not a number where
    there is nothing, or where both only ever say the same one thing."""
    if len(one) != len(other):
        raise ValueError("two judges must have judged the same")
    labels: list[Hashable] = list(weights) if weights else sorted({*one, *other}, key=str)
    place = {label: number for number, label in enumerate(labels)}
    seen = np.zeros((len(labels), len(labels)))
    for mine, yours in zip(one, other, strict=True):
        seen[place[mine], place[yours]] += 1
    if not seen.sum():
        return math.nan
    seen /= seen.sum()
    numbers = np.arange(len(labels))
    apart = (numbers[:, None] - numbers[None, :]) ** 2 if weights else (numbers[:, None] != numbers[None, :])
    by_chance = float((apart * np.outer(seen.sum(1), seen.sum(0))).sum())
    return 1 - float((apart * seen).sum()) / by_chance if by_chance else math.nan
