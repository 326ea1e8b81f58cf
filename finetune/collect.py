"""Collects rows for training from wherever they are, and writes a data set that can be trusted.

    collection = collect(gather([Path("mine.jsonl")], settings), skills)
    write_set(Path("data"), collection, skills)

A data set is a folder:

    train.jsonl  valid.jsonl  test.jsonl     chat rows with their source and skill
    manifest.json                            counts by source and skill, seed, hashes, what was dropped and why
    bench/                                   the same rows of calls as a test set for `otto bench` and `otto eval`

The same input gives the same bytes. Rows come in the order of their worth: the history's corrections, then example
files, then other files; of rows that say the same, or contradict each other, the first counts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from finetune.duplicates import NEAR, Index, normalised
from finetune.scan import redacted, scan
from finetune.shapes import Conversation, DataError, from_example, lines, of_calls, read
from finetune.split import SPLITS, Shares, by_source, leaks, split
from otto import examplefile
from otto.call import OTHER, parse
from otto.config import Settings, bundled
from otto.correction import corrections, corrections_file
from otto.errors import CallError, CallSyntaxError, OttoError, shorten
from otto.example import Origin
from otto.exampledraft import SUFFIX
from otto.files import write_atomic
from otto.prompt import skills_hash
from otto.skill import OTHER_SKILL, Skill, same_calls, to_json
from otto.snapshot import Snapshot
from otto.store import open_store

Private = Literal["refuse", "drop", "redact"]
"""What becomes of rows with secrets or personal data."""

ALIKE = 0.95
"""From this likeness on, of two rows with one answer only the first is kept."""
_SHOWN = 20
"""Findings that an error lists."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that was left out."""

    origin: Origin
    why: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.why}"


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set before it is written."""

    parts: Mapping[str, Sequence[Conversation]]
    """Rows by split."""
    dropped: tuple[Dropped, ...]
    given: Mapping[str, int]
    """Rows that came in, by source."""
    shares: Shares
    near: float
    seed: int

    @property
    def rows(self) -> list[Conversation]:
        """All that were kept."""
        return [row for name in SPLITS for row in self.parts[name]]


def from_examples(snapshot: Snapshot, settings: Settings) -> list[Conversation]:
    """The examples of all skills: bundled ones (`examples`), and the user's (`user`) over them."""
    own, shipped = settings.config_folder, bundled("examples")
    rows = []
    for entry in snapshot.skills.values():
        for example in entry.examples:
            path = Path(example.origin.file)
            if source := "user" if path.is_relative_to(own) else "examples" if path.is_relative_to(shipped) else "":
                rows.append(from_example(example, source))
    return rows


def from_history(settings: Settings) -> list[Conversation]:
    """What was corrected: kept as tests by `otto fix`, or noted in the history."""
    path = corrections_file(settings)
    rows = [
        of_calls(row.text, row.calls, "history", Origin(str(path), number))
        for number, row in enumerate(corrections(settings), 1)
    ]
    with open_store(settings.database) as store:
        for entry in reversed(store.history.last(10**6)) if store.saves else ():
            if entry.correction:
                origin = Origin(f"{settings.database} command", entry.id)
                rows.append(of_calls(entry.text, parse(entry.correction), "history", origin))
    return rows


def from_file(path: Path) -> tuple[list[Conversation], list[Dropped]]:
    """The rows of an example file, of JSONL or of a folder of both. Raises `DataError` where none can be read."""
    if path.is_dir():
        inside = [each for each in sorted(path.iterdir()) if each.name.endswith((SUFFIX, ".jsonl"))]
        if not inside:
            raise DataError(str(path), f"no example files (*{SUFFIX}) and no .jsonl in this folder")
        read_all = [from_file(each) for each in inside]
        return [row for rows, _ in read_all for row in rows], [each for _, dropped in read_all for each in dropped]
    if not path.name.endswith(SUFFIX):
        rows = read(path)
        if not rows:
            raise DataError(str(path), "holds no rows")
        return [row if row.source else replace(row, source=path.stem) for row in rows], []
    file = examplefile.read(path)
    if file.broken:
        raise DataError(str(file.problems[0].origin), file.problems[0].message)
    bad = [Dropped(each.origin, each.message) for each in file.problems if each.severity == "error"]
    return [from_example(example, path.name.removesuffix(SUFFIX)) for example in file.examples], bad


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


