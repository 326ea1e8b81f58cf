"""How sure a share or a mean is: confidence intervals at 95 %.

    wilson(8, 10)                   (0.49, 0.94)
    bootstrap([1, 0.5, 0, 1])       of the mean, by drawing the values again and again

Wilson, Probable inference, the law of succession, and statistical inference (1927); Efron, Bootstrap methods (1979),
percentiles, drawn with a fixed seed so that a report comes out the same twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959964
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure between two bounds."""

    value: float
    low: float
    high: float
    count: int
    """Of what it was taken from."""

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


def wilson(hits: float, count: int) -> Interval:
    """A share. Of nothing: anything from 0 to 1."""
    if not count:
        return Interval(math.nan, 0.0, 1.0, 0)
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half), count)


def bootstrap(values: Sequence[float], seed: int = 0) -> Interval:
    """A mean. Of nothing: not a number."""
    if not values:
        return Interval(math.nan, math.nan, math.nan, 0)
    given = np.asarray(values, dtype=float)
    drawn = np.random.default_rng(seed).choice(given, (DRAWS, len(given)))
    low, high = np.percentile(drawn.mean(1), [2.5, 97.5])
    return Interval(float(given.mean()), float(low), float(high), len(given))
