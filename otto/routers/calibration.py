"""When to refuse a sentence, and how sure a route is: fitted on sentences that training did not see.

A sentence is refused (`other()`) when the best skill's score lies under the threshold. Confidence is that score
through a logistic curve (Platt 1999), so that of the routes given 0.8 about 80% are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.routers import logistic

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

IN_SCOPE_WEIGHT = (3.0, 20.0)
"""A share of commands lost costs as much as so many times that share of strangers' sentences let through: as many as
there are commands to one such sentence, within these limits."""
LOST = 0.001
"""Share of well-understood sentences that the threshold may cost where no example of `other` teaches it."""
FEWEST = 20
"""Held-out sentences below which nothing is fitted."""
ARGUMENTS_TEMPERATURE = 0.6
"""Exponent of the arguments' probability where no development set tells it."""
RISKY_SURETY = 10 / 11
"""How sure to be of a skill that asks first: a wrong one counts ten times as much as one refused (Elkan 2001)."""
_NEAR = 1e-4  # probabilities are kept this far from 0 and 1


@dataclass(frozen=True, slots=True)
class Curve:
    """A logistic curve over the log-odds of a probability."""

    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, probability: float) -> float:
        return logistic.chance((self.offset, self.slope), (1.0, float(logistic.log_odds(probability, _NEAR))))

    @staticmethod
    def fit(scores: Floats, right: Flags) -> Curve:
        """On held-out scores; drawn a little to the curve that changes nothing."""
        odds = logistic.log_odds(scores.astype(np.float64), _NEAR)
        return Curve(*logistic.fitted(np.stack([np.ones(len(scores)), odds], axis=1), right, (0.0, 1.0)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a classifier's probabilities into a decision and a confidence."""

    threshold: float = 0.0
    """Under it the best skill is refused."""
    skill: Curve = Curve()
    """Confidence that the skill is right, from its score."""
    refusal: Curve = Curve()
    """Confidence that refusing is right, from the best skill's score taken from 1."""
    temperature: float = ARGUMENTS_TEMPERATURE


def threshold(scores: Floats, right: Flags, in_scope: Flags) -> float:
    """The best threshold on held-out sentences.

    `scores`: of the best skill, 0 to 1; `right`: whether that skill was meant; `in_scope`: whether any was.
    """
    if not in_scope.any():
        return 0.0
    if (~in_scope).sum() < 5:
        good = np.sort(scores[right & in_scope])
        return float(good[int(LOST * len(good))]) if len(good) >= 50 else 0.0
    order = np.argsort(scores, kind="stable")
    kept = (right & in_scope)[order][::-1].cumsum()[::-1]
    strangers = np.concatenate([[0], (~in_scope)[order].cumsum()[:-1]])
    weight = float(np.clip(in_scope.sum() / (~in_scope).sum(), *IN_SCOPE_WEIGHT))
    gain = weight * kept / in_scope.sum() + strangers / (~in_scope).sum()
    return float(scores[order[int(smoothed(gain).argmax())]])


def smoothed(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each of many thresholds gains, averaged over its neighbours: the peak of a ragged curve is luck."""
    width = max(1, len(gains) // 50)
    return np.convolve(np.pad(gains, width, mode="edge"), np.ones(2 * width + 1) / (2 * width + 1), mode="valid")


def fit(scores: Floats, right: Flags, in_scope: Flags) -> Calibration:
    """Threshold and curves from held-out sentences; arguments as in `threshold`."""
    if len(scores) < FEWEST:
        return Calibration()
    limit = threshold(scores, right, in_scope)
    taken = scores >= limit
    return Calibration(
        limit,
        Curve.fit(scores[taken], (right & in_scope)[taken]) if taken.any() else Curve(),
        Curve.fit(1 - scores[~taken], (~in_scope)[~taken]) if (~taken).sum() >= 10 else Curve(),
    )


def temperature(skill: Floats, arguments: Floats, right: Flags) -> float:
    """The exponent on the arguments' probability that explains best which routes were right.

    `skill`: confidence that the skill is right; `arguments`: log probability of the arguments.
    """
    choices = np.arange(0.1, 4.01, 0.1)
    losses = []
    for choice in choices:
        share = np.clip(skill * np.exp(choice * arguments), _NEAR, 1 - _NEAR)
        losses.append(-np.where(right, np.log(share), np.log(1 - share)).mean())
    return float(choices[int(np.argmin(losses))])