def write_set(folder: Path, collection: Collection, skills: Mapping[str, Skill]) -> Path:
    """Writes the data set and returns its manifest, which is written last. Raises `OttoError`."""
    contents = {f"{name}.jsonl": lines(collection.parts[name]) for name in SPLITS}
    contents |= _bench(collection.parts, skills)
    # Once more over what is really written, whatever came before: this is the promise.
    if found := [each for row in collection.rows for each in _findings(row)]:
        raise DataError(found[0][0], f"{found[0][1]} would have been written")
    manifest = _manifest(collection, skills, contents)
    try:
        (folder / "bench").mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").unlink(missing_ok=True)
        for name, content in contents.items():
            write_atomic(folder / name, content)
        write_atomic(folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise OttoError(f"{error.filename or folder}: the data set cannot be written: {error.strerror}") from error
    return folder / "manifest.json"


def _findings(row: Conversation) -> list[tuple[Origin, str]]:
    return [(row.origin, str(finding)) for message in row.messages for finding in scan(message.text)]


def _without_private(rows: list[Conversation], private: Private, dropped: list[Dropped]) -> list[Conversation]:
    found = {id(row): findings for row in rows if (findings := _findings(row))}
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


def _bench(parts: Mapping[str, Sequence[Conversation]], skills: Mapping[str, Skill]) -> dict[str, str]:
    """The files of the test set in Otto's own format; none where no row is one of calls."""
    if not any(row.calls for part in parts.values() for row in part):
        return {}
    listed = [to_json(skill) for name, skill in sorted(skills.items()) if name != OTHER]
    files = {"bench/skills.json": json.dumps(listed, indent=1, ensure_ascii=False) + "\n"}
    for name, part in parts.items():
        of_skills = [replace(row, source="", skill="", about={}) for row in part if row.calls]
        files[f"bench/{'dev' if name == 'valid' else name}.jsonl"] = lines(of_skills, "calls")
    return files


def _manifest(collection: Collection, skills: Mapping[str, Skill], contents: Mapping[str, str]) -> dict[str, object]:
    """What the data set is. No times and no machine's names: the same data has the same manifest."""
    used = {call.name for row in collection.rows for call in row.calls}
    return {
        "format": 1,
        "seed": collection.seed,
        "split": {
            "rule": "sha256(normalised question) mod 20: 0 valid, 1 test; families of near texts that it parts: train",
            "valid": collection.shares.valid,
            "test": collection.shares.test,
            "near": collection.near,
        },
        "given": {"rows": sum(collection.given.values()), "by_source": dict(collection.given)},
        "kept": {name: _counts(part) for name, part in collection.parts.items()},
        "dropped": {
            "rows": len(collection.dropped),
            "by_reason": dict(Counter(_reason(each.why) for each in collection.dropped).most_common()),
            "each": [str(each) for each in collection.dropped],
        },
        "skills_hash": skills_hash(skills.values()) if used else "",
        "sha256": {name: hashlib.sha256(content.encode()).hexdigest() for name, content in contents.items()},
    }


def _counts(rows: Sequence[Conversation]) -> dict[str, object]:
    by_skill = Counter(row.skill for row in rows if row.skill)
    return {"rows": len(rows), "by_source": dict(by_source(rows)), "by_skill": dict(sorted(by_skill.items()))}


_REASONS = ("the same stands in", "contradicts", "with the same answer", "is held out", "holds a")


def _reason(why: str) -> str:
    return next((reason for reason in _REASONS if reason in why), "invalid")


def manifest_hash(folder: Path) -> str:
    """sha256 of a data set's manifest, in hex: what a model's card calls `data_hash`. Checks that the files are those
    that it speaks of; raises `DataError` where they are not."""
    path = folder / "manifest.json"
    try:
        content = path.read_bytes()
        listed = json.loads(content)["sha256"].items()
        for name, wanted in listed:
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
                raise DataError(str(folder / name), "was changed after it was collected; collect the data again")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise DataError(
            str(path), f"is no manifest of a data set ({error}); make one with: otto data collect"
        ) from error
    return hashlib.sha256(content).hexdigest()
