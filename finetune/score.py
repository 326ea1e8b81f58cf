"""What an evaluation comes to: predictions, one a row, and the figures that follow from them.

    predictions = read_predictions(folder / "predictions.jsonl")
    metrics = measured(predictions)
    metrics.exact_typed, metrics.skills["timer"].precision

A prediction holds all that is needed: figures can be made anew from the file alone.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from otto.bench.score import BINS, argument_f1, calibration_error, equal, share
from otto.bench.testset import NOW, Row
from otto.call import OTHER, Call, parse
from otto.errors import OttoError
from otto.route import Route
from otto.skill import Skill, same_calls

NONE = "(none)"
"""Instead of a skill's name where no answer came, or the set's own call cannot be written."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model made of one row."""

    text: str
    wanted: str
    """Calls as the test set has them; empty where they cannot be written."""
    answered: str
    """Empty: no answer came."""
    exact: bool = False
    """All calls equal as written."""
    exact_typed: bool = False
    """All calls equal as typed values."""
    well_formed: bool = True
    """Whether the first thing that was written could be carried out as it was."""
    confidence: float = 0.0
    milliseconds: float = 0.0
    """From the sentence to the calls."""
    tokens: int = 0
    """Written for this answer."""
    prompt_tokens: int = 0
    reused_tokens: int = 0
    """Of the prompt, those that were evaluated before."""
    fault: str = ""
    """What was wrong with what was written first, or why nothing came."""

    @property
    def wanted_skill(self) -> str:
        return _skill(self.wanted)

    @property
    def answered_skill(self) -> str:
        return _skill(self.answered)


@dataclass(frozen=True, slots=True)
class SkillScore:
    """How well one skill is told from the others, and its calls made."""

    rows: int
    """That mean it."""
    exact: float | None
    exact_typed: float | None
    precision: float | None
    """Of the answers with this skill, those where it was meant; None: there are none."""
    recall: float | None
    """Of the rows that mean it, those answered with it."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the calibration plot: answers of like confidence."""

    rows: int
    confidence: float
    """Mean."""
    accuracy: float
    """Share of these that are exact."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of one evaluation. Shares are between 0 and 1; None: no row would tell."""

    rows: int
    exact: float
    exact_typed: float
    well_formed: float
    skill_accuracy: float | None
    """Of the rows that mean a skill, those whose first skill is right."""
    argument_f1: float | None
    other_precision: float | None
    other_recall: float | None
    calibration_error: float
    unanswered: int
    """Rows for which no answer came: too late, crashed, unreachable."""
    milliseconds_p50: float
    milliseconds_p99: float
    tokens_per_second: float | None
    """Written; None where the router writes none."""
    reused_share: float | None
    """Of all prompt tokens, those that were not evaluated again."""
    skills: Mapping[str, SkillScore] = field(default_factory=dict)
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows by skill that was meant, then by skill that was answered."""
    calibration: Sequence[Bin] = ()

    def figures(self) -> dict[str, float]:
        """The plain numbers: what a card holds and a table shows."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, int | float)}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def predicted(row: Row, route: Route, milliseconds: float, skills: Mapping[str, Skill]) -> Prediction:
    """What a route is worth for the row that it answers."""
    exact = bool(row.calls) and equal(row.calls, route.calls)
    trace = route.trace
    return Prediction(
        text=row.text,
        wanted="; ".join(map(str, row.calls)),
        answered=str(route),
        exact=exact,
        exact_typed=exact or (bool(row.calls) and same_calls(row.calls, route.calls, skills, NOW)),
        well_formed="fault" not in trace,
        confidence=round(route.confidence, 6),
        milliseconds=round(milliseconds, 3),
        tokens=int(trace.get("tokens", 0)),
        prompt_tokens=int(trace.get("prompt_tokens", 0)),
        reused_tokens=int(trace.get("reused_tokens", 0)),
        fault=str(trace.get("fault", "")),
    )


def unanswered(row: Row, problem: str, milliseconds: float) -> Prediction:
    """For a row whose answer never came."""
    wanted = "; ".join(map(str, row.calls))
    return Prediction(row.text, wanted, "", well_formed=False, milliseconds=round(milliseconds, 3), fault=problem)


