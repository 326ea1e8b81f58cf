"""Trains a router on a test set and scores it: what `otto bench` does.

>>> measure(Path("../shared/bench/snips"), shots=20).exact

A test set is a folder of `skills.json`, `train.jsonl`, optionally `dev.jsonl`, and `test.jsonl`; its rows are
`{"text", "call"}`, `{"text", "calls"}` or `{"audio", "call"}` (docs/design.md). The rejection threshold is fitted on
`dev.jsonl`, without one by cross-validation on the training rows. The router is then timed as it would run: loaded from
its file in a process of its own, one sentence at a time, on one thread.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from otto.call import OTHER, Call, parse
from otto.errors import CallSyntaxError, OttoError
from otto.example import Example, Origin
from otto.route import Context, Route
from otto.skill import OTHER_SKILL, Skill, from_json, same_calls

NOW = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
"""The time at which all sentences are said, a Wednesday."""
ROUTERS = ("fewshot",)
SEED = 0
_BINS = 10

Progress = Callable[[str, float], None]
Transcribe = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence of a test set and what it means."""

    text: str
    calls: tuple[Call, ...]
    """Empty where the set's call cannot be written in Otto's syntax: no answer is right then."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """What the router said to one row."""

    calls: tuple[Call, ...]
    confidence: float
    milliseconds: float


def measure(
    folder: Path,
    *,
    router: str = "fewshot",
    shots: int | None = None,
    split: str = "test",
    progress: Progress | None = None,
    transcribe: Transcribe | None = None,
) -> Report:
    """Trains on `train.jsonl` (or on `shots` rows a skill of it) and scores the rows of `split`.

    `transcribe` turns a recording into text, for sets of recorded speech. Raises `OttoError` for a folder that is no
    test set.
    """
    if router not in ROUTERS:
        raise OttoError(f"there is no router {router!r} to train; known: {', '.join(ROUTERS)}")
    told = progress or (lambda what, share: None)
    skills = read_skills(folder)
    train = [row for row in read_rows(folder, "train", transcribe) if row.calls]
    if shots is not None:
        train = drawn(train, shots)
    held_back = (folder / "dev.jsonl").exists() and split != "dev"
    development = [row for row in read_rows(folder, "dev", transcribe) if row.calls] if held_back else []
    tested = read_rows(folder, split, transcribe)
    if not train or not tested:
        raise OttoError(f"{folder}: nothing to train on or to score")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "router.npz"
        seconds = _train(list(skills.values()), train, development, file, told)
        told("scoring", 0.95)
        answers, megabytes = _answered(file, [row.text for row in tested])
    told("done", 1.0)
    return _report(tested, answers, skills, len(train), seconds, megabytes)


def read_skills(folder: Path) -> dict[str, Skill]:
    """The schemas of a test set, by name."""
    path = folder / "skills.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OttoError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise OttoError(f"{path}: expected a list of skills")
    return {skill.name: skill for skill in (*map(from_json, entries), OTHER_SKILL)}


def read_rows(folder: Path, split: str, transcribe: Transcribe | None = None) -> list[Row]:
    """The rows of `<split>.jsonl`."""
    path = folder / f"{split}.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OttoError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return [_row(line, Origin(str(path), number), transcribe) for number, line in enumerate(lines, 1) if line.strip()]


def _row(line: str, origin: Origin, transcribe: Transcribe | None) -> Row:
    try:
        content = json.loads(line)
        written = list(content["calls"]) if "calls" in content else [content["call"]]
        text = content.get("text")
        audio = content.get("audio")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OttoError(f"{origin}: expected text and call in a line of JSON") from error
    if text is None:
        if transcribe is None or audio is None:
            raise OttoError(f"{origin}: recorded speech needs something that transcribes it")
        text = transcribe(Path(origin.file).parent / str(audio))
    try:
        return Row(str(text), tuple(call for each in written for call in parse(str(each), max_length=None)))
    except CallSyntaxError:
        return Row(str(text), ())


def drawn(rows: Sequence[Row], shots: int, seed: int = SEED) -> list[Row]:
    """`shots` rows a skill, or all that there are; the same ones for the same seed."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.calls[0].name, []).append(row)
    chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    return [row for name in sorted(groups) for row in chance.sample(groups[name], min(shots, len(groups[name])))]


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


