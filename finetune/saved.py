"""What a run leaves behind: weights, tokenizer and the card that says what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.dataset import manifest_hash
from finetune.prepared import Prepared
from finetune.recipe import Recipe
from finetune.shapes import DataError
from otto.files import write_atomic
from otto.models import card
from otto.skill import Skill

if TYPE_CHECKING:
    from trl.trainer.sft_trainer import SFTTrainer


def save(trainer: SFTTrainer, output: Path, recipe: Recipe) -> None:
    """Writes the weights; by all processes together, where there are several."""
    if not recipe.model.saved or recipe.method.kind != "full" or recipe.training.fsdp:
        trainer.save_model(str(output))
        return
    import torch

    model: Any = trainer.model
    kind = getattr(torch, recipe.model.saved)
    # Tied weights have two names and are written once, under the first.
    once = {each.data_ptr(): (name, each) for name, each in reversed(model.state_dict().items())}
    model.save_pretrained(str(output), state_dict={name: each.to(kind) for name, each in once.values()})
    config = output / "config.json"
    content = json.loads(config.read_text(encoding="utf-8")) | {"dtype": recipe.model.saved}
    write_atomic(config, json.dumps(content, indent=2, sort_keys=True) + "\n")


def describe(ready: Prepared, output: Path, metrics: Mapping[str, Any]) -> None:
    """Tokenizer and card, beside the weights that are there."""
    ready.tokenizer.save_pretrained(str(output))
    (output / "training_args.bin").unlink(missing_ok=True)  # a pickle, which nobody should have to trust
    weights = sorted(output.glob("*.safetensors"))
    recipe = ready.recipe
    skills: Sequence[Skill] = list(ready.material.skills.values())
    about: dict[str, Any] = card.taught(ready.prompt, skills)
    card.write(
        output,
        card.Card(
            name=recipe.name,
            kind="transformers" if recipe.method.kind == "full" else "adapter",
            base=recipe.model.base,
            task=recipe.task,
            sha256={path.name: card.digest(path) for path in weights},
            data_hash=data_hash(recipe),
            recipe=recipe.name,
            metrics={key: float(value) for key, value in metrics.items() if isinstance(value, int | float)},
            licence=recipe.licence,
            size=sum(path.stat().st_size for path in weights),
            made=datetime.now(UTC).date().isoformat(),
            **about,
        ),
    )


def data_hash(recipe: Recipe) -> str:
    """Of the data set that was trained on; empty where there is no manifest, or the files are no longer its own."""
    folder = recipe.data.train.parent
    if recipe.data.sample or not (folder / "manifest.json").is_file():
        return ""
    try:
        return manifest_hash(folder)
    except DataError:
        return ""
