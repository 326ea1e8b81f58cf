"""Trains a router on a test set and scores it: what `otto bench` does.

>>> measure(Path("../shared/bench/snips"), shots=20).exact

A test set is a folder of `skills.json`, `train.jsonl`, optionally `dev.jsonl`, and `test.jsonl`; its rows are
`{"text", "call"}`, `{"text", "calls"}` or `{"audio", "call"}` (docs/design.md). The rejection threshold is fitted on
`dev.jsonl`, without one by cross-validation on the training rows. The router is then timed as it would run: loaded from
its file in a process of its own, one sentence at a time, on one thread.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from otto.bench.calibrate import calibrate, spread
from otto.bench.score import Answer, accepted, argument_f1, calibration_error, equal, share
from otto.bench.testset import NOW, SEED, Row, drawn, read_rows, read_skills
from otto.call import OTHER, Call, parse
from otto.config import Settings, load
from otto.errors import ModelError, OttoError
from otto.example import Example
from otto.models.calibration import Calibration
from otto.progress import Progress
from otto.route import Context, Route, Router
from otto.routers.cascade import Costs
from otto.routers.choose import MODELS, ROUTERS, Models
from otto.skill import Skill, same_calls

if TYPE_CHECKING:
    from otto.audio.score import Timed

CALIBRATE_ON = 600
"""Rows of the development set, or else held back from training, on which a cascade is fitted."""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one run. Shares are between 0 and 1; None: the set has no rows that would tell."""

    rows: int
    """Scored."""
    exact: float
    """All calls equal as written, whatever the order of arguments."""
    exact_typed: float
    """All calls equal as typed values."""
    skill_accuracy: float | None
    """Of the in-scope rows, those whose first skill is right."""
    argument_f1: float | None
    """Micro-averaged over (parameter, value) pairs as written."""
    in_scope_accuracy: float | None
    """As `skill_accuracy`, at the threshold at which `out_of_scope_recall` was reached."""
    out_of_scope_recall: float | None
    """Of the rows that mean `other()`, those that were refused."""
    calibration_error: float
    """Expected calibration error of the confidence that the route is exact, ten bins of equal width."""
    train_rows: int
    train_seconds: float
    route_ms_p50: float
    route_ms_p99: float
    rss_mb: float
    """Resident memory of the answering process at its highest."""
    accepted: float | None = None
    """Of recorded commands, those with the right skill and every labelled argument right; more arguments do no harm."""
    word_error_rate: float | None = None
    """Of recordings whose words are known."""
    stt_realtime_factor: float | None = None
    """Processor seconds for a second of recorded sound."""


def measure(
    folder: Path,
    *,
    router: str = "fewshot",
    shots: int | None = None,
    split: str = "test",
    progress: Progress | None = None,
    stt: str = "auto",
    settings: Settings | None = None,
) -> Report:
    """Trains on `train.jsonl` (or on `shots` rows a skill of it) and scores the rows of `split`.

    `router`: `fewshot`, or one over a language model of the `settings`: that one is not trained, and a `cascade` is
    fitted on `dev.jsonl`, or else on rows held back from training. `stt`: the engine that transcribes the set's
    recordings, if it has any; it is given the skills' and the training rows' vocabulary. Raises `OttoError` for a
    folder that is no test set, or a model that cannot be had.
    """
    if router not in ROUTERS:
        raise OttoError(f"there is no router {router!r} to measure; known: {', '.join(ROUTERS)}")
    told = progress or (lambda what, share: None)
    skills = read_skills(folder)
    train = [row for row in read_rows(folder, "train") if row.calls]
    if shots is not None:
        train = drawn(train, shots)
    held_back = (folder / "dev.jsonl").exists() and split != "dev"
    development = [row for row in read_rows(folder, "dev") if row.calls] if held_back else []
    ears = _Ears(stt, list(skills.values()), train, told)
    tested = read_rows(folder, split, ears.hear)
    if not train or not tested:
        raise OttoError(f"{folder}: nothing to train on or to score")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "router.npz"
        known = list(skills.values())
        seconds = 0.0 if router in MODELS else _train(known, train, development, file, told)
        using = None
        if router != "fewshot":
            using = _Using(router, settings or load(), known)
        if using and router == "cascade":
            using = using.fitted(file, train, development, told)
        told("scoring", 0.95)
        answers, megabytes = _answered(file, [row.text for row in tested], using)
    told("done", 1.0)
    report = _report(tested, answers, skills, len(train), seconds, megabytes)
    return ears.told(report, tested, answers) if ears.timed else report


class _Ears:
    """What transcribes a set's recordings; loaded when the first one comes."""

    def __init__(self, stt: str, skills: Sequence[Skill], train: Sequence[Row], progress: Progress) -> None:
        self._stt, self._skills, self._train, self._progress = stt, skills, train, progress
        self.timed: Timed | None = None

    def hear(self, path: Path) -> str:
        """What is said in a recording. Raises `OttoError`."""
        if self.timed is None:
            from otto.audio.engines import transcriber
            from otto.audio.score import Timed

            examples = [Example(row.text, row.calls) for row in self._train]
            self.timed = Timed(transcriber(load({"stt": self._stt}), self._skills, examples))
        self._progress(f"listening to {path.name}", 0.0)
        return self.timed.text(path)

    def told(self, report: Report, rows: Sequence[Row], answers: Sequence[Answer]) -> Report:
        """The report with what it holds of recorded speech."""
        from otto.audio.score import word_error_rate

        assert self.timed is not None
        heard = [(row, answer) for row, answer in zip(rows, answers, strict=True) if row.recorded]
        known = [(row.said, row.text) for row, _ in heard if row.said is not None]
        return replace(
            report,
            accepted=share([accepted(row.calls, answer.calls) for row, answer in heard]),
            word_error_rate=word_error_rate(known) if known else None,
            stt_realtime_factor=self.timed.realtime_factor,
        )


