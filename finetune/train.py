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
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import loading, probe
from finetune.curves import keep
from finetune.loading import Hardware
from finetune.material import Material, gather
from finetune.progress import Predictions
from finetune.recipe import Recipe
from finetune.rows import Encoded, encode, encoded, endless
from finetune.shapes import Conversation
from otto.errors import ConfigError, ModelError, OttoError
from otto.files import write_atomic
from otto.models import card
from otto.prompt import RouterPrompt, router_prompt
from otto.skill import Skill

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

CHECKPOINTS = "checkpoints"
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
        _save(trainer, output, ready.recipe)
    if not trainer.is_world_process_zero():
        return Outcome(output)
    keep(trainer.state.log_history, output)
    return _finish(ready, trainer, predictions, output, dict(result.metrics), time.monotonic() - started)


def last_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint of a run that is whole; None where there is none."""
    found = sorted(
        (each for each in (output / CHECKPOINTS).glob("checkpoint-*") if (each / "trainer_state.json").is_file()),
        key=lambda each: int(each.name.rpartition("-")[2]),
    )
    return found[-1] if found else None


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
        train_dataset=_train_set(ready),
        eval_dataset=_dataset(ready.valid[: recipe.training.evaluate_rows]) if _evaluates(ready) else None,
        processing_class=tokenizer,
        peft_config=peft,
        callbacks=callbacks,
    )
    return trainer, predictions


def settings(ready: Prepared, output: Path) -> SFTConfig:
    """The recipe in trl's words."""
    from trl.trainer.sft_config import SFTConfig

    recipe, training = ready.recipe, ready.recipe.training
    evaluates = _evaluates(ready)
    best = evaluates and training.early_stopping > 0
    save_every = training.evaluate_every if best else training.save_every
    names = SFTConfig.__dataclass_fields__
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing"
    further: dict[str, Any] = {checkpointing: training.gradient_checkpointing and not training.fsdp}
    if training.fsdp:
        further |= {"fsdp": True, "fsdp_config": {"activation_checkpointing": training.gradient_checkpointing}}
    if recipe.data.packing:
        further |= {"packing": True, "eval_packing": False}
    else:
        further["dataset_kwargs"] = {"skip_prepare_dataset": True}
    return SFTConfig(
        output_dir=str(output / CHECKPOINTS),
        run_name=recipe.name,
        num_train_epochs=training.epochs,
        max_steps=training.steps or -1,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=training.batch_size,
        gradient_accumulation_steps=training.accumulation,
        learning_rate=training.learning_rate,
        lr_scheduler_type=training.schedule,
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        max_grad_norm=training.clip,
        adam_beta2=training.beta2,
        optim=optimizer(recipe, ready.on),
        bf16=loading.bf16(recipe, ready.on),
        use_cpu=ready.on.device == "cpu",
        seed=training.seed,
        logging_steps=training.log_every,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=training.evaluate_every or None,
        save_strategy="steps" if save_every else "no",
        save_steps=save_every or 500,
        save_total_limit=training.keep,
        load_best_model_at_end=best,
        metric_for_best_model="eval_loss" if best else None,
        greater_is_better=False if best else None,
        report_to=[] if recipe.logging.wandb == "disabled" else ["wandb"],
        max_length=recipe.data.max_length,
        loss_type="nll",
        train_sampling_strategy="random" if recipe.data.packing or recipe.data.sample else "group_by_length",
        dataloader_pin_memory=ready.on.device == "cuda",
        disable_tqdm=not sys.stderr.isatty(),
        **further,
    )


def optimizer(recipe: Recipe, on: Hardware) -> str:
    """Paged AdamW where there is a GPU and a quantised base; else torch's own. What is paged needs a GPU to page from:
    without one it is torch's own, too."""
    if recipe.training.optimizer != "auto" and (on.device == "cuda" or "paged" not in recipe.training.optimizer):
        return recipe.training.optimizer
    return "paged_adamw_8bit" if recipe.method.kind == "qlora" and on.device == "cuda" else "adamw_torch_fused"


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
    rows, pairs = _question(ready)
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


def _save(trainer: SFTTrainer, output: Path, recipe: Recipe) -> None:
    """Writes the weights; by all processes together, where there are several."""
    if not recipe.model.saved or recipe.method.kind != "full" or recipe.training.fsdp:
        trainer.save_model(str(output))
        return
    import torch

    model: Any = trainer.model
    kind = getattr(torch, recipe.model.saved)
    model.save_pretrained(str(output), state_dict={name: each.to(kind) for name, each in model.state_dict().items()})
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
            data_hash=_data_hash(recipe),
            recipe=recipe.name,
            metrics={key: float(value) for key, value in metrics.items() if isinstance(value, int | float)},
            licence=recipe.licence,
            size=sum(path.stat().st_size for path in weights),
            made=datetime.now(UTC).date().isoformat(),
            **about,
        ),
    )


def _question(ready: Prepared) -> tuple[Encoded, tuple[str, str]]:
    """One row that the model was taught like."""
    row: Conversation = (
        ready.material.train[0] if ready.material.train else next(ready.material.sampled(ready.recipe, seed=1))
    )
    pair = ready.material.task.training(row)
    return encode([pair], ready.tokenizer)[0], pair


def _train_set(ready: Prepared) -> Any:
    if not ready.recipe.data.sample:
        return _dataset(ready.train)
    from datasets import Features, IterableDataset, List, Value  # type: ignore[import-untyped, unused-ignore]

    return IterableDataset.from_generator(
        sampled, gen_kwargs={"ready": ready}, features=Features({name: List(Value("int64")) for name in _COLUMNS})
    )


_COLUMNS = ("input_ids", "labels")


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


def _dataset(rows: Sequence[Encoded]) -> Any:
    from datasets import Dataset  # type: ignore[import-untyped, unused-ignore]

    return Dataset.from_dict(
        {
            "input_ids": [each.input_ids for each in rows],
            "labels": [each.labels for each in rows],
            "length": [len(each.input_ids) for each in rows],
        }
    )


def _tokenizer_texts(recipe: Recipe, material: Material) -> list[str]:
    changed = recipe.model_copy(update={"data": recipe.data.model_copy(update={"rehearse": 0})})
    rows = material.sampled(changed, seed=recipe.training.seed + 1) if recipe.data.sample else iter(material.train)
    return [
        f"{row.question}\n{row.answer}" for row, _ in zip(rows, range(recipe.model.shape.tokenizer_rows), strict=False)
    ]


def _evaluates(ready: Prepared) -> bool:
    return ready.recipe.training.evaluate_every > 0 and bool(ready.valid)


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


def _data_hash(recipe: Recipe) -> str:
    manifest = recipe.data.train.parent / "manifest.json"
    return card.digest(manifest) if not recipe.data.sample and manifest.is_file() else ""


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


def _quiet() -> None:
    """No telemetry, and no warnings about forks or about names that these libraries will change among themselves."""
    warnings.filterwarnings("ignore", "`.*` is deprecated and will be removed in v6", FutureWarning)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


if __name__ == "__main__":
    main(sys.argv[1:])
