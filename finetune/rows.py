"""Rows as a trainer takes them: token ids, and labels on the answer and its end alone.

    encode([("<s>User: lights on\\nAssistant:\\n", "lights()</s>")], tokenizer)

A prompt is tokenised as it is when the model is served, so that training sees the very tokens that serving will show;
begin and end tokens stand in the text, none is added.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetune.shapes import Conversation, DataError
from finetune.tasks import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token on which no loss is taken."""
_BATCH = 256
_WINDOW = 16
"""Batches that are sorted by length together, where rows come without end."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row in tokens."""

    input_ids: list[int]
    labels: list[int]
    """The ids where the answer stands, `IGNORED` elsewhere; as long as `input_ids`."""

    @property
    def prompt_tokens(self) -> int:
        return self.labels.count(IGNORED)


def encode(pairs: Sequence[tuple[str, str]], tokenizer: PreTrainedTokenizerBase) -> list[Encoded]:
    """(prompt, completion) pairs in tokens."""
    prompts = tokenizer([prompt for prompt, _ in pairs], add_special_tokens=False)["input_ids"]
    wholes = tokenizer([prompt + completion for prompt, completion in pairs], add_special_tokens=False)["input_ids"]
    found = []
    for prompt, whole, (_, completion) in zip(prompts, wholes, pairs, strict=True):
        ids = list(whole)
        if ids[: len(prompt)] != list(prompt):  # the tokenizer merges across the border: serve the prompt as it is
            ids = [*prompt, *tokenizer(completion, add_special_tokens=False)["input_ids"]]
        found.append(Encoded(ids, [IGNORED] * len(prompt) + ids[len(prompt) :]))
    return found


def encoded(
    rows: Sequence[Conversation], task: Task, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[Encoded]:
    """The rows in tokens. Raises `DataError` naming file and line of the first row that is too long or does not fit
    the task."""
    found: list[Encoded] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        for row, each in zip(batch, encode([task.training(row) for row in batch], tokenizer), strict=True):
            if len(each.input_ids) > max_length:
                raise DataError(
                    row.origin,
                    f"this row has {len(each.input_ids)} tokens, data.max_length allows {max_length}: shorten it, or "
                    "raise data.max_length",
                )
            found.append(each)
    return found


def endless(
    rows: Iterable[Conversation],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    batch_size: int,
    seed: int,
) -> Iterator[dict[str, list[int]]]:
    """Rows in tokens, so ordered that the rows of a batch are about equally long; too long ones are left out."""
    chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    stream = iter(rows)
    while True:
        pairs = [task.training(row) for row, _ in zip(stream, range(batch_size * _WINDOW), strict=False)]
        if not pairs:
            return
        window = sorted(
            (each for each in encode(pairs, tokenizer) if len(each.input_ids) <= max_length),
            key=lambda each: len(each.input_ids),
        )
        batches = [window[start : start + batch_size] for start in range(0, len(window) - batch_size + 1, batch_size)]
        chance.shuffle(batches)
        for batch in batches:
            for each in batch:
                yield {"input_ids": each.input_ids, "labels": each.labels}
