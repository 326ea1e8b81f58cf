"""Makes a data set that can be trusted out of rows: valid, without secrets, duplicates and leaks.

    rows, dropped = from_file(Path("mine.jsonl"))                                    finetune/sources.py
    collection = collect([*from_history(settings), *rows], skills, now, dropped=dropped)
    write_set(Path("data"), collection, skills)                                      finetune/dataset.py

Rows come in the order of their worth: the history's corrections, then files, then the skills' example files; of rows
that say the same, or contradict each other, the first counts.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from finetune.dataset import Collection, private_data
from finetune.duplicates import NEAR, Index, normalised
from finetune.scan import redacted
from finetune.shapes import Conversation, DataError
from finetune.sources import Dropped
from finetune.split import Shares, by_source, leaks, split
from otto.call import OTHER, parse
from otto.errors import CallError, CallSyntaxError, shorten
from otto.skill import OTHER_SKILL, Skill, same_calls

Private = Literal["refuse", "drop", "redact"]
"""What becomes of rows with secrets or personal data."""

ALIKE = 0.95
"""From this likeness on, of two rows with one answer only the first is kept."""
_SHOWN = 20
"""Findings that an error lists."""


def collect(
    rows: Iterable[Conversation],
    skills: Mapping[str, Skill],
    now: datetime,
    *,
    shares: Shares = Shares(),  # noqa: B008
    near: float = NEAR,
    alike: float = ALIKE,
    private: Private = "refuse",
    held_out: Sequence[Conversation] = (),
    seed: int = 0,
    dropped: Iterable[Dropped] = (),
) -> Collection:
    """The rows checked, without duplicates, split, and in an order drawn with `seed`.

    `now`: when values are read; the noon of example files (`otto.examples.file.NOON`), or what is right today would be
    over tomorrow.

    `near`: likeness from which on rows share a split. `alike`: likeness from which on, of rows with one answer, only
    the first is kept (1: only the same words). `held_out`: rows of other test sets, which nothing may be trained on.
    Raises `DataError` where nothing is left, and naming file and line of what is secret or personal.
    """
    given = list(rows)
    left_out = list(dropped)
    kept = _without_private(given, private, left_out)
    kept = _valid(kept, skills, now, left_out)
    kept = _unlike(kept, skills, now, alike, left_out)
    if held_out:
        leaking = {id(leak.held): leak for leak in leaks(held_out, kept, near)}
        left_out += [
            Dropped(leak.held.origin, f"is held out for a test: {leak.seen.origin}") for leak in leaking.values()
        ]
        kept = [row for row in kept if id(row) not in leaking]
    if not kept:
        raise DataError("data", f"no rows are left of {len(given)}" + (f"; {left_out[0]}" if left_out else ""))
    parts = split(kept, shares, near)
    if found := leaks(parts["train"], [*parts["valid"], *parts["test"]], near):
        raise DataError("data", f"{len(found)} held-back rows leak into training, the first: {found[0]}")
    drawn = {name: sorted(part, key=lambda row: _order(row, seed)) for name, part in parts.items()}
    return Collection(drawn, tuple(left_out), by_source(given), shares, near, seed)


def _without_private(rows: list[Conversation], private: Private, dropped: list[Dropped]) -> list[Conversation]:
    found = {id(row): findings for row in rows if (findings := private_data(row))}
    if found and private == "refuse":
        several = [f"{origin}: {what}" for findings in found.values() for origin, what in findings]
        more = f"\n… and {len(several) - _SHOWN} more" if len(several) > _SHOWN else ""
        listed = "\n".join(several[:_SHOWN])
        raise DataError(
            "secrets or personal data",
            f"{listed}{more}\nNothing was written. Remove them, or give --private drop|redact",
        )
    if private == "drop":
        dropped += [
            Dropped(origin, f"holds a {what.rpartition(' ')[0]}") for f in found.values() for origin, what in f[:1]
        ]
        return [row for row in rows if id(row) not in found]
    return [_redacted(row) if id(row) in found else row for row in rows]


def _redacted(row: Conversation) -> Conversation:
    return replace(row, messages=tuple(replace(each, text=redacted(each.text)) for each in row.messages))


def _named(row: Conversation, skills: Mapping[str, Skill]) -> Conversation:
    """A row that does not say its skill and answers with a call of one is a row of calls all the same."""
    if row.skill or len(row.messages) != 2:
        return row
    try:
        name = parse(row.answer, max_length=None)[0].name
    except CallSyntaxError:
        return row
    return replace(row, skill=name) if name in skills else row


def _valid(
    rows: list[Conversation], skills: Mapping[str, Skill], now: datetime, dropped: list[Dropped]
) -> list[Conversation]:
    """Rows of calls must be calls of skills that there are, and valid."""
    known = {**skills, OTHER: OTHER_SKILL}
    kept = []
    for row in (_named(row, known) for row in rows):
        try:
            if row.skill in known and not row.calls:
                raise CallError(f"the answer {shorten(row.answer)!r} is no call of {row.skill}")
            for call in row.calls:
                if call.name not in known:
                    raise CallError(f"there is no skill {call.name!r}")
                known[call.name].check(call, now)
        except CallError as error:
            dropped.append(Dropped(row.origin, str(error)))
        else:
            kept.append(row)
    return kept


def _unlike(
    rows: list[Conversation], skills: Mapping[str, Skill], now: datetime, alike: float, dropped: list[Dropped]
) -> list[Conversation]:
    """Without rows that say the same again or, where they are calls, the opposite."""
    seen: defaultdict[str, list[Conversation]] = defaultdict(list)
    first: list[Conversation] = []
    for row in rows:
        before = seen[_asked(row)]
        if twin := next((other for other in before if _same(row, other, skills, now)), None):
            dropped.append(Dropped(row.origin, f"the same stands in {twin.origin}"))
        elif row.calls and (other := next((other for other in before if other.calls), None)):
            dropped.append(Dropped(row.origin, f"contradicts {other.origin}: {other.answer}"))
        else:
            before.append(row)
            first.append(row)
    return first if alike >= 1 else _far(first, skills, now, alike, dropped)


def _far(
    rows: Sequence[Conversation], skills: Mapping[str, Skill], now: datetime, alike: float, dropped: list[Dropped]
) -> list[Conversation]:
    """Without rows that are nearly like an earlier one and have its answer."""
    index = Index((_asked(row) for row in rows), alike)
    kept: dict[int, Conversation] = {}
    for place, row in enumerate(rows):
        near = ((kept[other], likeness) for other, likeness in index.near(_asked(row)) if other in kept)
        twin = next(((other, likeness) for other, likeness in near if _same(row, other, skills, now)), None)
        if twin is None:
            kept[place] = row
        else:
            dropped.append(Dropped(row.origin, f"{twin[1]:.0%} like {twin[0].origin}, with the same answer"))
    return list(kept.values())


def _asked(row: Conversation) -> str:
    return "\n".join(normalised(message.text) for message in row.messages[:-1] if message.role != "system")


def _same(one: Conversation, other: Conversation, skills: Mapping[str, Skill], now: datetime) -> bool:
    """Whether both have the same answer."""
    if one.calls and other.calls:
        return same_calls(one.calls, other.calls, skills, now)
    return normalised(one.answer) == normalised(other.answer)


def _order(row: Conversation, seed: int) -> str:
    """A draw that does not depend on the other rows."""
    return hashlib.sha256(f"{seed}\0{row.question}\0{row.answer}".encode()).hexdigest()
