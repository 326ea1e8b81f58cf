"""What is judged: one question with a model's answer, and what is known beside it.

    candidates = [read(Path("before.jsonl")), read(Path("after.jsonl"))]
    shared(candidates)          the questions that all have answered

A candidate is a file of answers: rows of any shape (`finetune/shapes.py`); columns `reference` (the answer that was
wanted), `context` (what it had to rest on) and `samples` (further answers of the model, drawn) are used where they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from finetune import shapes
from finetune.duplicates import normalised
from finetune.shapes import Conversation
from otto.errors import OttoError
from otto.prompt import Message, prompt

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Item:
    """One answer."""

    asked: str
    answer: str
    reference: str = ""
    context: str = ""
    samples: tuple[str, ...] = ()
    topic: str = ""

    @property
    def key(self) -> str:
        """The same for the same question and answer, so that a judge is asked once."""
        return digest(self.asked, self.answer)


@dataclass(frozen=True)
class Candidate:
    """One model's answers."""

    name: str
    items: Mapping[str, Item] = field(default_factory=dict)
    """By the question's words."""


def read(path: Path, name: str = "") -> Candidate:
    """The answers in a file; of several to a question the first. Raises `DataError`."""
    items: dict[str, Item] = {}
    for row in shapes.read(path):
        item = of_row(row)
        items.setdefault(normalised(item.asked), item)
    if not items:
        raise OttoError(f"{path}: holds no answer")
    return Candidate(name or path.stem, items)


def shared(candidates: Sequence[Candidate]) -> list[str]:
    """Keys of the questions that all have answered. Raises `OttoError` where there is none, or two share a name."""
    names = [each.name for each in candidates]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise OttoError(f"two files are called {min(doubled)!r}; rename one")
    found = [key for key in candidates[0].items if all(key in each.items for each in candidates)]
    if not found:
        raise OttoError(f"{' and '.join(names)} have no question in common")
    return found


def filled(name: str, **parts: str) -> tuple[Message, ...]:
    """A prompt with its places filled, in one go, so that what was answered is never searched for places."""
    return (Message("user", _PLACE.sub(lambda found: parts.get(found[1], found[0]), prompt(name))),)


def of_row(row: Conversation) -> Item:
    """A row's question and answer, and what stands beside them."""
    said = [each for each in row.messages[:-1] if each.role != "system"]
    asked = said[0].text if len(said) == 1 else "\n\n".join(f"{each.role.capitalize()}: {each.text}" for each in said)
    about = row.about
    samples = about.get("samples")
    return Item(
        asked,
        row.answer,
        str(about.get("reference") or ""),
        str(about.get("context") or ""),
        tuple(map(str, samples)) if isinstance(samples, list) else (),
        str(about.get("topic") or ""),
    )


def digest(*parts: str) -> str:
    """20 hex digits."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
