"""The logistic curve (Platt 1999): how likely something is, from what speaks for it; and its fit.

>>> weights = fitted([(1.0, -2.0), (1.0, 3.0)], [False, True], prior=(0.0, 1.0))
>>> chance(weights, (1.0, 3.0)) > 0.5
True
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 40
"""Of Newton's method, at most."""
LEAST = 0.05
"""Size of the second weight."""
_FARTHEST = 30.0  # beyond it a chance is 0 or 1 but for 1e-13


def chance(weights: Sequence[float], features: Sequence[float]) -> float:
    """What the curve says: 0 to 1."""
    total = sum(weight * feature for weight, feature in zip(weights, features, strict=True))
    return float(1 / (1 + np.exp(-min(_FARTHEST, max(-_FARTHEST, total)))))


def fitted(
    features: Sequence[Sequence[float]] | Floats, right: Sequence[bool] | NDArray[np.bool_], prior: Sequence[float]
) -> tuple[float, ...]:
    """Weights by Newton's method, drawn to `prior` as if by one observation.

    The second feature is always a model's own probability. A curve that falls where the prior rises with it would call
    the surest answers the worst: no evidence is enough for that.
    """
    weights = wanted = np.array(prior, np.float64)
    if not len(features):
        return tuple(weights.tolist())
    x, y = np.asarray(features, np.float64), np.asarray(right, np.float64)
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-np.clip(x @ weights, -_FARTHEST, _FARTHEST)))
        gradient = x.T @ (share - y) + (weights - wanted)
        hessian = (x.T * (share * (1 - share))) @ x + np.eye(len(wanted))
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    weights[1] = min(weights[1], -LEAST) if wanted[1] < 0 else max(weights[1], LEAST)
    return tuple(weights.tolist())


def log_odds(probability: float | Floats, near: float) -> Floats:
    """Of probabilities, kept so far from 0 and 1."""
    kept = np.clip(probability, near, 1 - near)
    odds: Floats = np.log(kept / (1 - kept))
    return odds
