"""Everything before the first step of training: what `otto train --dry-run` looks at.

    ready = prepare(load("tiny-qlora"))
    ready.train[0].labels

Rows, skills, tokenizer and hardware are read and checked here; the model is not loaded.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finetune import loading
from finetune.loading import Hardware
from finetune.material import Material, gather
from finetune.recipe import Recipe
from finetune.rows import Encoded, encoded
from otto.prompt import RouterPrompt, router_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Prepared:
    """Everything before the first step: what `--dry-run` looks at."""

    recipe: Recipe
    material: Material
    on: Hardware
    tokenizer: PreTrainedTokenizerBase
    train: tuple[Encoded, ...]
    """Empty where sentences are sampled."""
    valid: tuple[Encoded, ...]

    @property
    def end(self) -> str:
        """The end token's text."""
        return self.prompt.format.end

    @property
    def evaluates(self) -> bool:
        """Whether the model is measured while it is trained."""
        return self.recipe.training.evaluate_every > 0 and bool(self.valid)

    @property
    def prompt(self) -> RouterPrompt:
        return prompt_of(self.recipe)


def prompt_of(recipe: Recipe) -> RouterPrompt:
    """The framing and system text that the recipe names."""
    from otto.prompt import prompt

    return router_prompt(recipe.prompt.format, prompt(recipe.prompt.system) if recipe.prompt.system else "")


def prepare(recipe: Recipe, resumed: Path | None = None) -> Prepared:
    """Reads and checks all that a run needs, without loading the model. `resumed`: output folder of the run to go on
    with, whose tokenizer a model from scratch keeps. Raises `OttoError`s that name file and line,
    or the recipe's key."""
    loading.need_extra()
    _quiet()
    on = loading.hardware(recipe)
    material = gather(recipe)
    last = last_checkpoint(resumed) if resumed else None
    texts = _tokenizer_texts(recipe, material) if not recipe.model.base and not last else ()
    tokenizer = loading.load_tokenizer(recipe, texts, list(material.skills.values()), last)
    loading.check_format(tokenizer, prompt_of(recipe).format)
    length = recipe.data.max_length
    return Prepared(
        recipe,
        material,
        on,
        tokenizer,
        tuple(encoded(material.train, material.task, tokenizer, length)),
        tuple(encoded(material.valid, material.task, tokenizer, length)),
    )


def last_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint of a run that is whole; None where there is none."""
    found = sorted(
        (each for each in (output / CHECKPOINTS).glob("checkpoint-*") if (each / "trainer_state.json").is_file()),
        key=lambda each: int(each.name.rpartition("-")[2]),
    )
    return found[-1] if found else None


def _tokenizer_texts(recipe: Recipe, material: Material) -> list[str]:
    changed = recipe.model_copy(update={"data": recipe.data.model_copy(update={"rehearse": 0})})
    rows = material.sampled(changed, seed=recipe.training.seed + 1) if recipe.data.sample else iter(material.train)
    return [
        f"{row.question}\n{row.answer}" for row, _ in zip(rows, range(recipe.model.shape.tokenizer_rows), strict=False)
    ]


def _quiet() -> None:
    """No telemetry, and no warnings about forks or about names that these libraries will change among themselves."""
    warnings.filterwarnings("ignore", "`.*` is deprecated and will be removed in v6", FutureWarning)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
