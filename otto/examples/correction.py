"""Corrections: what the last command should have meant becomes an example and a regression test.

    >>> correct("dim it in here", parse('lights(state="off")'), settings)

The example goes to `<skill>_examples.txt` in the user's folder, where it is laid over the bundled ones. The test goes
to `corrections.jsonl` beside it, in the format of test sets, and `otto fix --check` routes each of them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from otto.call import OTHER, Call, parse, write
from otto.config import Settings
from otto.errors import CallError, CallSyntaxError, OttoError
from otto.example import Example
from otto.examples import file as examplefile
from otto.files import write_atomic
from otto.route import Context, Router
from otto.skill import OTHER_SKILL, Skill, same_calls


class CorrectionError(OttoError):
    """A correction that cannot be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A sentence and what it should mean."""

    text: str
    calls: tuple[Call, ...]


def corrections_file(settings: Settings) -> Path:
    """Where corrections are kept as regression tests."""
    return settings.config_folder / "corrections.jsonl"


def examples_file(settings: Settings, calls: Sequence[Call]) -> Path:
    """The user's example file that such an example belongs to."""
    return settings.config_folder / "examples" / f"{calls[0].name}_examples.txt"


def validated(calls: Sequence[Call], skills: Mapping[str, Skill], now: datetime) -> tuple[Call, ...]:
    """The calls, if each is one of these skills' and valid. Raises `CallError`."""
    for call in calls:
        skill = OTHER_SKILL if call.name == OTHER else skills.get(call.name)
        if skill is None:
            raise CallError(f"there is no skill {call.name!r}; see: otto skills list", skill=call.name)
        skill.check(call, now)
    return tuple(calls)


def correct(text: str, calls: tuple[Call, ...], settings: Settings) -> Path:
    """Keeps `text` as an example of `calls` and as a regression test; returns the example file.

    The test is written first: an example without its test would be a promise that nobody checks.
    """
    kept = {row.text.casefold(): row for row in corrections(settings)}
    kept[text.casefold()] = Correction(text, calls)
    target = examples_file(settings, calls)
    try:
        for folder in (settings.config_folder, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        write_atomic(corrections_file(settings), "".join(_line(row) for row in kept.values()))
        _withdraw(text, settings, target)
        file = examplefile.read(target) if target.exists() else examplefile.read_text("#### Examples:\n", target)
        file.with_example(Example(text, calls)).save()
    except OSError as error:
        raise CorrectionError(f"The correction cannot be kept: {error.strerror}: {error.filename}") from error
    return target


def corrections(settings: Settings) -> tuple[Correction, ...]:
    """All that were kept. Raises `CorrectionError` naming file and line."""
    path = corrections_file(settings)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise CorrectionError(f"{path}: cannot be read: {error}") from error
    return tuple(_row(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip())


def failing(
    rows: Sequence[Correction], router: Router, skills: Mapping[str, Skill], now: datetime
) -> tuple[tuple[Correction, tuple[Call, ...]], ...]:
    """The corrections that the router gets wrong, each with what it makes of them instead."""
    answers = ((row, router.route(row.text, Context(now)).calls) for row in rows)
    return tuple((row, calls) for row, calls in answers if not same_calls(row.calls, calls, skills, now))


def _withdraw(text: str, settings: Settings, target: Path) -> None:
    """An earlier correction of the same sentence to another skill no longer holds."""
    for path in sorted(target.parent.glob("*_examples.txt")):
        if path != target and (file := examplefile.read(path)).find(text):
            file.without_example(text).save()


def _line(row: Correction) -> str:
    shape = {"text": row.text, "call": write(row.calls)}
    if len(row.calls) > 1:
        shape = {"text": row.text, "calls": [str(call) for call in row.calls]}  # type: ignore[dict-item]
    return json.dumps(shape, ensure_ascii=False) + "\n"


def _row(line: str, where: str) -> Correction:
    try:
        row = json.loads(line)
        return Correction(str(row["text"]), parse(row["call"] if "call" in row else "; ".join(row["calls"])))
    except (ValueError, KeyError, TypeError, CallSyntaxError) as error:
        raise CorrectionError(f"{where}: not a row with text and call: {error}") from error
