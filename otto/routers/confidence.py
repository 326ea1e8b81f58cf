"""How sure a language model's answer is, fitted on sentences that it was not trained on.

A logistic curve (Platt 1999) over what gives an answer away: how probable the model found it, arguments that nobody
said, whether it had to be written twice, whether it refuses (`logistic.py` is the fit).

>>> Confidence.fit(signs, right)(Signs(log_probability=-0.1))
0.93
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otto.routers import logistic

FEWEST = 40
"""Held-out sentences below which nothing is fitted."""
_PRIOR = (0.5, 0.5, -1.5, -1.0, 0.0)
"""Before any evidence: an answer of probability 0.9 is right in 5 of 6 cases, with one made-up argument in half."""
NEAR = 1e-5
"""How far probabilities are kept from 0 and 1."""
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
        told = 0.0 if self.log_probability is None else float(logistic.log_odds(np.exp(self.log_probability), NEAR))
        return 1.0, told, float(min(self.unsupported, _MOST_UNSUPPORTED)), float(self.repaired), float(self.refused)


@dataclass(frozen=True, slots=True)
class Confidence:
    """From signs to the share of such answers that are right."""

    weights: tuple[float, ...] = _PRIOR

    def __call__(self, signs: Signs) -> float:
        """0 to 1."""
        return logistic.chance(self.weights, signs.features())

    @staticmethod
    def fit(signs: Sequence[Signs], right: Sequence[bool]) -> Confidence:
        """On held-out sentences; without enough of them, what is assumed of any model."""
        if len(signs) < FEWEST:
            return Confidence()
        return Confidence(logistic.fitted([each.features() for each in signs], right, _PRIOR))
