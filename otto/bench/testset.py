"""Test sets: folders of sentences with the calls that they mean, as `otto bench` and `otto eval` score them.

>>> skills = read_skills(Path("../shared/bench/snips"))
>>> rows = read_rows(Path("../shared/bench/snips"), "test")

A folder holds `skills.json`, `train.jsonl`, optionally `dev.jsonl`, and `test.jsonl`; its rows are `{"text", "call"}`,
`{"text", "calls"}` or `{"audio", "call"}` (docs/design.md).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from otto.call import Call, parse
from otto.errors import CallSyntaxError, OttoError
from otto.example import Origin
from otto.skill import OTHER_SKILL, Skill, from_json

NOW = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
"""The time at which all sentences are said, a Wednesday."""
SEED = 0

Transcribe = Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence of a test set and what it means."""

    text: str
    calls: tuple[Call, ...]
    """Empty where the set's call cannot be written in Otto's syntax: no answer is right then."""
    said: str | None = None
    """For recorded speech, what was really said, if the set knows; `text` is then what was heard."""
    recorded: bool = False


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
    return read_file(folder / f"{split}.jsonl", transcribe)


def read_file(path: Path, transcribe: Transcribe | None = None) -> list[Row]:
    """The rows of one file of them. Raises `OttoError` naming file and line."""
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
    said = None
    if audio is not None and transcribe is not None:
        said = None if text is None else str(text)
        text = transcribe(Path(origin.file).parent / str(audio))
    if text is None:
        raise OttoError(f"{origin}: a row to train on needs its text")
    recorded = audio is not None and transcribe is not None
    try:
        calls = tuple(call for each in written for call in parse(str(each), max_length=None))
    except CallSyntaxError:
        calls = ()
    return Row(str(text), calls, said, recorded)


def drawn(rows: Sequence[Row], shots: int, seed: int = SEED) -> list[Row]:
    """`shots` rows a skill, or all that there are; the same ones for the same seed."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.calls[0].name, []).append(row)
    chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    return [row for name in sorted(groups) for row in chance.sample(groups[name], min(shots, len(groups[name])))]
