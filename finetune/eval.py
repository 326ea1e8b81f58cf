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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

from finetune.answerer import Answerer, Named, open_answerer
from finetune.score import Metrics, Prediction, line, measured, predicted, read_predictions, unanswered
from finetune.testdata import EvaluationSet
from otto.config import Settings
from otto.errors import ModelError, OttoError
from otto.files import write_atomic
from otto.models.language import Request, Written
from otto.route import Context
from otto.routers.model import ModelRouter
from otto.skill import Skill
from otto.testset import NOW, Row

BATCH = 16
"""Rows at a time, for engines that answer several."""
PREDICTIONS, METRICS, RUN = "predictions.jsonl", "metrics.json", "run.json"
_LEAST = 1  # rows answered unseen before the clock counts

Progress = Callable[[str, float], None]


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
) -> Evaluation:
    """Answers every row (the first `rows` of them) and writes the folder. `again`: from the start, even where some are
    answered already. Raises `OttoError` for a model, prompt or test set that cannot be used."""
    told = progress or (lambda what, share: None)
    wanted = test.rows[:rows] if rows else test.rows
    folder.mkdir(parents=True, exist_ok=True)
    with open_answerer(named, test, settings, told) as answerer:
        run = described(named, answerer, test, len(wanted))
        done = _begun(folder, run, again)
        with (folder / PREDICTIONS).open("a", encoding="utf-8") as file:
            for prediction in answers(answerer, wanted[len(done) :], test.skills):
                file.write(line(prediction))
                file.flush()
                done.append(prediction)
                told(f"{len(done)} of {len(wanted)}", len(done) / len(wanted))
    metrics = measured(done)
    write_atomic(folder / METRICS, json.dumps(metrics.to_json(), indent=1) + "\n")
    return Evaluation(folder, metrics, done, run)


def answers(answerer: Answerer, rows: Sequence[Row], skills: Mapping[str, Skill]) -> Iterator[Prediction]:
    """A prediction for each row, in order; several at once where the engine can."""
    router, context = answerer.router, Context(NOW)
    for row in rows[:_LEAST]:
        # What is loaded with the first sentence is not part of answering one.
        _alone(answerer, row, skills, context)
    if isinstance(router, ModelRouter) and hasattr(router.model, "write_many"):
        for start in range(0, len(rows), BATCH):
            yield from _together(answerer, router, rows[start : start + BATCH], skills, context)
    else:
        for row in rows:
            yield _alone(answerer, row, skills, context)


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


def _alone(answerer: Answerer, row: Row, skills: Mapping[str, Skill], context: Context) -> Prediction:
    started = time.perf_counter()
    try:
        route = answerer.router.route(row.text, context)
    except ModelError as error:
        return unanswered(row, str(error), _since(started))
    return predicted(row, route, _since(started), skills)


def _together(
    answerer: Answerer, router: ModelRouter, rows: Sequence[Row], skills: Mapping[str, Skill], context: Context
) -> list[Prediction]:
    """Rows with something to say, all at once; those whose answer must be mended, once more alone."""
    spoken = [row for row in rows if row.text.strip()]
    engine = cast(WritesMany, router.model)
    # The deadline of a batch is that of all its rows.
    seconds = router.seconds * len(rows)
    requests = [replace(router.request(row.text), deadline_seconds=seconds) for row in spoken]
    started = time.perf_counter()
    try:
        written = dict(zip(map(id, spoken), engine.write_many(requests, BATCH), strict=True))
    except ModelError:
        # One that takes too long must not cost the others their answer.
        return [_alone(answerer, row, skills, context) for row in rows]
    milliseconds = _since(started) / max(1, len(spoken))
    found = []
    for row in rows:
        reading = router.read(written[id(row)].text, context.now) if id(row) in written else None
        if reading is None or reading.problem:
            found.append(_alone(answerer, row, skills, context))
        else:
            route = router.routed(row.text, written[id(row)], reading, [], context)
            found.append(predicted(row, route, milliseconds, skills))
    return found


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    import sys

    # As a script, this folder is where imports are looked for first, and its gguf/ would hide the package gguf.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from finetune.cli.eval import main

    main()
