"""Evaluates a model on a test set: `otto eval`, or this file as a script.

    MODEL_ID=lights.gguf python finetune/eval.py --data data
    evaluation = evaluate(Named("lights.gguf"), open_test("data", settings), settings, Path("evaluations/lights"))

The folder holds `predictions.jsonl` (a row's answer each, written as it comes: an evaluation that was stopped goes on
where it was), `metrics.json`, `run.json` (what was evaluated on what), `plots/*.png` and `report.html`. Prompts and
answers go through the same code as in service (`otto/routers/model.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from finetune.answerer import Answerer, Named, open_answerer
from finetune.score import Metrics, Prediction, line, measured, predicted, read_predictions, unanswered
from finetune.testdata import EvaluationSet
from finetune.workers import HERE, Pool, Workers
from otto.bench.testset import NOW, Row
from otto.config import Settings
from otto.errors import ModelError, OttoError
from otto.files import write_atomic
from otto.models.language import Request, Written
from otto.progress import Progress
from otto.route import Context
from otto.routers.model import ModelRouter
from otto.skill import Skill

BATCH = 16
"""Rows at a time, for engines that answer several."""
PREDICTIONS, METRICS, RUN = "predictions.jsonl", "metrics.json", "run.json"
_LEAST = 1  # rows answered unseen before the clock counts


class WritesMany(Protocol):
    """An engine that answers several requests at once, as it would each alone."""

    def write_many(self, requests: Sequence[Request], batch: int) -> Iterator[Written]: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of one."""

    folder: Path
    metrics: Metrics
    predictions: Sequence[Prediction]
    run: Mapping[str, Any]
    """What was evaluated, on what, how it was asked."""


def evaluate(
    named: Named,
    test: EvaluationSet,
    settings: Settings,
    folder: Path,
    *,
    rows: int | None = None,
    again: bool = False,
    progress: Progress | None = None,
    workers: Workers = HERE,
) -> Evaluation:
    """Answers every row (the first `rows` of them) and writes the folder. `again`: from the start, even where some are
    answered already. Raises `OttoError` for a model, prompt or test set that cannot be used."""
    told = progress or (lambda what, share: None)
    wanted = test.rows[:rows] if rows else test.rows
    folder.mkdir(parents=True, exist_ok=True)
    # A bar is drawn here; a worker elsewhere has none to tell.
    make = partial(_opened, named, test, settings, told if workers is HERE else None)
    with workers.keep(make) as pool:
        run = _alike(pool.every(lambda ready: described(named, ready.answerer, test, len(wanted))))
        done = _begun(folder, run, again)
        with (folder / PREDICTIONS).open("a", encoding="utf-8") as file:
            for several in pool.spread(_tasks(pool, wanted[len(done) :])):
                for prediction in several:
                    file.write(line(prediction))
                    file.flush()
                    done.append(prediction)
                    told(f"{len(done)} of {len(wanted)}", len(done) / len(wanted))
    metrics = measured(done)
    write_atomic(folder / METRICS, json.dumps(metrics.to_json(), indent=1) + "\n")
    return Evaluation(folder, metrics, done, run)


def answers(answerer: Answerer, rows: Sequence[Row], skills: Mapping[str, Skill]) -> Iterator[Prediction]:
    """A prediction for each row, in order; several at once where the engine can."""
    with HERE.keep(lambda: nullcontext(Ready(answerer, skills))) as pool:
        for several in pool.spread(_tasks(pool, rows)):
            yield from several


@dataclass(frozen=True, slots=True)
class Ready:
    """What a worker keeps."""

    answerer: Answerer
    skills: Mapping[str, Skill]


@contextmanager
def _opened(named: Named, test: EvaluationSet, settings: Settings, progress: Progress | None) -> Iterator[Ready]:
    with open_answerer(named, test, settings, progress) as answerer:
        yield Ready(answerer, test.skills)


def _tasks(pool: Pool[Ready], rows: Sequence[Row]) -> Iterator[Callable[[Ready], list[Prediction]]]:
    """Rows as they are answered: so many at once as the engine can."""
    for row in rows[:_LEAST]:
        # What is loaded with the first sentence is not part of answering one.
        pool.every(partial(_alone, row=row))
    step = BATCH if rows and all(pool.every(_writes_many)) else 1
    for start in range(0, len(rows), step):
        yield partial(_answered, rows=rows[start : start + step])


