"""Figures of an evaluation: by hand, on predictions whose figures are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from finetune.compare import PREDICTIONS, compare
from finetune.score import NONE, Prediction, line, mcnemar, measured, predicted, read_predictions, unanswered
from otto.bench.testset import Row
from otto.call import OTHER, parse
from otto.errors import OttoError
from otto.route import Route
from otto.skill import OTHER_SKILL
from tests.finetune.lights import SKILLS

KNOWN = {skill.name: skill for skill in SKILLS} | {OTHER: OTHER_SKILL}


def answered(text: str, wanted: str, given: str, confidence: float = 0.9, **trace: float | str) -> Prediction:
    route = Route(parse(given), confidence, "llama", trace=trace)
    return predicted(Row(text, parse(wanted)), route, 10.0, KNOWN)


FOUR = [
    answered("lights on", 'lights(state="on")', 'lights(state="on")', tokens=10, prompt_tokens=30, reused_tokens=20),
    answered("ten minutes", 'timer(duration="10 minutes")', 'timer(duration="ten minutes")', 0.85),
    answered("i had soup", "other()", 'lights(state="off")', 0.3, fault="there is no soup"),
    answered("hall on", 'lights(state="on", room="hall")', "other()", 0.35),
]


def test_written_and_typed_equality_are_told_apart() -> None:
    assert [each.exact for each in FOUR] == [True, False, False, False]
    assert [each.exact_typed for each in FOUR] == [True, True, False, False]
    assert FOUR[2].well_formed is False and FOUR[2].fault == "there is no soup"


def test_the_figures_of_four_answers() -> None:
    metrics = measured(FOUR)
    assert (metrics.rows, metrics.exact, metrics.exact_typed, metrics.well_formed) == (4, 0.25, 0.5, 0.75)
    assert metrics.skill_accuracy == pytest.approx(2 / 3)
    assert (metrics.other_precision, metrics.other_recall) == (0, 0)
    assert metrics.argument_f1 == pytest.approx(2 * 1 / (4 + 3))
    assert metrics.calibration_error == pytest.approx((abs(0.9 - 1) + 0.85 + (0.3 + 0.35)) / 4)
    assert metrics.tokens_per_second == pytest.approx(1000) and metrics.reused_share == pytest.approx(2 / 3)
    assert metrics.confusion == {"lights": {"lights": 1, OTHER: 1}, OTHER: {"lights": 1}, "timer": {"timer": 1}}
    lights = metrics.skills["lights"]
    assert (lights.rows, lights.exact, lights.precision, lights.recall) == (2, 0.5, 0.5, 0.5)
    assert "skills" not in metrics.figures() and metrics.figures()["exact_typed"] == 0.5


def test_a_row_without_an_answer_is_wrong_and_counted() -> None:
    metrics = measured([*FOUR, unanswered(Row("lights on", parse('lights(state="on")')), "too late", 20_000)])
    assert metrics.unanswered == 1 and metrics.exact == 0.2 and metrics.confusion["lights"][NONE] == 1


def test_other_is_measured_from_both_sides() -> None:
    metrics = measured(
        [answered("a", "other()", "other()"), answered("b", "other()", "timer()"), answered("c", "timer()", "other()"),
         answered("d", "timer()", "other()")]
    )  # fmt: skip
    assert metrics.other_precision == pytest.approx(1 / 3) and metrics.other_recall == 0.5


def test_nothing_cannot_be_measured() -> None:
    with pytest.raises(OttoError, match="nothing to score"):
        measured([])


def test_predictions_are_read_as_written_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    odd = replace(FOUR[0], text='a "b"\u2028\nc 😀')
    whole = line(odd) + line(FOUR[1])
    file = tmp_path / "p.jsonl"
    file.write_text(whole)
    assert read_predictions(file) == [odd, FOUR[1]]
    for cut in range(len(line(odd)), len(whole) - 2):
        file.write_text(whole[:cut])
        assert read_predictions(file) == [odd]
    file.write_text("5\n")
    with pytest.raises(OttoError, match=r"p\.jsonl: these are no predictions"):
        read_predictions(file)
    with pytest.raises(OttoError, match="cannot be read"):
        read_predictions(tmp_path / "missing")


@pytest.mark.parametrize(
    ("one", "other", "p"),
    # Twice the binomial tail: 2 × (1 + 10) / 1024 for 1 against 9.
    [(0, 0, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (1, 9, 0.021484375), (7, 7, 1.0), (10, 25, 0.016674)],
)
def test_the_exact_test_of_mcnemar(one: int, other: int, p: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p, rel=1e-3)


def test_two_runs_are_matched_by_row(tmp_path: Path) -> None:
    better = [replace(each, exact_typed=True) for each in FOUR[1:]]
    for name, predictions in (("one", FOUR), ("other", [*reversed(better), FOUR[0], FOUR[0]])):
        (tmp_path / name).mkdir()
        (tmp_path / name / PREDICTIONS).write_text("".join(map(line, predictions)))
    found = compare(tmp_path / "one", tmp_path / "other")
    assert (found.rows, found.both, found.neither, found.unmatched) == (4, 2, 0, 1)
    assert [pair[0].text for pair in found.only_other] == ["i had soup", "hall on"] and not found.only_one
    assert (found.one, found.other, found.p) == (0.5, 1.0, 0.5)
    assert compare(tmp_path / "one", tmp_path / "other", "exact").p == 1


def test_runs_on_other_rows_cannot_be_compared(tmp_path: Path) -> None:
    for name, predictions in (("one", FOUR[:1]), ("other", FOUR[1:])):
        (tmp_path / name).mkdir()
        (tmp_path / name / PREDICTIONS).write_text("".join(map(line, predictions)))
    with pytest.raises(OttoError, match="no row in common"):
        compare(tmp_path / "one", tmp_path / "other")
