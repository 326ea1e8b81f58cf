"""Measures the case that people begin with: a dozen or two of examples a skill, and hundreds of `other`.

    python benchmarks/lopsided.py ../shared/bench/massive_en --json benchmarks/results/lopsided.json

Twelve skills of the set are drawn, with 12 to 30 training rows each. Two thirds of the remaining skills give 500 rows
that mean `other()`; the last third is never seen in training. Scored are all test rows: those of the twelve skills, and
as `other()` those of all the rest. No development set: the threshold comes from cross-validation.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from otto.bench.score import calibration_error
from otto.bench.testset import NOW, Row, read_rows, read_skills
from otto.call import OTHER, Call
from otto.example import Example
from otto.files import write_atomic
from otto.route import Context
from otto.routers.fewshot import FewshotRouter
from otto.skill import Skill

SKILLS = 12
FEWEST, MOST = 12, 30
OTHERS = 500


@dataclass(frozen=True, slots=True)
class Draw:
    """One lopsided set."""

    skills: list[Skill]
    train: list[Row]
    inside: list[Row]
    seen: list[Row]
    """Rows of skills that were `other()` in training, too."""
    unseen: list[Row]
    """Rows of skills of which training knew nothing."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one draw gave; shares between 0 and 1."""

    skill_accuracy: float
    """Of the commands, those whose skill was found and not refused."""
    exact: float
    """Of the commands, those whose call is exact."""
    recall_seen: float
    """Of the strangers' rows whose kind was in training, those refused."""
    recall_unseen: float
    """Of the others, those refused."""
    calibration_error: float
    train_seconds: float


def draw(folder: Path, seed: int) -> Draw:
    """The same set for the same seed."""
    chance = random.Random(seed)
    skills = read_skills(folder)
    train, test = read_rows(folder, "train"), read_rows(folder, "test")
    names = sorted({row.calls[0].name for row in train})
    large = [name for name in names if sum(row.calls[0].name == name for row in train) >= 2 * MOST]
    chosen = chance.sample(large, SKILLS)
    rest = [name for name in names if name not in chosen]
    chance.shuffle(rest)
    known = rest[: 2 * len(rest) // 3]
    rows: list[Row] = []
    for name in chosen:
        rows += chance.sample([row for row in train if row.calls[0].name == name], chance.randint(FEWEST, MOST))
    strangers = chance.sample([row for row in train if row.calls[0].name in known], OTHERS)
    rows += [Row(row.text, (Call(OTHER),)) for row in strangers]
    return Draw(
        [skills[name] for name in chosen],
        rows,
        [row for row in test if row.calls[0].name in chosen],
        [row for row in test if row.calls[0].name in known],
        [row for row in test if row.calls[0].name not in (*chosen, *known)],
    )


def score(drawn: Draw) -> Figures:
    """Trains and answers."""
    started = time.perf_counter()
    router = FewshotRouter.train(drawn.skills, [Example(row.text, row.calls) for row in drawn.train])
    seconds = time.perf_counter() - started
    context = Context(NOW)
    inside = [(row, router.route(row.text, context)) for row in drawn.inside]
    outside = [[router.route(row.text, context) for row in part] for part in (drawn.seen, drawn.unseen)]
    right = [route.calls == row.calls for row, route in inside]
    refused = [[route.rejected for route in part] for part in outside]
    confidences = [route.confidence for _, route in inside] + [route.confidence for part in outside for route in part]
    return Figures(
        share([route.calls[0].name == row.calls[0].name for row, route in inside]),
        share(right),
        share(refused[0]),
        share(refused[1]),
        calibration_error(confidences, right + refused[0] + refused[1]),
        seconds,
    )


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a test set with many skills")
    parser.add_argument("--seeds", type=int, default=5, help="number of draws (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    every = [asdict(score(draw(options.folder, seed))) for seed in range(options.seeds)]
    mean = {name: round(statistics.mean(each[name] for each in every), 4) for name in every[0]}
    text = json.dumps({"mean": mean, "draws": every}, indent=1)
    print(text)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(options.json, text + "\n")


if __name__ == "__main__":
    main()
