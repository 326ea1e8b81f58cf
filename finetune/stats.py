"""What is in a data set: lengths, duplicates, balance, words, and how long a model's window must be.

    stats = measure({"train": rows}, Ruler(chat_format("plain"), tokenizer))
    stats.suggested_max_length

Lengths are of whole rows as they are trained on: framed for the model's family, in tokens of a tokenizer, or in words
where there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.duplicates import NEAR, families, normalised
from finetune.shapes import Conversation
from otto.errors import OttoError
from otto.prompt import ChatFormat, Message

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STEP = 64
"""Windows are multiples of so many tokens."""
MOST_WORDS = 40
TINY = Path(__file__).parent.parent / "otto" / "data" / "tiny" / "tokenizer.json"
_LIGHT = frozenset(
    [
        "a", "an", "the", "and", "or", "but", "of", "to", "in", "on", "at", "for", "with", "from", "by", "is", "are",
        "was", "be", "been", "it", "its", "i", "me", "my", "we", "you", "your", "he", "she", "they", "this", "that",
        "do", "does", "did", "can", "could", "would", "will", "what", "how", "please",
    ]
)  # fmt: skip
"""Words that say nothing about what a set is about."""


@dataclass(frozen=True)
class Ruler:
    """How long a row is."""

    format: ChatFormat
    tokenizer: Tokenizer | None = None
    """None: words are counted."""
    system: str = ""
    """Put before rows that have no system text of their own."""

    @property
    def unit(self) -> str:
        return "tokens" if self.tokenizer else "words"

    def lengths(self, row: Conversation) -> tuple[int, int]:
        """Of what is asked, and of what is answered, its end included."""
        messages = row.messages
        if self.system and messages[0].role != "system":
            messages = (Message("system", self.system), *messages)
        return self._count(self.format.opening(messages[:-1])), self._count(self.format.completion(row.answer))

    def _count(self, text: str) -> int:
        if self.tokenizer is None:
            return len(text.split())
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids)


@dataclass(frozen=True, slots=True)
class Lengths:
    """A distribution."""

    least: int
    median: int
    p95: int
    p99: int
    most: int
    mean: float

    @staticmethod
    def of(values: Sequence[int]) -> Lengths:
        """Percentiles are values that occur (nearest rank)."""
        ordered = sorted(values) or [0]

        def rank(share: float) -> int:
            return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

        return Lengths(ordered[0], rank(0.5), rank(0.95), rank(0.99), ordered[-1], sum(ordered) / len(ordered))


@dataclass(frozen=True)
class Stats:
    """The figures of a data set."""

    rows: Mapping[str, int]
    """By part: `train`, `valid` … or the file's name."""
    unit: str
    """`tokens` or `words`."""
    asked: Lengths
    answered: Lengths
    whole: Lengths
    by_source: Mapping[str, int]
    by_skill: Mapping[str, int]
    balance: float
    """Entropy of the skills (of the sources where there are none) by its largest value: 1 when all are as frequent."""
    same: int
    """Rows whose question stands in an earlier row, word for word."""
    near: int
    """Rows whose question is nearly one of an earlier row, the same words included."""
    words: Mapping[str, int]
    """The most frequent ones in the questions, light words left out."""
    vocabulary: int
    """Different words in the questions."""
    suggested_max_length: int
    """Multiple of 64 that holds every row."""
    values: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Every length, by `asked`, `answered`, `whole`: for plots."""

    def figures(self) -> dict[str, object]:
        """What `stats.json` holds."""
        lengths = {name: getattr(self, name) for name in ("asked", "answered", "whole")}
        kept = ("rows", "unit", "by_source", "by_skill", "same", "near", "vocabulary", "words", "suggested_max_length")
        return {
            **{name: getattr(self, name) for name in kept},
            "balance": round(self.balance, 4),
            "lengths": {
                name: {key: round(getattr(each, key), 2) for key in ("least", "median", "p95", "p99", "most", "mean")}
                for name, each in lengths.items()
            },
        }


def measure(parts: Mapping[str, Sequence[Conversation]], ruler: Ruler, near: float = NEAR) -> Stats:
    """The figures of rows by part. Raises `OttoError` where there are no rows."""
    rows = [row for part in parts.values() for row in part]
    if not rows:
        raise OttoError("there are no rows to look at")
    lengths = [ruler.lengths(row) for row in rows]
    values = {
        "asked": [asked for asked, _ in lengths],
        "answered": [answered for _, answered in lengths],
        "whole": [asked + answered for asked, answered in lengths],
    }
    texts = [normalised(row.question) for row in rows]
    words = Counter(word for text in texts for word in text.split() if word[0].isalnum())
    skills = Counter(row.skill for row in rows if row.skill)
    sources = Counter(row.source for row in rows)
    return Stats(
        rows={name: len(part) for name, part in parts.items()},
        unit=ruler.unit,
        asked=Lengths.of(values["asked"]),
        answered=Lengths.of(values["answered"]),
        whole=Lengths.of(values["whole"]),
        by_source=dict(sources.most_common()),
        by_skill=dict(skills.most_common()),
        balance=_balance(skills or sources),
        same=len(texts) - len(set(texts)),
        near=len(texts) - len(set(families(texts, near))),
        words=dict(
            [pair for pair in words.most_common(MOST_WORDS + len(_LIGHT)) if pair[0] not in _LIGHT][:MOST_WORDS]
        ),
        vocabulary=len(words),
        suggested_max_length=STEP * math.ceil(max(values["whole"]) / STEP),
        values=values,
    )


def tokenizer(name: str) -> Tokenizer | None:
    """The tokenizer in a file or folder, or of a model on the hub; with no name the tiny model's, None without one.

    Raises `OttoError`.
    """
    from tokenizers import Tokenizer

    path = Path(name) if name else TINY
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        if file.is_file():
            return Tokenizer.from_file(str(file))
        return Tokenizer.from_pretrained(name) if name else None
    except Exception as error:
        # What tokenizers raises itself has no class of its own; what the hub's client does, has one of these.
        if type(error) is not Exception and not isinstance(error, (OSError, ValueError)):
            raise
        raise OttoError(f"{name or file}: no tokenizer can be read there: {error}") from error


def _balance(counts: Counter[str]) -> float:
    total = counts.total()
    if len(counts) < 2:
        return 1.0
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return entropy / math.log(len(counts))