def _answered(file: Path, texts: Sequence[str]) -> tuple[list[Answer], float]:
    """What a fresh process answers, and its memory in megabytes."""
    with _one_thread(), ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        said, megabytes = pool.submit(_answer, file, texts).result()
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


def _answer(file: Path, texts: Sequence[str]) -> tuple[list[tuple[str, float, float]], float]:
    """Calls as written, confidence and milliseconds for each text. Runs in the answering process."""
    from otto.routers.fewshot import FewshotRouter

    router = FewshotRouter.load(file)
    if router is None:
        raise OttoError(f"{file}: the router that was just trained cannot be loaded")
    context = Context(NOW)
    for text in texts[:5]:
        router.route(text, context)
    answers: list[tuple[str, float, float]] = []
    for text in texts:
        started = time.perf_counter()
        route: Route = router.route(text, context)
        milliseconds = 1000 * (time.perf_counter() - started)
        answers.append((str(route), route.confidence, milliseconds))
    return answers, memory_mb()


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
    exact = [bool(row.calls) and _equal(row.calls, answer.calls) for row, answer in pairs]
    typed = [
        right or (bool(row.calls) and same_calls(row.calls, answer.calls, skills, NOW))
        for right, (row, answer) in zip(exact, pairs, strict=True)
    ]
    inside = [(row, answer) for row, answer in pairs if not row.calls or row.calls[0].name != OTHER]
    outside = [answer for row, answer in pairs if row.calls and row.calls[0].name == OTHER]
    accuracy = _share([bool(row.calls) and row.calls[0].name == answer.calls[0].name for row, answer in inside])
    times = sorted(answer.milliseconds for answer in answers)
    return Report(
        rows=len(rows),
        exact=sum(exact) / len(rows),
        exact_typed=sum(typed) / len(rows),
        skill_accuracy=accuracy,
        argument_f1=_argument_f1(pairs),
        in_scope_accuracy=accuracy if outside else None,
        out_of_scope_recall=_share([answer.calls[0].name == OTHER for answer in outside]),
        calibration_error=calibration_error([answer.confidence for answer in answers], exact),
        train_rows=train_rows,
        train_seconds=seconds,
        route_ms_p50=times[len(times) // 2],
        route_ms_p99=times[min(len(times) - 1, int(0.99 * len(times)))],
        rss_mb=megabytes,
    )


def _equal(one: Sequence[Call], other: Sequence[Call]) -> bool:
    return len(one) == len(other) and all(left == right for left, right in zip(one, other, strict=True))


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _argument_f1(pairs: Sequence[tuple[Row, Answer]]) -> float | None:
    """2 × matched / (wanted + found), each counted as often as it occurs."""
    matched = wanted = found = 0
    for row, answer in pairs:
        right, given = _arguments(row.calls), _arguments(answer.calls)
        matched += (right & given).total()
        wanted += right.total()
        found += given.total()
    return 2 * matched / (wanted + found) if wanted else None


def _arguments(calls: Sequence[Call]) -> Counter[tuple[str, str]]:
    return Counter(
        (name, repr(item))
        for call in calls
        for name, value in call.arguments.items()
        for item in (value if isinstance(value, tuple) else (value,))
    )


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error (Naeini et al. 2015): how far confidence lies from accuracy, ten bins of equal
    width, weighted by their rows."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in zip(confidences, right, strict=True):
        bins.setdefault(min(_BINS - 1, int(confidence * _BINS)), []).append((confidence, hit))
    gaps = [abs(sum(confidence - hit for confidence, hit in part)) for part in bins.values()]
    return sum(gaps) / max(1, len(right))
