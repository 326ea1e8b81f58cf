"""Curves that were planted, each with one thing wrong."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from finetune.curves import Curves, findings, keep, read, report
from finetune.recipe import Recipe
from otto.errors import OttoError

RECIPE = Recipe.model_validate({"name": "planted", "model": {"base": "x"}})


def falling(steps: int = 60, low: float = 1.0, high: float = 2.0, seed: int = 0) -> list[tuple[int, float]]:
    chance = random.Random(seed)
    return [(step, low + (high - low) * math.exp(-step / 8) + chance.gauss(0, 0.01)) for step in range(1, steps + 1)]


Points = list[tuple[int, float]]


def kinds(train: Points, valid: Points | None = None, gradient: Points | None = None) -> list[str]:
    return [each.kind for each in findings(Curves("planted", train, valid or [], gradient or [], RECIPE))]


def test_curves_as_they_should_be() -> None:
    assert kinds(falling(), [(step, value + 0.05) for step, value in falling()[9::10]]) == []


def test_a_spike_late_and_one_while_warming_up() -> None:
    late = falling()
    late[39] = (40, 3.5)
    [finding] = findings(Curves("planted", late, [], [], RECIPE))
    assert finding.kind == "spike" and "step 40 (3.50" in finding.what and "learning_rate (is 0.0002)" in finding.knob
    early = falling()
    early[6] = (7, 5.0)
    [finding] = findings(Curves("planted", early, [], [], RECIPE))
    assert "warmup" in finding.knob


def test_over_fitting_names_the_step_to_end_at() -> None:
    valid = [(10, 1.5), (20, 1.3), (30, 1.25), (40, 1.3), (50, 1.4)]
    found = findings(Curves("planted", falling(), valid, [], RECIPE))
    assert found[0].kind == "over-fitting" and "about step 30" in found[0].knob
    rising = [(step, 2 - value) for step, value in falling()]
    assert "over-fitting" not in kinds(rising, valid)


def test_curves_in_different_ranges() -> None:
    [apart] = findings(Curves("planted", falling(), [(30, 2.0), (60, 1.9)], [], RECIPE))
    assert apart.kind == "range" and "by heart" in apart.knob
    [from_start] = findings(Curves("planted", falling(), [(10, 4.0), (60, 3.0)], [], RECIPE))
    assert "split them again" in from_start.knob
    [below] = findings(Curves("planted", falling(), [(30, 0.5), (60, 0.4)], [], RECIPE))
    assert "lies below" in below.what and "--check" in below.knob


def test_nothing_learnt_too_short_clipped_broken_and_noise() -> None:
    assert kinds([(step, 2.0) for step in range(1, 40)]) == ["flat"]
    assert kinds([(step, 3 - step / 20) for step in range(1, 41)]) == ["short"]
    assert kinds(falling(), gradient=[(step, 30.0) for step in range(20)]) == ["clipped"]
    assert kinds([(1, 2.0), (2, math.nan)]) == ["broken"]
    assert kinds([(1, 2.0), (2, 1.0)]) == ["noise"]


def test_the_report_reads_what_a_trainer_kept(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "recipe.json").write_text(RECIPE.model_dump_json())
    keep(
        [{"step": step, "loss": value, "grad_norm": 0.5} for step, value in falling()]
        + [{"step": 60, "eval_loss": 1.02}],
        tmp_path,
    )
    assert report(tmp_path) == []
    assert read(tmp_path).valid == [(60, 1.02)]
    assert "nothing stands out" in (tmp_path / "curves.html").read_text()
    keep([], tmp_path)
    assert [each.kind for each in report(tmp_path)] == ["noise"], "a run too short to have logged anything"
    (tmp_path / "curves.json").write_text(json.dumps([{"step": 1, "loss": 1.0}])[:-3])
    with pytest.raises(OttoError, match="log_every = 1"):
        read(tmp_path)