def measured(predictions: Sequence[Prediction]) -> Metrics:
    """All figures. Raises `OttoError` where there is nothing to measure."""
    if not predictions:
        raise OttoError("there is nothing to score: no row was answered")
    inside = [each for each in predictions if each.wanted_skill != OTHER]
    times = sorted(each.milliseconds for each in predictions)
    writing = [each for each in predictions if each.tokens]
    prompts = sum(each.prompt_tokens for each in predictions)
    skills = {name: _skill_score(name, predictions) for name in sorted({each.wanted_skill for each in predictions})}
    other = skills.get(OTHER) or _skill_score(OTHER, predictions)
    return Metrics(
        rows=len(predictions),
        exact=_mean([each.exact for each in predictions]),
        exact_typed=_mean([each.exact_typed for each in predictions]),
        well_formed=_mean([each.well_formed for each in predictions]),
        skill_accuracy=share([each.wanted_skill == each.answered_skill for each in inside]),
        argument_f1=argument_f1([(_calls(each.wanted), _calls(each.answered)) for each in predictions]),
        other_precision=other.precision,
        other_recall=other.recall,
        calibration_error=calibration_error(
            [each.confidence for each in predictions], [each.exact for each in predictions]
        ),
        unanswered=sum(not each.answered for each in predictions),
        milliseconds_p50=times[len(times) // 2],
        milliseconds_p99=times[min(len(times) - 1, int(0.99 * len(times)))],
        tokens_per_second=_rate(writing),
        reused_share=sum(each.reused_tokens for each in predictions) / prompts if prompts else None,
        skills=skills,
        confusion=_confusion(predictions),
        calibration=_bins(predictions),
    )


def read_predictions(path: Path) -> list[Prediction]:
    """Every whole line of a predictions file; a last one that a crash cut short is left out."""
    try:
        *lines, rest = path.read_text(encoding="utf-8").split("\n")
        known = {each.name for each in fields(Prediction)}
        rows = [json.loads(line) for line in lines if line.strip()]
        if rest.strip():
            _whole(rest, rows)
        return [Prediction(**{key: value for key, value in row.items() if key in known}) for row in rows]
    except OSError as error:
        raise OttoError(f"{path}: cannot be read: {error.strerror}; give the folder of an evaluation") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise OttoError(f"{path}: these are no predictions ({error}); evaluate again into another folder") from error


def line(prediction: Prediction) -> str:
    """One line of a predictions file, its end included."""
    return json.dumps(asdict(prediction), ensure_ascii=False).replace("\u2028", "\\u2028") + "\n"


def mcnemar(only_one: int, only_other: int) -> float:
    """How likely so lopsided a difference is if neither is better: the exact two-sided test of McNemar (1947) over
    the rows that just one of the two has right, 0 to 1."""
    from math import comb

    rows = only_one + only_other
    tail = sum(comb(rows, count) for count in range(min(only_one, only_other) + 1))
    return min(1.0, float(2 * tail / (1 << rows)))


def _whole(rest: str, rows: list[Any]) -> None:
    """A last line without its end counts only if it can be read."""
    try:
        rows.append(json.loads(rest))
    except ValueError:
        return


def _calls(text: str) -> tuple[Call, ...]:
    return parse(text, max_length=None) if text else ()


def _skill(text: str) -> str:
    return _calls(text)[0].name if text else NONE


def _mean(flags: Iterable[bool]) -> float:
    kept = list(flags)
    return sum(kept) / len(kept)


def _rate(writing: Sequence[Prediction]) -> float | None:
    seconds = sum(each.milliseconds for each in writing) / 1000
    return sum(each.tokens for each in writing) / seconds if seconds else None


def _skill_score(name: str, predictions: Sequence[Prediction]) -> SkillScore:
    meant = [each for each in predictions if each.wanted_skill == name]
    answered = [each for each in predictions if each.answered_skill == name]
    return SkillScore(
        len(meant),
        share([each.exact for each in meant]),
        share([each.exact_typed for each in meant]),
        share([each.wanted_skill == name for each in answered]),
        share([each.answered_skill == name for each in meant]),
    )


def _confusion(predictions: Iterable[Prediction]) -> dict[str, dict[str, int]]:
    counts = Counter((each.wanted_skill, each.answered_skill) for each in predictions)
    table: dict[str, dict[str, int]] = {}
    for (wanted, answered), count in sorted(counts.items()):
        table.setdefault(wanted, {})[answered] = count
    return table


def _bins(predictions: Sequence[Prediction]) -> list[Bin]:
    edges = [number / BINS for number in range(BINS + 1)]
    found = []
    for low, high in pairwise(edges):
        inside = [each for each in predictions if low <= each.confidence < high or (high == 1 and each.confidence == 1)]
        if inside:
            mean = sum(each.confidence for each in inside) / len(inside)
            found.append(Bin(len(inside), mean, _mean([each.exact for each in inside])))
    return found
