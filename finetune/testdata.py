"""The rows that a model is evaluated on, wherever they lie.

    open_test("data")                            a folder of `otto data collect`, or any test set of docs/design.md
    open_test("corrections.jsonl")               a file of rows in any shape that `otto data` reads
    open_test("wandb:team/otto/heldout:v3")      an artifact of W&B
    open_test(own_test(Path("runs/lights")))     what a run of `otto train` left untouched
    open_test("held-out")                        the examples of Otto's own skills that no training sees

Skills come from the `skills.json` of the set, in its folder or in `bench/` of it; without one they are Otto's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from finetune import shapes
from finetune.tracking import PREFIX, pull
from otto.bench.heldout import held_out
from otto.bench.testset import Row, read_file, read_skills
from otto.call import OTHER, Call, parse, write
from otto.config import Settings, folders
from otto.errors import CallSyntaxError, ConfigError, OttoError
from otto.example import Example
from otto.registry.snapshot import Snapshot
from otto.skill import OTHER_SKILL, Skill

HELD_OUT = "held-out"


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """A test set, read."""

    name: str
    path: Path
    """The file that holds the rows."""
    rows: list[Row]
    skills: Mapping[str, Skill]
    """By name, `other` among them."""
    hash: str
    """sha256 of the file."""
    own_skills: bool
    """Whether the set brought them; else they are Otto's."""
    train: Path | None = None
    """Its training rows, for routers that learn on the spot."""
    examples: tuple[Example, ...] = ()
    """Where Otto's own examples are held back: the others."""


def open_test(named: str, settings: Settings, *, split: str = "test") -> EvaluationSet:
    """Raises `OttoError` for a set that is missing, empty or in no known form, naming file and line."""
    if named == HELD_OUT:
        return _own_examples(settings)
    found = pull(named.removeprefix(PREFIX), settings.cache_folder) if named.startswith(PREFIX) else Path(named)
    path = _file(found.expanduser(), split)
    rows = _rows(path)
    if not rows:
        raise OttoError(f"{path}: there is no row in it to score")
    folder = next((each for each in (path.parent, path.parent / "bench") if (each / "skills.json").is_file()), None)
    skills = read_skills(folder) if folder else _own_skills(settings)
    unknown = sorted({call.name for row in rows for call in row.calls} - skills.keys() - {OTHER})
    if unknown:
        place = folder / "skills.json" if folder else "Otto's own skills"
        raise OttoError(f"{path}: it means skills that {place} lacks: {', '.join(unknown[:5])}")
    train = folder / "train.jsonl" if folder and (folder / "train.jsonl").is_file() else None
    name = named if named.startswith(PREFIX) else found.stem if found.is_file() else found.resolve().name
    return EvaluationSet(name, path, rows, skills, _hash(path), folder is not None, train)


def own_test(run: Path) -> str:
    """What a run of `otto train` is scored on unless something else is named: the test set that lies beside its
    training rows, or, where sentences were sampled from the examples, those held back. Raises `ConfigError`."""
    try:
        content = json.loads((run / "recipe.json").read_text(encoding="utf-8"))["data"]
        train, sampled = Path(content["train"]), bool(content["sample"])
    except (OSError, ValueError, KeyError, TypeError):
        train, sampled = Path(), False
    if sampled:
        return HELD_OUT
    if train != Path() and (train.parent / "test.jsonl").is_file():
        return str(train.parent)
    raise ConfigError(f"{run}: no test set is known of it; name one with --data, or {HELD_OUT} for Otto's own skills")


def _file(found: Path, split: str) -> Path:
    if found.is_file():
        return found
    for place in (found / f"{split}.jsonl", found / "bench" / f"{split}.jsonl"):
        if place.is_file():
            return place
    single = sorted(found.glob("*.jsonl")) if found.is_dir() else []
    if len(single) == 1:
        return single[0]
    raise OttoError(f"{found}: no {split}.jsonl there; give a folder with one, a .jsonl file, or wandb:…")


def _rows(path: Path) -> list[Row]:
    """In the form of test sets, or in any that training data has."""
    first = next((line for line in path.read_text(encoding="utf-8-sig").split("\n") if line.strip()), "")
    try:
        content = json.loads(first)
    except ValueError:
        content = None
    if isinstance(content, dict) and {"call", "calls"} & content.keys():
        return read_file(path)
    return [Row(row.question, _calls(row)) for row in shapes.read(path)]


def _calls(row: shapes.Conversation) -> tuple[Call, ...]:
    try:
        return parse(row.answer, max_length=None)
    except CallSyntaxError as error:
        raise shapes.DataError(row.origin, f"the answer is no call: {error}") from error


def _own_skills(settings: Settings) -> dict[str, Skill]:
    return {name: entry.skill for name, entry in _snapshot(settings).skills.items()} | {OTHER: OTHER_SKILL}


def _own_examples(settings: Settings) -> EvaluationSet:
    """What `otto/bench/heldout.py` holds back of the example files."""
    snapshot = _snapshot(settings)
    examples = [example for entry in snapshot.skills.values() for example in entry.examples]
    rows = [Row(example.text, example.calls) for example in examples if held_out(example.text)]
    others = tuple(example for example in examples if not held_out(example.text))
    found = hashlib.sha256("\n".join(f"{row.text}\t{write(row.calls)}" for row in rows).encode()).hexdigest()
    skills = {name: entry.skill for name, entry in snapshot.skills.items()} | {OTHER: OTHER_SKILL}
    return EvaluationSet(HELD_OUT, Path(HELD_OUT), rows, skills, found, own_skills=False, examples=others)


def _snapshot(settings: Settings) -> Snapshot:
    from otto.registry.registry import Registry

    registry = Registry(folders(settings), cache=settings.cache_folder)
    try:
        return registry.snapshot
    finally:
        registry.close()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
