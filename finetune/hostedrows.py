"""What is uploaded to a hosted service: rows in its form, held against its limits before anything is sent.

prepared = prepare(recipe, provider)
prepared.train, prepared.valid     the files' bytes
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from finetune.material import Material, gather
from finetune.provider import MEGABYTE, Provider
from finetune.recipe import Recipe
from finetune.scan import scan
from finetune.shapes import Conversation, DataError, dumps
from finetune.split import point
from otto.errors import ConfigError
from otto.prompt import Message, prompt, router_prompt

CHARACTERS_A_TOKEN = 4
"""In English, about: good enough to tell a row that is far too long, and to guess a cost."""
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """Files to upload, in the service's form."""

    train: bytes
    valid: bytes
    """Empty: none."""
    train_rows: int
    valid_rows: int
    question: Conversation
    """The first held-back row, or the first of all: asked when the model is there."""

    @property
    def tokens(self) -> int:
        """Of the training file, about."""
        return len(self.train) // CHARACTERS_A_TOKEN


def name_of(content: bytes, what: str) -> str:
    """A file's name says what is in it, so that it is found again and uploaded once."""
    return f"otto-{what}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"


def prepare(recipe: Recipe, provider: Provider, valid_rows: int = 0) -> Prepared:
    """The recipe's rows. `valid_rows`: at most so many to validate with, drawn by their text; 0: all.

    Raises `DataError` naming file and line for what the service would refuse, and `ConfigError`.
    """
    if recipe.data.sample:
        raise ConfigError("data.sample: a hosted service needs files; collect them with: otto data collect")
    material = gather(recipe)
    drawn = sorted(material.valid, key=lambda row: point(row.question))[: valid_rows or None]
    train, valid = (_asked(rows, recipe, material, provider) for rows in (material.train, drawn))
    if len(train) < provider.least_rows:
        raise DataError(
            str(recipe.data.train), f"{len(train)} rows: {provider.name} takes {provider.least_rows} at least"
        )
    for row in (*train, *valid):
        _fits(row, provider)
    files = [_file(train), _file(valid)]
    _small_enough(recipe, provider, files, len(valid))
    return Prepared(files[0], files[1], len(train), len(valid), (valid or train)[0])


def _asked(rows: Sequence[Conversation], recipe: Recipe, material: Material, provider: Provider) -> list[Conversation]:
    """The rows as the model will be asked: with the task's system text, in the place where the service wants it."""
    return [_placed(replace(row, messages=_with_system(row, recipe, material)), provider) for row in rows]


def _with_system(row: Conversation, recipe: Recipe, material: Material) -> tuple[Message, ...]:
    if row.messages[0].role == "system" or not recipe.prompt.system:
        return row.messages
    if recipe.task != "router":
        return (Message("system", prompt(recipe.prompt.system)), *row.messages)
    asked = router_prompt(recipe.prompt.format, prompt(recipe.prompt.system))
    system = [each for each in asked.messages(row.question, list(material.skills.values())) if each.role == "system"]
    return (*system, *row.messages)


def _placed(row: Conversation, provider: Provider) -> Conversation:
    first = row.messages[0]
    if provider.system or first.role != "system":
        return row
    user = row.messages[1]
    return replace(row, messages=(Message("user", f"{first.text}\n\n{user.text}"), *row.messages[2:]))


def _fits(row: Conversation, provider: Provider) -> None:
    tokens = sum(len(each.text) for each in row.messages) // CHARACTERS_A_TOKEN
    if tokens > provider.longest_row:
        raise DataError(
            row.origin, f"about {tokens} tokens: {provider.name} takes {provider.longest_row} in a row at most"
        )
    for message in row.messages:
        if found := scan(message.text):
            raise DataError(row.origin, f"{found[0]} would be sent to {provider.name}; remove it")


def _small_enough(recipe: Recipe, provider: Provider, files: Sequence[bytes], valid_rows: int) -> None:
    train, valid = files
    for path, content in ((recipe.data.train, train), (recipe.data.valid, valid)):
        if len(content) > provider.largest_file:
            raise DataError(
                str(path),
                f"{_size(len(content))}: {provider.name} takes files of {_size(provider.largest_file)} at most",
            )
    limits = [provider.largest_valid] if provider.largest_valid else []
    limits += [int(provider.valid_share * len(train))] if provider.valid_share else []
    if limits and len(valid) > min(limits):
        fit = int(0.95 * valid_rows * min(limits) / len(valid))
        advice = f"give hosted.valid_rows = {fit}" if fit else "leave it out (data.valid) or train on more"
        raise DataError(
            str(recipe.data.valid),
            f"the validation set is too large for {provider.name}: {_size(len(valid))} in {valid_rows} rows, and at "
            f"most {_size(min(limits))} are taken ({_size(provider.largest_valid)}, and {provider.valid_share:.0%} of "
            f"the training file); {advice}",
        )


def _file(rows: Sequence[Conversation]) -> bytes:
    return "".join(
        dumps({"messages": [{"role": each.role, "content": each.text} for each in row.messages]}) + "\n" for row in rows
    ).encode()


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE // 10 else f"{count / 1000:.1f} kB"
