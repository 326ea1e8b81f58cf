"""Reads the curves of a training run, and says which knob to turn.

    otto eval curves runs/style                       what stands out, and curves.html in the folder
    for finding in findings(read(Path("runs/style"))): print(finding)

Looked for: spikes of the training loss, over-fitting (the validation loss turns while the training loss falls), curves
that lie in different ranges, gradients that are nearly always clipped, runs that learn nothing or were ended too early.
Losses are means over tokens of the answer, in nats. With few steps or few validation rows curves are noise; what is
said of them then says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from finetune import page
from finetune.recipe import Recipe
from finetune.written import recipe_of
from otto.errors import OttoError
from otto.files import write_atomic

FILE = "curves.json"
Points = Sequence[tuple[int, float]]
"""(step, value), in order."""

WINDOW = 8
"""Steps before one, which it is held against."""
SPIKE = 6.0
"""Median absolute deviations above them that make a spike …"""
LEAST_SPIKE = 0.15
"""… and the share of their median that it is at least."""
TURN = 0.02
"""Rise of the validation loss from its lowest point, as a share, that is over-fitting."""
RANGES = 1.35
"""Validation against training loss, from which on they lie in different ranges."""
FLAT = 0.03
"""Fall of the training loss, as a share, under which nothing was learnt."""
STILL = 0.04
"""Fall within the last quarter, as a share, over which it was ended too early."""
FEW = 8
"""Points under which a curve is noise."""


@dataclass(frozen=True, slots=True)
class Curves:
    """What a run has logged."""

    name: str
    train: Points
    valid: Points
    gradient: Points
    """Norms before clipping."""
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stands out."""

    kind: str
    """`spike`, `over-fitting`, `range`, `clipped`, `flat`, `short`, `broken`, `noise`."""
    what: str
    knob: str
    """Which of the recipe's keys to change, and how."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} → {self.knob}"


def read(run: Path) -> Curves:
    """The curves in a run's folder. Raises `OttoError`."""
    try:
        entries = json.loads((run / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OttoError(f"{run}: its {FILE} cannot be read; train again with training.log_every = 1") from error
    recipe = recipe_of(run)

    def points(name: str) -> Points:
        return [(int(each["step"]), float(each[name])) for each in entries if name in each]

    return Curves(recipe.name or run.name, points("loss"), points("eval_loss"), points("grad_norm"), recipe)


def findings(curves: Curves) -> list[Finding]:
    """All that stands out; none: the curves are as they should be."""
    if broken := [step for step, value in (*curves.train, *curves.valid) if not math.isfinite(value)]:
        knob = "halve training.learning_rate; set training.precision to 'fp32' to see whether it is that"
        return [Finding("broken", f"the loss is no number from step {min(broken)} on", knob)]
    found = _spikes(curves) + _over_fitting(curves) + _ranges(curves) + _clipped(curves) + _progress(curves)
    if len(curves.train) < FEW:
        found.append(
            Finding("noise", f"{len(curves.train)} points of training loss say little",
                    "set training.log_every lower, or train for more steps")
        )  # fmt: skip
    return found


def _spikes(curves: Curves) -> list[Finding]:
    spikes = []
    for place in range(4, len(curves.train)):
        before = [value for _, value in curves.train[max(0, place - WINDOW) : place]]
        usual = median(before)
        scatter = median(abs(value - usual) for value in before)
        step, value = curves.train[place]
        if value - usual > max(SPIKE * scatter, LEAST_SPIKE * usual):
            spikes.append((step, value, usual))
    if not spikes:
        return []
    listed = ", ".join(f"step {step} ({value:.2f} after {usual:.2f})" for step, value, usual in spikes[:5])
    early = all(step <= 0.15 * curves.train[-1][0] for step, _, _ in spikes)
    training = curves.recipe.training
    knob = (
        f"a longer training.warmup (is {training.warmup:g})"
        if early
        else f"a lower training.learning_rate (is {training.learning_rate:g}) or training.clip (is {training.clip:g}), "
        "or larger batches (training.accumulation); look at the rows of these steps"
    )
    return [Finding("spike", f"the training loss jumps at {listed}", knob)]


def _over_fitting(curves: Curves) -> list[Finding]:
    if len(curves.valid) < 3:
        return []
    place = min(range(len(curves.valid)), key=lambda each: curves.valid[each][1])
    (step, lowest), (_, last) = curves.valid[place], curves.valid[-1]
    falls = _level(curves.train, -1) < _level(curves.train, 0)
    if last < lowest * (1 + TURN) or not falls:
        return []
    return [
        Finding(
            "over-fitting",
            f"the validation loss is lowest at step {step} ({lowest:.3f}) and ends at {last:.3f}, while the training "
            "loss goes on falling",
            f"end at about step {step} (training.steps or epochs, or training.early_stopping = 2), then more rows, a "
            "lower method.rank or a higher method.dropout",
        )
    ]


def _ranges(curves: Curves) -> list[Finding]:
    if not curves.valid or not curves.train:
        return []
    train, valid = _level(curves.train, -1), curves.valid[-1][1]
    spans = " and ".join(
        f"{name} from {min(value for _, value in points):.2f} to {max(value for _, value in points):.2f}"
        for name, points in (("training", curves.train), ("validation", curves.valid))
    )
    if valid > RANGES * train:
        first = curves.valid[0][1]
        why = "the model learns rows by heart: more rows, fewer epochs, a lower method.rank"
        if first > RANGES * _level(curves.train, 0):
            why = "the sets differ from the start: split them again (otto data split), compare otto data stats"
        return [Finding("range", f"the losses lie apart: {spans}", why)]
    if train > RANGES * valid:
        knob = "the validation rows are easier or shorter than the others, or are trained on: otto data split --check"
        return [Finding("range", f"the validation loss lies below the training loss: {spans}", knob)]
    return []


def _clipped(curves: Curves) -> list[Finding]:
    clip = curves.recipe.training.clip
    over = [value for _, value in curves.gradient if value > clip]
    if len(curves.gradient) < FEW or len(over) <= 0.9 * len(curves.gradient):
        return []
    return [
        Finding(
            "clipped",
            f"{len(over)} of {len(curves.gradient)} gradients are longer than training.clip = {clip:g} "
            f"(median {median(value for _, value in curves.gradient):.1f})",
            "steps are as long as the learning rate alone says: lower it if the loss jumps, else raise training.clip",
        )
    ]


def _progress(curves: Curves) -> list[Finding]:
    if len(curves.train) < 4:
        return []
    first, last = _level(curves.train, 0), _level(curves.train, -1)
    rate = curves.recipe.training.learning_rate
    if last > first * (1 - FLAT):
        knob = f"a higher training.learning_rate (is {rate:g}), or more steps; does the prompt's format fit the base?"
        return [Finding("flat", f"the training loss goes from {first:.3f} to {last:.3f}: nothing was learnt", knob)]
    quarter = [value for _, value in curves.train[-max(4, len(curves.train) // 4) :]]
    half = len(quarter) // 2
    early, late = sum(quarter[:half]) / half, sum(quarter[half:]) / (len(quarter) - half)
    if late < early * (1 - STILL):
        what = f"the training loss still falls at the end ({early:.3f} to {late:.3f} in the last quarter)"
        return [Finding("short", what, "more training.steps or epochs, as long as the validation loss falls with it")]
    return []


def _level(points: Points, end: int) -> float:
    """The median of the first (0) or the last (-1) few points."""
    count = max(1, min(5, len(points) // 4))
    return median(value for _, value in (points[:count] if end == 0 else points[-count:]))


def report(run: Path) -> list[Finding]:
    """The findings; writes `curves.png` and `curves.html` into the folder."""
    curves = read(run)
    found = findings(curves)
    rows = [(each.kind, each.what, each.knob) for each in found] or [("", "nothing stands out", "")]
    picture = page.picture(_draw(curves, run / "curves.png"))
    write_page = [page.table(("", "what", "which knob to turn"), rows), picture]
    page.write_page(f"Curves of {curves.name}", write_page, run / "curves.html")
    return found


def keep(log: Sequence[object], run: Path) -> None:
    """What a trainer has logged, for `read`."""
    write_atomic(run / FILE, json.dumps(list(log), indent=0) + "\n")


def _draw(curves: Curves, to: Path) -> Path:
    """Both losses on one scale: on two, ranges that differ would look alike."""
    figure, axes = page.new_figure(9, 4)
    axes.plot(*zip(*curves.train, strict=True), color=page.LIGHT, label="training loss", linewidth=1)
    if curves.valid:
        axes.plot(*zip(*curves.valid, strict=True), "o-", color=page.DARK, label="validation loss")
        step, lowest = min(curves.valid, key=lambda point: point[1])
        axes.axvline(step, color=page.LINE, linestyle=":", label=f"lowest: {lowest:.3f} at step {step}")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return page.save(figure, to)
