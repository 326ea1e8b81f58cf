"""Where rows for training come from: example files, files of rows, and what was corrected.

rows = from_history(settings)
rows, dropped = from_file(Path("mine.jsonl"))
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from finetune.shapes import Conversation, DataError, from_example, of_calls, read
from otto.call import parse
from otto.config import Settings, bundled
from otto.example import Origin
from otto.examples import file as examplefile
from otto.examples.correction import corrections, corrections_file
from otto.examples.draft import SUFFIX
from otto.prompt import Message
from otto.registry.snapshot import Snapshot
from otto.routers.followup import NAME as FOLLOW_UP
from otto.store import open_store


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that was left out."""

    origin: Origin
    why: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.why}"


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
            if entry.correction and entry.router != FOLLOW_UP:  # alone, such a sentence means something else
                origin = Origin(f"{settings.database} command", entry.id)
                rows.append(of_calls(entry.text, parse(entry.correction), "history", origin))
    return rows


def from_votes(settings: Settings) -> list[Conversation]:
    """The coach's answers that somebody found good, or wrote anew. One that was only found bad teaches nothing."""
    rows = []
    with open_store(settings.database) as store:
        for vote in store.votes.list() if store.saves else ():
            if not (vote.edit or vote.verdict == "up"):
                continue
            before = [
                part for asked, said in vote.before for part in (Message("user", asked), Message("assistant", said))
            ]
            told = (*before, Message("user", vote.question), Message("assistant", vote.edit or vote.answer))
            about = {"model": vote.model, "vote": "edit" if vote.edit else "up"}
            rows.append(Conversation(told, "votes", origin=Origin(f"{settings.database} vote", vote.id), about=about))
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
