"""What the trainer reads: rows in tokens as a data set, or sentences sampled without end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from finetune.prepared import Prepared
from finetune.rows import Encoded, encode, endless
from finetune.shapes import Conversation

_COLUMNS = ("input_ids", "labels")


def training_set(ready: Prepared) -> Any:
    """The rows to train on, for trl."""
    if not ready.recipe.data.sample:
        return dataset(ready.train)
    from datasets import Features, IterableDataset, List, Value  # type: ignore[import-untyped, unused-ignore]

    return IterableDataset.from_generator(
        sampled, gen_kwargs={"ready": ready}, features=Features({name: List(Value("int64")) for name in _COLUMNS})
    )


def sampled(ready: Prepared) -> Iterator[dict[str, list[int]]]:
    """Sampled rows in tokens, without end."""
    return endless(
        ready.material.sampled(ready.recipe),
        ready.material.task,
        ready.tokenizer,
        max_length=ready.recipe.data.max_length,
        batch_size=ready.recipe.training.batch_size,
        seed=ready.recipe.training.seed,
    )


def dataset(rows: Sequence[Encoded]) -> Any:
    """Rows as they are."""
    from datasets import Dataset  # type: ignore[import-untyped, unused-ignore]

    return Dataset.from_dict(
        {
            "input_ids": [each.input_ids for each in rows],
            "labels": [each.labels for each in rows],
            "length": [len(each.input_ids) for each in rows],
        }
    )


def one_row(ready: Prepared) -> tuple[Encoded, tuple[str, str]]:
    """One row that the model was taught like."""
    row: Conversation = (
        ready.material.train[0] if ready.material.train else next(ready.material.sampled(ready.recipe, seed=1))
    )
    pair = ready.material.task.training(row)
    return encode([pair], ready.tokenizer)[0], pair