def _writes_many(ready: Ready) -> bool:
    router = ready.answerer.router
    return isinstance(router, ModelRouter) and hasattr(router.model, "write_many")


def _answered(ready: Ready, rows: Sequence[Row]) -> list[Prediction]:
    router = ready.answerer.router
    if isinstance(router, ModelRouter) and _writes_many(ready):
        return _together(ready, router, rows)
    return [_alone(ready, row) for row in rows]


def _alike(several: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Workers must not answer with different models, and could where each has a file of its own by that name."""
    first, *others = several
    for other in others:
        if differing := [name for name, value in first.items() if other[name] != value]:
            raise OttoError(
                f"the workers do not evaluate the same thing: they differ in {', '.join(differing)}; "
                "give every machine the same files and the same version of Otto"
            )
    return first


def described(named: Named, answerer: Answerer, test: EvaluationSet, rows: int) -> dict[str, Any]:
    """What `run.json` says: enough to tell whether two evaluations may be compared. No text of a row, no key."""
    from otto.models.card import digest
    from otto.prompt import skills_hash

    weights = answerer.weights
    return {
        "model": named.model,
        "adapter": named.adapter,
        "name": answerer.name,
        "sha256": digest(weights)
        if weights and weights.is_file()
        else dict(answerer.card.sha256)
        if answerer.card
        else "",
        "base": answerer.card.base if answerer.card else "",
        "data_hash": answerer.card.data_hash if answerer.card else "",
        "prompt_hash": answerer.prompt.hash if answerer.prompt else "",
        "format": answerer.prompt.format.name if answerer.prompt else "",
        "grammar": named.grammar,
        "test": test.name,
        "test_hash": test.hash,
        "skills_hash": skills_hash(test.skills.values()),
        "rows": rows,
    }


def _begun(folder: Path, run: Mapping[str, Any], again: bool) -> list[Prediction]:
    """What is answered already, where it was this very run; else a new beginning."""
    file, about = folder / PREDICTIONS, folder / RUN
    if file.exists() and not again:
        try:
            before = json.loads(about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = None
        if before != run:
            raise OttoError(f"{folder}: holds another evaluation; name another folder with --to, or say --again")
        done = read_predictions(file)[: run["rows"]]
        write_atomic(file, "".join(map(line, done)))
        return done
    write_atomic(about, json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    write_atomic(file, "")
    return []


def _alone(ready: Ready, row: Row) -> Prediction:
    started = time.perf_counter()
    try:
        route = ready.answerer.router.route(row.text, Context(NOW))
    except ModelError as error:
        return unanswered(row, str(error), _since(started))
    return predicted(row, route, _since(started), ready.skills)


def _together(ready: Ready, router: ModelRouter, rows: Sequence[Row]) -> list[Prediction]:
    """Rows with something to say, all at once; those whose answer must be mended, once more alone."""
    context, spoken = Context(NOW), [row for row in rows if row.text.strip()]
    engine = cast(WritesMany, router.model)
    # The deadline of a batch is that of all its rows.
    seconds = router.seconds * len(rows)
    requests = [replace(router.request(row.text), deadline_seconds=seconds) for row in spoken]
    started = time.perf_counter()
    try:
        written = dict(zip(map(id, spoken), engine.write_many(requests, BATCH), strict=True))
    except ModelError:
        # One that takes too long must not cost the others their answer.
        return [_alone(ready, row) for row in rows]
    milliseconds = _since(started) / max(1, len(spoken))
    found = []
    for row in rows:
        reading = router.read(written[id(row)].text, context.now) if id(row) in written else None
        if reading is None or reading.problem:
            found.append(_alone(ready, row))
        else:
            route = router.routed(row.text, written[id(row)], reading, [], context)
            found.append(predicted(row, route, milliseconds, ready.skills))
    return found


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    import sys

    # As a script, this folder is where imports are looked for first, and its gguf/ would hide the package gguf.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from finetune.cli.eval import main

    main()