def _train(
    skills: Sequence[Skill], train: Sequence[Row], development: Sequence[Row], file: Path, progress: Progress
) -> float:
    """Writes the trained router to `file`; returns how many seconds training took."""
    from otto.routers.fewshot import FewshotRouter

    started = time.perf_counter()
    router = FewshotRouter.train(
        skills,
        [Example(row.text, row.calls) for row in train],
        development=[Example(row.text, row.calls) for row in development],
        progress=lambda what, share: progress(what, 0.95 * share),
        seed=SEED,
    )
    seconds = time.perf_counter() - started
    router.save(file)
    return seconds


@dataclass(frozen=True, slots=True)
class _Using:
    """The language models that answer, for the process that asks them."""

    router: str
    settings: Settings
    skills: Sequence[Skill]
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    """By router, of the set's skills."""

    def fitted(self, file: Path, train: Sequence[Row], development: Sequence[Row], progress: Progress) -> _Using:
        """With calibrations from the development rows, or from a fifth of the training rows and a router trained on
        the rest."""
        held = spread(development or train[::5], CALIBRATE_ON)
        if not development:
            file = file.with_name("held.npz")
            _train(self.skills, [row for place, row in enumerate(train) if place % 5], [], file, progress)
        costs = Costs(self.settings.wrong_cost, self.settings.wait_cost)
        models = Models(self.settings, strict=False)
        try:
            found = {
                name: calibrate(models, name, _loaded(file), held, self.skills, now=NOW, costs=costs, progress=progress)
                for name in models.stages()
            }
        finally:
            models.close()
        return replace(self, calibrations=found)


def _answered(file: Path, texts: Sequence[str], using: _Using | None) -> tuple[list[Answer], float]:
    """What a fresh process answers, and its memory in megabytes (without that of a model's own process)."""
    with _one_thread(), ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        said, megabytes = pool.submit(_answer, file, texts, using).result()
    return [Answer(parse(calls, max_length=None), *figures) for calls, *figures in said], megabytes


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started inside use one thread for linear algebra."""
    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _answer(file: Path, texts: Sequence[str], using: _Using | None) -> tuple[list[tuple[str, float, float]], float]:
    """Calls as written, confidence and milliseconds for each text. Runs in the answering process."""
    models = Models(using.settings, strict=False, calibrations=using.calibrations) if using else None
    try:
        if using is None or models is None:
            router: Router = _loaded(file)
        elif using.router in MODELS:
            router = models.single(using.router, using.skills)
        else:
            router = models.over(_loaded(file), using.skills, using.router)
        return _timed(router, texts), memory_mb()
    finally:
        if models:
            models.close()


def _timed(router: Router, texts: Sequence[str]) -> list[tuple[str, float, float]]:
    context = Context(NOW)
    for text in texts[:5]:
        _routed(router, text, context)
    answers: list[tuple[str, float, float]] = []
    for text in texts:
        started = time.perf_counter()
        route = _routed(router, text, context)
        milliseconds = 1000 * (time.perf_counter() - started)
        answers.append((str(route), route.confidence, milliseconds))
    return answers


def _routed(router: Router, text: str, context: Context) -> Route:
    """No answer at all is a wrong one, also where nothing was meant."""
    try:
        return router.route(text, context)
    except ModelError:
        return Route((Call("no_answer"),), 0.0, router.name)


def _loaded(file: Path) -> Router:
    from otto.routers.fewshot import FewshotRouter

    router = FewshotRouter.load(file)
    if router is None:
        raise OttoError(f"{file}: the router that was just trained cannot be loaded")
    return router


def memory_mb() -> float:
    """Resident memory of this process at its highest, in megabytes; 0 where the system does not tell."""
    # On Linux getrusage also counts what the parent held before this program replaced it.
    with suppress(OSError, ValueError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return 0.0


def _report(
    rows: Sequence[Row],
    answers: Sequence[Answer],
    skills: Mapping[str, Skill],
    train_rows: int,
    seconds: float,
    megabytes: float,
) -> Report:
    pairs = list(zip(rows, answers, strict=True))
    exact = [bool(row.calls) and equal(row.calls, answer.calls) for row, answer in pairs]
    typed = [
        right or (bool(row.calls) and same_calls(row.calls, answer.calls, skills, NOW))
        for right, (row, answer) in zip(exact, pairs, strict=True)
    ]
    inside = [(row, answer) for row, answer in pairs if not row.calls or row.calls[0].name != OTHER]
    outside = [answer for row, answer in pairs if row.calls and row.calls[0].name == OTHER]
    accuracy = share([bool(row.calls) and row.calls[0].name == answer.calls[0].name for row, answer in inside])
    times = sorted(answer.milliseconds for answer in answers)
    return Report(
        rows=len(rows),
        exact=sum(exact) / len(rows),
        exact_typed=sum(typed) / len(rows),
        skill_accuracy=accuracy,
        argument_f1=argument_f1([(row.calls, answer.calls) for row, answer in pairs]),
        in_scope_accuracy=accuracy if outside else None,
        out_of_scope_recall=share([answer.calls[0].name == OTHER for answer in outside]),
        calibration_error=calibration_error([answer.confidence for answer in answers], exact),
        train_rows=train_rows,
        train_seconds=seconds,
        route_ms_p50=times[len(times) // 2],
        route_ms_p99=times[min(len(times) - 1, int(0.99 * len(times)))],
        rss_mb=megabytes,
    )
