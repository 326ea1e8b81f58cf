"""A data set on the disk: chat rows by split, a manifest that says what they are, and a test set for `otto bench`.

    manifest = write_set(Path("data"), collection, skills)
    manifest_hash(Path("data"))

    train.jsonl  valid.jsonl  test.jsonl     chat rows with their source and skill
    manifest.json                            counts by source and skill, seed, hashes, what was dropped and why
    bench/                                   the same rows of calls as a test set for `otto bench` and `otto eval`

The same collection gives the same bytes. The manifest is written last, and a folder without one is no data set.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.scan import scan
from finetune.shapes import Conversation, DataError, lines
from finetune.sources import Dropped
from finetune.split import SPLITS, Shares, by_source
from otto.call import OTHER
from otto.config import bundled
from otto.errors import OttoError
from otto.example import Origin
from otto.files import write_atomic
from otto.prompt import skills_hash
from otto.skill import Skill, to_json


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


def write_set(folder: Path, collection: Collection, skills: Mapping[str, Skill]) -> Path:
    """Writes the data set and returns its manifest, which is written last. Raises `OttoError`."""
    contents = {f"{name}.jsonl": lines(collection.parts[name]) for name in SPLITS}
    contents |= _bench(collection.parts, skills)
    # Once more over what is really written, whatever came before: this is the promise.
    if found := [each for row in collection.rows for each in private_data(row)]:
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


def private_data(row: Conversation) -> list[tuple[Origin, str]]:
    """Where a row holds secrets or personal data, and what."""
    return [(row.origin, str(finding)) for message in row.messages for finding in scan(message.text)]


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
            "each": [_anywhere(str(each)) for each in collection.dropped],
        },
        "skills_hash": skills_hash(skills.values()) if used else "",
        "sha256": {name: hashlib.sha256(content.encode()).hexdigest() for name, content in contents.items()},
    }


def _anywhere(text: str) -> str:
    """Without the folders of this machine."""
    for folder in (bundled("examples").parent, Path.cwd()):
        text = text.replace(f"{folder}{os.sep}", "")
    return text


def _counts(rows: Sequence[Conversation]) -> dict[str, object]:
    by_skill = Counter(row.skill for row in rows if row.skill)
    return {"rows": len(rows), "by_source": dict(by_source(rows)), "by_skill": dict(sorted(by_skill.items()))}


_REASONS = ("the same stands in", "contradicts", "with the same answer", "is held out", "holds a")


def _reason(why: str) -> str:
    return next((reason for reason in _REASONS if reason in why), "invalid")
