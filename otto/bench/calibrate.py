"""Finds out on held-out sentences how sure a model's answers are, when to ask it, and whether that helps at all.

    found = calibrate(models, "llama", first, rows, skills, now=NOON, costs=Costs())

`otto calibrate` does this for the skills in force, `otto bench --router cascade` for a test set's. The sentences are
such as neither router was trained on: those of the example files that every training leaves out
(`otto/bench/heldout.py`), or a file of one's own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from otto.bench.heldout import held_out
from otto.bench.testset import Row
from otto.config import Folders, Settings
from otto.errors import ModelError, OttoError
from otto.example import Example
from otto.models.calibration import Calibration
from otto.progress import Progress
from otto.registry.registry import Registry
from otto.route import Context, Route, Router
from otto.routers.cascade import Costs, Heard, fit
from otto.routers.choose import Models
from otto.routers.confidence import Confidence
from otto.routers.model import ModelRouter, signs_of
from otto.skill import Skill, same_calls

FEWEST = 60
"""Sentences below which nothing can be said."""
SECONDS = 30.0
"""For one answer: what is late is still right or wrong, and its time is counted."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the skills in force give to calibrate with."""

    first: Router
    """Trained on no row of `rows`."""
    skills: list[Skill]
    rows: list[Row]
    sentences: dict[str, list[str]]
    """Examples by skill, of those that were trained on."""


def material(settings: Settings, folders: Folders, *, keep_all: bool, progress: Progress) -> Material:
    """The first router and the held-out rows of the folders. With `keep_all` it is trained on every example, as the one
    that answers, and there are no rows."""
    from otto.routers.fewshot import FewshotRouter
    from otto.routers.joints import openers
    from otto.routers.several import SeveralRouter

    registry = Registry(folders, cache=settings.cache_folder)
    entries = [entry for name, entry in registry.snapshot.skills.items() if name not in settings.hidden]
    registry.close()
    skills = [entry.skill for entry in entries]
    examples = [example for entry in entries for example in entry.examples]
    seen = [example for example in examples if keep_all or not held_out(example.text)]
    # What is trained on a part must not become what the next start begins with.
    cache = settings.cache_folder if keep_all else settings.cache_folder / "calibration"
    trained = FewshotRouter.train(skills, seen, cache=cache, progress=progress)
    first = SeveralRouter(trained, {skill.name: skill for skill in skills}, openers(seen))
    rows = [] if keep_all else [Row(each.text, each.calls) for each in _once(examples) if held_out(each.text)]
    sentences: dict[str, list[str]] = {}
    for example in seen:
        sentences.setdefault(example.calls[0].name, []).append(example.text)
    return Material(first, skills, rows, sentences)


def spread(rows: Sequence[Row], most: int | None) -> list[Row]:
    """At most so many of the rows, from all over."""
    if most is None or len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def calibrate(
    models: Models,
    name: str,
    first: Router,
    rows: Sequence[Row],
    skills: Sequence[Skill],
    *,
    now: datetime,
    costs: Costs,
    progress: Progress,
) -> Calibration:
    """The calibration of one model behind `first`. Raises `OttoError` where there are too few rows, or the model
    cannot be had or never answers."""
    if len(rows) < FEWEST:
        raise OttoError(f"{len(rows)} held-out sentences are too few to calibrate with; at least {FEWEST} are needed")
    known = {skill.name: skill for skill in skills}
    context, model = Context(now), models.single(name, skills)

    def right(row: Row, route: Route | None) -> bool:
        return route is not None and bool(row.calls) and same_calls(row.calls, route.calls, known, now)

    before = [first.route(row.text, context) for row in rows]
    after, took = _answers(model, rows, context, progress)
    answered = [(row, route) for row, route in zip(rows, after, strict=True) if route and route.confidence > 0]
    if not answered:
        raise OttoError(f"{model.model.name} has not given one answer that could be carried out")
    sure = Confidence.fit([signs_of(route) for _, route in answered], [right(*pair) for pair in answered])
    heard = [
        Heard(one, _as_sure(other, sure), right(row, one), right(row, other), seconds)
        for row, one, other, seconds in zip(rows, before, after, took, strict=True)
    ]
    found = fit(heard, costs)
    figures = {
        "first": found.first,
        "model": found.second,
        "cascade": found.cascade,
        "asked": found.asked,
        "seconds": found.seconds,
        "valid": len(answered) / len(rows),
    }
    return Calibration(
        key=models.key(name, skills),
        model=model.model.name,
        rows=len(rows),
        confidence=sure.weights,
        threshold=found.rule.threshold,
        belief=found.rule.belief,
        helps=found.helps,
        figures=figures,
    )


def _answers(
    model: ModelRouter, rows: Sequence[Row], context: Context, progress: Progress
) -> tuple[list[Route | None], list[float]]:
    """The model's routes, None where there was none, and the seconds of each."""
    routes: list[Route | None] = []
    took = []
    # The first is asked twice: it waits for the weights to be loaded.
    for place, row in enumerate([rows[0], *rows]):
        started = time.perf_counter()
        try:
            routes.append(model.route(row.text, context, seconds=SECONDS))
        except ModelError as error:
            if not any(routes) and place >= 2:
                raise OttoError(f"{model.model.name} does not answer: {error}") from error
            routes.append(None)
        took.append(time.perf_counter() - started)
        progress(f"asking {model.name}", place / len(rows))
    return routes[1:], took[1:]


def _as_sure(route: Route | None, sure: Confidence) -> Route | None:
    if route is None or route.confidence == 0:
        return route
    return replace(route, confidence=sure(signs_of(route)))


def _once(examples: Sequence[Example]) -> list[Example]:
    """Each sentence once, though it may stand in several files."""
    return list({example.text: example for example in examples}.values())
