"""Thresholds and curves come from the sentences that they are given."""

from __future__ import annotations

import numpy as np
import pytest

from otto.routers import calibration
from otto.routers.calibration import Curve


def test_the_threshold_parts_commands_from_strangers() -> None:
    chance = np.random.default_rng(0)
    scores = np.concatenate([chance.uniform(0.6, 1, 300), chance.uniform(0, 0.4, 100)]).astype(np.float32)
    in_scope = np.arange(400) < 300
    assert 0.35 < calibration.threshold(scores, in_scope, in_scope) < 0.65


def test_without_strangers_hardly_a_command_is_lost() -> None:
    scores = np.linspace(0, 1, 2000, dtype=np.float32)
    everything = np.ones(2000, bool)
    limit = calibration.threshold(scores, everything, everything)
    assert (scores < limit).sum() <= 4


def test_without_commands_nothing_is_refused_by_score() -> None:
    nothing = np.zeros(10, bool)
    assert calibration.threshold(np.ones(10, np.float32), nothing, nothing) == 0


def test_too_few_sentences_change_nothing() -> None:
    few = np.ones(5, bool)
    assert calibration.fit(np.ones(5, np.float32), few, few) == calibration.Calibration()


@pytest.mark.parametrize("seed", range(3))
def test_confidence_becomes_the_share_that_is_right(seed: int) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.uniform(0.05, 0.95, 4000).astype(np.float32)
    odds = np.log(scores / (1 - scores))
    right = chance.uniform(size=4000) < 1 / (1 + np.exp(-(1 + 2 * odds)))  # surer than it says
    curve = Curve.fit(scores, right)
    assert curve.offset == pytest.approx(1, abs=0.25)
    assert curve.slope == pytest.approx(2, abs=0.3)


def test_a_curve_never_falls() -> None:
    scores = np.linspace(0.1, 0.9, 100, dtype=np.float32)
    curve = Curve.fit(scores, scores < 0.5)
    assert curve(0.9) > curve(0.1)


def test_overconfident_arguments_are_tempered() -> None:
    likely = np.full(200, np.log(0.9), np.float32)
    half = np.arange(200) % 2 == 0
    exponent = calibration.temperature(np.ones(200, np.float32), likely, half)
    assert np.exp(exponent * likely[0]) < 0.7
