"""What a language model behind `fewshot` is worth: both alone, and the cascade of the two.

    python benchmarks/cascade.py                                  the model that Otto brings
    python benchmarks/cascade.py --model router.gguf --rows 500   another; so many rows of each set
    python benchmarks/cascade.py --json results/cascade.json

Two sets: `tests/data/commands.jsonl` with the bundled skills, and `../shared/bench/massive_en` where that is there.
When to ask the model is fitted on sentences that are in neither: the examples that every training leaves out, and the
development rows. The median time is also given over the sentences of which `fewshot` is sure, where the cascade does
nothing more than to look at its confidence.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from otto.bench.calibrate import calibrate, material, spread
from otto.bench.score import calibration_error, equal
from otto.bench.testset import NOW, Row, read_file, read_rows, read_skills
from otto.call import OTHER, Call
from otto.config import Folders, Settings, bundled, load
from otto.errors import ModelError
from otto.example import Example
from otto.examples.file import NOON
from otto.files import write_atomic
from otto.registry.live import Live
from otto.route import Context, Route, Router
from otto.routers.cascade import Costs
from otto.routers.choose import Models
from otto.routers.fewshot import FewshotRouter
from otto.skill import Skill, same_calls

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "tests" / "data" / "commands.jsonl"
MASSIVE = ROOT.parent / "shared" / "bench" / "massive_en"
CALIBRATE_ON = 600


def main() -> None:
    """Prints a table; with `--json` writes the figures, too."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--model", type=Path, help="a GGUF file or a folder of weights")
    given.add_argument("--rows", type=int, help="score at most so many rows of each set")
    given.add_argument("--sets", nargs="+", choices=("commands", "massive_en"), default=["commands", "massive_en"])
    given.add_argument("--json", type=Path)
    arguments = given.parse_args()
    settings = load({"router_model": None if arguments.model is None else str(arguments.model), "router": "fewshot"})
    figures: dict[str, Any] = {}
    if "commands" in arguments.sets:
        figures["commands"] = commands(settings, arguments.rows)
    if "massive_en" in arguments.sets and MASSIVE.is_dir():
        figures["massive_en"] = massive(settings, arguments.rows)
    for name, found in figures.items():
        show(name, found)
    if arguments.json:
        # A set that was not measured now keeps the figures that it had.
        before = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.exists() else {}
        write_atomic(arguments.json, json.dumps({**before, **figures}, indent=1) + "\n")


def commands(settings: Settings, most: int | None) -> dict[str, Any]:
    """The bundled skills on sentences that nothing was trained on."""
    where = Folders((bundled("examples"),), (bundled("skills"),))
    given = material(settings, where, keep_all=False, progress=silent)
    live = Live(settings, where)
    try:
        rows = spread(read_file(COMMANDS), most)
        return compared(settings, given.first, live.ready.router, given.skills, given.rows, rows, NOON)
    finally:
        live.close()


def massive(settings: Settings, most: int | None) -> dict[str, Any]:
    """MASSIVE's skills, which `fewshot` has learnt and the model may never have heard of."""
    skills = list(read_skills(MASSIVE).values())
    train, development = (
        [Example(row.text, row.calls) for row in read_rows(MASSIVE, split) if row.calls] for split in ("train", "dev")
    )
    first = FewshotRouter.train(
        skills, train, development=development, cache=settings.cache_folder / "benchmark", progress=silent
    )
    held = spread([row for row in read_rows(MASSIVE, "dev") if row.calls], CALIBRATE_ON)
    return compared(settings, first, first, skills, held, spread(read_rows(MASSIVE, "test"), most), NOW)


def compared(
    settings: Settings,
    held_first: Router,
    first: Router,
    skills: Sequence[Skill],
    held: Sequence[Row],
    rows: Sequence[Row],
    now: datetime,
) -> dict[str, Any]:
    """Figures of `first`, of the model, and of the cascade that was fitted with `held_first` on `held`."""
    models = Models(settings, strict=False)
    name = models.stages()[0]
    try:
        costs = Costs(settings.wrong_cost, settings.wait_cost)
        found = calibrate(models, name, held_first, held, skills, now=now, costs=costs, progress=silent)
        fitted = models.fitted({name: found})
        alone = fitted.single(name, skills)
        routers = {"fewshot": first, name: alone, "cascade": fitted.over(first, skills, "cascade")}
        answers = asked(routers, rows, now)
    finally:
        models.close()
    sure = [answer.confidence >= found.threshold for answer, _ in answers["fewshot"]]
    known = {skill.name: skill for skill in skills}
    figures: dict[str, Any] = {router: figures_of(said, rows, known, now, sure) for router, said in answers.items()}
    best = max(figures["fewshot"]["exact"], figures[name]["exact"])
    figures["cascade"]["exact_below_best"] = round(best - figures["cascade"]["exact"], 4)
    figures["cascade"]["asked"] = 1 - sum(sure) / len(sure)
    figures["model"] = {"name": alone.model.name, "identity": models.identity(name)}
    figures["calibration"] = {
        "helps": found.helps, "threshold": found.threshold, "rows": found.rows, **found.figures
    }  # fmt: skip
    return figures


def asked(routers: dict[str, Router], rows: Sequence[Row], now: datetime) -> dict[str, list[tuple[Route, float]]]:
    """Each router's route of each row, and its milliseconds; one row after the other, so that all are timed alike."""
    context = Context(now)
    answers: dict[str, list[tuple[Route, float]]] = {name: [] for name in routers}
    for place, row in enumerate([*rows[:5], *rows]):
        # In turns from the other end: whoever comes second finds the caches warm.
        for name in list(routers) if place % 2 else reversed(list(routers)):
            started = time.perf_counter()
            try:
                route = routers[name].route(row.text, context)
            except ModelError:
                route = Route((Call("no_answer"),), 0.0, name)
            if place >= 5:
                answers[name].append((route, 1000 * (time.perf_counter() - started)))
    return answers


def figures_of(
    answers: Sequence[tuple[Route, float]],
    rows: Sequence[Row],
    skills: dict[str, Skill],
    now: datetime,
    sure: Sequence[bool],
) -> dict[str, float]:
    """Shares of right answers, and median times."""
    exact = [bool(row.calls) and equal(row.calls, route.calls) for row, (route, _) in zip(rows, answers, strict=True)]
    typed = [
        right or (bool(row.calls) and same_calls(row.calls, route.calls, skills, now))
        for right, row, (route, _) in zip(exact, rows, answers, strict=True)
    ]
    outside = [route.rejected for row, (route, _) in zip(rows, answers, strict=True) if row.calls[:1] == (Call(OTHER),)]
    sure_ms = [took for (_, took), certain in zip(answers, sure, strict=True) if certain]
    figures = {
        "rows": len(rows),
        "exact": sum(exact) / len(rows),
        "exact_typed": sum(typed) / len(rows),
        "calibration_error": calibration_error([route.confidence for route, _ in answers], typed),
        "route_ms_p50": median(took for _, took in answers),
        "route_ms_p50_where_fewshot_is_sure": median(sure_ms) if sure_ms else 0.0,
    }
    return figures | ({"out_of_scope_recall": sum(outside) / len(outside)} if outside else {})


def show(name: str, figures: dict[str, Any]) -> None:
    """One line a router."""
    print(name)
    for router, found in figures.items():
        line = "  ".join(
            f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}" for key, value in found.items()
        )
        print(f"  {router:12} {line}")


def silent(what: str, share: float) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()
