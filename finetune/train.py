"""Training: one loop for adapters, whole models and a model from scratch (trl's `SFTTrainer`, peft, bitsandbytes).

    outcome = train(load("tiny-qlora"), Path("runs/tiny-qlora"))
    otto train tiny-qlora -o runs/tiny-qlora                      the same from the command line
    accelerate launch -m finetune.train qwen-7b -o runs/qwen      on several GPUs

The output folder holds the adapter or the model, its tokenizer and card, `metrics.json`, `predictions.jsonl`, the
recipe as it was understood, and checkpoints. What was saved is loaded afresh and asked one question before the run
counts as done.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import loading, probe
from finetune.curves import keep
from finetune.prepared import Prepared, last_checkpoint, prepare
from finetune.progress import Predictions
from finetune.recipe import Recipe
from finetune.saved import describe, save
from finetune.trainersettings import settings
from finetune.trainingset import dataset, one_row, training_set
from otto.errors import ConfigError, ModelError, OttoError
from otto.files import write_atomic

if TYPE_CHECKING:
    from trl.trainer.sft_trainer import SFTTrainer

LOSS_TOLERANCE = 0.05
"""Relative difference between the trained and the freshly loaded model's loss; rounding to 16 bits costs less."""
FINAL_ROWS = 500
"""Validation rows that the finished model answers, at most."""


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    folder: Path
    metrics: Mapping[str, float] = field(default_factory=dict)
    asked: probe.Asked | None = None


def train(recipe: Recipe, output: Path, *, resume: bool = False) -> Outcome:
    """Runs the recipe and returns what it left in `output`. `resume`: go on from the newest checkpoint there.

    Raises `OttoError`s before anything is trained where something is wrong, and `ModelError` after it where what was
    saved cannot be used.
    """
    ready = prepare(recipe, output if resume else None)
    return run(ready, output, resume=resume)


def run(ready: Prepared, output: Path, *, resume: bool = False) -> Outcome:
    """Trains what was prepared."""
    last = last_checkpoint(output)
    if last and not resume:
        raise ConfigError(f"{output}: holds checkpoints of an earlier run; go on with --resume, or name another folder")
    output.mkdir(parents=True, exist_ok=True)
    write_atomic(output / "recipe.json", ready.recipe.model_dump_json(indent=1))
    started = time.monotonic()
    with _tracked(ready.recipe, output):
        trainer, predictions = build(ready, output)
        result = trainer.train(resume_from_checkpoint=str(last) if last else None)
        save(trainer, output, ready.recipe)
    if not trainer.is_world_process_zero():
        return Outcome(output)
    keep(trainer.state.log_history, output)
    return _finish(ready, trainer, predictions, output, dict(result.metrics), time.monotonic() - started)


def build(ready: Prepared, output: Path) -> tuple[SFTTrainer, Predictions]:
    """The trainer, before its first step."""
    from transformers import EarlyStoppingCallback, set_seed

    from finetune.answerloss import AnswerTrainer

    recipe = ready.recipe
    set_seed(recipe.training.seed)
    if recipe.training.threads:
        import torch

        torch.set_num_threads(recipe.training.threads)
    tokenizer, peft = ready.tokenizer, loading.adapter(recipe)
    if recipe.model.unsloth:
        model, tokenizer = loading.load_unsloth(recipe)
        peft = None
    else:
        given = recipe.model.offload_folder
        model = loading.load_model(recipe, tokenizer, ready.on, given if given != Path() else output / "offload")
    predictions = Predictions(ready.material, tokenizer, ready.end, recipe, output)
    callbacks: list[Any] = [predictions]
    if recipe.training.early_stopping:
        callbacks.append(EarlyStoppingCallback(recipe.training.early_stopping))
    trainer = AnswerTrainer(
        model=model,
        args=settings(ready, output),
        train_dataset=training_set(ready),
        eval_dataset=dataset(ready.valid[: recipe.training.evaluate_rows]) if ready.evaluates else None,
        processing_class=tokenizer,
        peft_config=peft,
        callbacks=callbacks,
    )
    return trainer, predictions


def _finish(
    ready: Prepared,
    trainer: SFTTrainer,
    predictions: Predictions,
    output: Path,
    metrics: dict[str, Any],
    seconds: float,
) -> Outcome:
    """Measures, writes the card, and asks what was saved one question."""
    recipe = ready.recipe
    metrics = {"seconds": round(seconds, 1), **{key: value for key, value in metrics.items() if "flos" not in key}}
    if ready.valid and not recipe.training.fsdp:
        metrics |= predictions.measure(trainer.model, FINAL_ROWS)
    rows, pairs = one_row(ready)
    before = probe.loss_of(trainer.model, rows.input_ids, rows.labels) if not recipe.training.fsdp else None
    describe(ready, output, metrics)
    asked = probe.ask_saved(
        output, recipe, ready.on, pairs[0], (rows.input_ids, rows.labels), ready.end, ready.material.task.most_tokens
    )
    if before is not None and abs(asked.loss - before) > LOSS_TOLERANCE * max(before, 0.1):
        raise ModelError(
            f"{output}: the saved model is not the trained one: its loss on one row is {asked.loss:.4f}, "
            f"was {before:.4f} before it was saved"
        )
    if recipe.training.must_answer and not (asked.ended and ready.material.task.usable(asked.answer)):
        raise ModelError(
            f"{output}: the saved model cannot be used: asked {pairs[0]!r} it wrote {asked.answer[:200]!r}; train it "
            "longer, or look at the prompt's format"
        )
    write_atomic(output / "metrics.json", json.dumps(metrics, indent=1, sort_keys=True) + "\n")
    return Outcome(output, {key: float(value) for key, value in metrics.items()}, asked)


@contextmanager
def _tracked(recipe: Recipe, output: Path) -> Iterator[None]:
    """With an open run at W&B, where the recipe wants one; trainer and predictions log into it."""
    if recipe.logging.wandb == "disabled" or os.environ.get("RANK", "0") != "0":
        yield
        return
    from finetune.tracking import Published, begin

    os.environ["WANDB_LOG_MODEL"] = "false"  # adapters are published when they are exported
    about = Published(name=recipe.name, job="train", config=recipe.model_dump(mode="json"), metrics={})
    tracked = begin(about, output, mode=recipe.logging.wandb, project=recipe.logging.project)
    try:
        yield
    finally:
        tracked.finish()


def main(arguments: Sequence[str]) -> None:
    """`python -m finetune.train RECIPE -o DIR …`: what launchers such as torchrun start."""
    import typer

    from finetune.cli.train import train as command

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(list(arguments))
    except OttoError as error:
        sys.exit(f"otto: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
