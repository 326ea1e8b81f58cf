"""A recipe in the words of trl's trainer.

SFTTrainer(args=settings(ready, output), …)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import loading
from finetune.loading import Hardware
from finetune.prepared import CHECKPOINTS, Prepared
from finetune.recipe import Recipe

if TYPE_CHECKING:
    from trl.trainer.sft_config import SFTConfig


def settings(ready: Prepared, output: Path) -> SFTConfig:
    """The recipe in trl's words."""
    from trl.trainer.sft_config import SFTConfig

    recipe, training = ready.recipe, ready.recipe.training
    evaluates = ready.evaluates
    best = evaluates and training.early_stopping > 0
    save_every = training.evaluate_every if best else training.save_every
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
        **_memory(recipe, set(SFTConfig.__dataclass_fields__)),
    )


def _memory(recipe: Recipe, known: set[str]) -> dict[str, Any]:
    """How rows and activations are laid out. `known`: names that this trl has; one was changed lately."""
    training = recipe.training
    checkpointing = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    further: dict[str, Any] = {checkpointing: training.gradient_checkpointing and not training.fsdp}
    if training.fsdp:
        further |= {"fsdp": True, "fsdp_config": {"activation_checkpointing": training.gradient_checkpointing}}
    if recipe.data.packing:
        return further | {"packing": True, "eval_packing": False}
    return further | {"dataset_kwargs": {"skip_prepare_dataset": True}}


def optimizer(recipe: Recipe, on: Hardware) -> str:
    """Paged AdamW where there is a GPU and a quantised base; else torch's own. What is paged needs a GPU to page from:
    without one it is torch's own, too."""
    if recipe.training.optimizer != "auto" and (on.device == "cuda" or "paged" not in recipe.training.optimizer):
        return recipe.training.optimizer
    return "paged_adamw_8bit" if recipe.method.kind == "qlora" and on.device == "cuda" else "adamw_torch_fused"
