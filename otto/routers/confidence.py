"""How sure a language model's answer is, fitted on sentences that it was not trained on.

A logistic curve (Platt 1999) over what gives an answer away: how probable the model found it, arguments that nobody
said, whether it had to be written twice, whether it refuses. `logistic` is the fit, also for `otto/routers/cascade.py`.

>>> Confidence.fit(signs, right)(Signs(log_probability=-0.1))
0.93
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 40
"""Held-out sentences below which nothing is fitted."""
_PRIOR = (0.5, 0.5, -1.5, -1.0, 0.0)
"""Before any evidence: an answer of probability 0.9 is right in 5 of 6 cases, with one made-up argument in half."""
_STEPS = 40
_NEAR = 1e-5  # probabilities are kept this far from 0 and 1
_MOST_UNSUPPORTED = 3


@dataclass(frozen=True, slots=True)
class Signs:
    """What can be seen of one answer."""

    log_probability: float | None = None
    """Of the whole answer; None: the engine does not tell."""
    unsupported: int = 0
    """Arguments that the sentence does not hold."""
    repaired: bool = False
    """The first answer could not be carried out."""
    refused: bool = False
    """No skill applies."""

    def features(self) -> tuple[float, ...]:
        """As numbers, the first always 1."""
        told = 0.0 if self.log_probability is None else float(log_odds(np.exp(self.log_probability)))
        return 1.0, told, float(min(self.unsupported, _MOST_UNSUPPORTED)), float(self.repaired), float(self.refused)


@dataclass(frozen=True, slots=True)
class Confidence:
    """From signs to the share of such answers that are right."""

    weights: tuple[float, ...] = _PRIOR

    def __call__(self, signs: Signs) -> float:
        """0 to 1."""
        return chance(self.weights, signs.features())

    @staticmethod
    def fit(signs: Sequence[Signs], right: Sequence[bool]) -> Confidence:
        """On held-out sentences; without enough of them, what is assumed of any model."""
        if len(signs) < FEWEST:
            return Confidence()
        return Confidence(logistic([each.features() for each in signs], right, _PRIOR))


def chance(weights: Sequence[float], features: Sequence[float]) -> float:
    """The logistic curve: 0 to 1."""
    total = sum(weight * feature for weight, feature in zip(weights, features, strict=True))
    return float(1 / (1 + np.exp(-min(30.0, max(-30.0, total)))))


def logistic(
    features: Sequence[Sequence[float]], right: Sequence[bool], prior: Sequence[float], strength: float = 1.0
) -> tuple[float, ...]:
    """Weights of a logistic regression by Newton's method, drawn to `prior` as if by `strength` observations."""
    weights, wanted = np.array(prior, np.float64), np.array(prior, np.float64)
    if not len(features):
        return tuple(weights.tolist())
    x, y = np.array(features, np.float64), np.array(right, np.float64)
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (share - y) + strength * (weights - wanted)
        hessian = (x.T * (share * (1 - share))) @ x + strength * np.eye(len(wanted))
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    # A curve that falls with the model's own probability would call its surest answers the worst: no evidence is
    # enough for that. The second weight is that probability's wherever this is used.
    weights[1] = min(weights[1], -0.05) if wanted[1] < 0 else max(weights[1], 0.05)
    return tuple(weights.tolist())


def log_odds(probability: float | Floats) -> Floats:
    """Of probabilities, kept away from 0 and 1."""
    kept = np.clip(probability, _NEAR, 1 - _NEAR)
    odds: Floats = np.log(kept / (1 - kept))
    return odds
