"""What a run will take: weights, memory, disk and time, estimated before it starts.

    plan = estimate(prepared, output)
    for line in plan.lines(): print(line)
    check(plan)                             raises where memory or disk cannot suffice

Weights are counted exactly, on a model without storage. Memory follows Korthikanti et al., Reducing Activation
Recomputation in Large Transformer Models (2022); time follows from how fast this machine multiplies right now. Both are
good to a factor of two.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.loading import adapter, base, bf16
from otto.errors import ConfigError, ModelFileError

if TYPE_CHECKING:
    from finetune.prepared import Prepared

UTILISATION = {"cpu": 0.35, "cuda": 0.3}
"""Share of a plain matrix product's speed that training reaches."""
_ADAM = 8
"""Bytes that AdamW keeps for a trained weight, in 32 bits."""
_ACTIVATIONS = 34
"""Bytes a token, layer and hidden unit that the backward pass needs, in 16 bits; 2 with checkpointing."""
_NF4 = 0.55
"""Bytes of a weight in 4 bits, its scales included."""
_OVERHEAD = {"cpu": 500 << 20, "cuda": 1 << 30}
"""Bytes of libraries and buffers."""
_STEP_SECONDS = {"cpu": 0.02, "cuda": 0.003}
"""A step's and layer's cost whatever its size: what small models spend most of their time on."""
_SAMPLED = 512
"""Sampled rows that the mean length is taken from."""
_MILLION, _GIBI = 1e6, 1 << 30


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, before it starts."""

    name: str
    base: str
    """Empty: from scratch."""
    method: str
    device: str
    precision: str
    optimizer: str
    weights: int
    """Of the model."""
    trained: int
    """Of them, or of the adapter."""
    rows: int
    """To train on; of sampled sentences all that will be seen."""
    valid_rows: int
    tokens: int
    """Of all rows once."""
    longest: int
    """Tokens of the longest row."""
    steps: int
    memory: int
    """Bytes that are needed, of the device."""
    memory_there: int
    disk: int
    """Bytes that are written at most."""
    disk_there: int
    seconds: float

    def lines(self) -> Iterator[tuple[str, str]]:
        """(what, figure) for people."""
        yield "recipe", self.name
        yield "base", self.base or "none: from scratch"
        yield "method", f"{self.method}, {self.trained / _MILLION:.2f} of {self.weights / _MILLION:.2f} million weights"
        yield "device", f"{self.device}, {self.precision}, {self.optimizer}"
        yield "rows", f"{self.rows} to train, {self.valid_rows} to validate; the longest has {self.longest} tokens"
        yield "steps", f"{self.steps}, {self.tokens / _MILLION:.2f} million tokens an epoch"
        yield "memory", f"about {_size(self.memory)} of {_size(self.memory_there)}"
        yield "disk", f"at most {_size(self.disk)}; {_size(self.disk_there)} are free"
        yield "time", f"about {_duration(self.seconds)}"

    def as_json(self) -> dict[str, object]:
        """All figures, for programs."""
        return asdict(self)


def estimate(ready: Prepared, output: Path) -> Plan:
    """The plan of what was prepared. Raises `ModelFileError` where the base's configuration cannot be had."""
    from finetune.trainersettings import optimizer

    recipe, training = ready.recipe, ready.recipe.training
    config, weights, embedded, trained = _counted(ready)
    lengths = _lengths(ready)
    rows = len(ready.train) if ready.train else training.steps * training.batch_size * training.accumulation
    mean = sum(lengths) / len(lengths)
    a_step = training.batch_size * training.accumulation * ready.on.count
    steps = training.steps or math.ceil(training.epochs * len(lengths) / a_step)
    width = recipe.data.max_length if recipe.data.packing else max(lengths)
    kept = {"qlora": _NF4, "lora": 2.0 if bf16(recipe, ready.on) else 4.0, "full": 4.0}[recipe.method.kind]
    checkpointed = training.gradient_checkpointing
    a_token = config.hidden_size * config.num_hidden_layers * (2 if checkpointed else _ACTIVATIONS)
    logits = 10 * config.vocab_size
    memory = (
        kept * (weights - embedded)
        + (kept if recipe.method.kind == "full" else 2.0) * embedded
        + trained * (_ADAM + 4 + (0 if recipe.method.kind == "full" else 4))
        + training.batch_size * width * (a_token * (1 if bf16(recipe, ready.on) else 2) + logits)
        + _OVERHEAD[ready.on.device]
    )
    checkpoints = training.keep + 1 if training.save_every or training.early_stopping else 0
    parent = next(folder for folder in (output, *output.resolve().parents) if folder.is_dir())
    work = (6 if recipe.method.kind == "full" else 4) * weights * mean * a_step * steps
    return Plan(
        name=recipe.name,
        base=recipe.model.base,
        method=recipe.method.kind,
        device=f"{ready.on.count} × {ready.on.name}" if ready.on.count > 1 else ready.on.name,
        precision="bf16" if bf16(recipe, ready.on) else "fp32",
        optimizer=optimizer(recipe, ready.on),
        weights=weights,
        trained=trained,
        rows=rows,
        valid_rows=len(ready.valid),
        tokens=int(mean * rows),
        longest=max(lengths),
        steps=steps,
        memory=int(memory),
        memory_there=ready.on.memory,
        disk=trained * 4 + checkpoints * trained * 12 + (32 << 20),
        disk_there=shutil.disk_usage(parent).free,
        seconds=work / (_speed(ready) * UTILISATION[ready.on.device] * ready.on.count)
        + steps * training.accumulation * config.num_hidden_layers * _STEP_SECONDS[ready.on.device],
    )


def check(plan: Plan, *, offloads: bool = False) -> None:
    """Raises `ConfigError` where the run cannot fit. `offloads`: layers may go to memory and disk."""
    if plan.disk > plan.disk_there:
        raise ConfigError(
            f"the disk has {_size(plan.disk_there)} free and the run may write {_size(plan.disk)}: free some, name "
            "another folder with --output, or set training.keep and training.save_every lower"
        )
    if plan.memory_there and plan.memory > plan.memory_there and not offloads:
        raise ConfigError(
            f"the run needs about {_size(plan.memory)} of memory and {plan.device} has {_size(plan.memory_there)}: set "
            "method.kind to 'qlora', training.batch_size lower (and accumulation higher), "
            "training.gradient_checkpointing, or data.max_length lower"
        )


def _counted(ready: Prepared) -> tuple[Any, int, int, int]:
    """Configuration, all weights, those of embeddings, and those that will be trained."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from finetune.loading import load_model

    recipe = ready.recipe
    if not recipe.model.base:
        model = load_model(recipe, ready.tokenizer, ready.on)
    else:
        try:
            config = AutoConfig.from_pretrained(base(recipe), revision=recipe.model.revision or None)
        except (OSError, ValueError) as error:
            raise ModelFileError(f"model.base: {base(recipe)!r}: {error}") from error
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    weights = model.num_parameters()
    whole: Any = model
    tables = {whole.get_input_embeddings().weight, whole.get_output_embeddings().weight}
    embedded = sum(table.numel() for table in tables)
    lora = adapter(recipe)
    if lora is None:
        return model.config.get_text_config(), weights, embedded, weights
    from peft import get_peft_model

    tuned = get_peft_model(model, lora)
    trained = sum(each.numel() for each in tuned.parameters() if each.requires_grad)
    return model.config.get_text_config(), weights, embedded, trained


def _lengths(ready: Prepared) -> list[int]:
    if ready.train:
        return [len(each.input_ids) for each in ready.train]
    from finetune.trainingset import sampled

    return [len(row["input_ids"]) for row, _ in zip(sampled(ready), range(_SAMPLED), strict=False)]


def _speed(ready: Prepared) -> float:
    """Floating-point operations a second in a plain matrix product, here and now."""
    import torch

    size = 4096 if ready.on.device == "cuda" else 512
    kind = torch.bfloat16 if bf16(ready.recipe, ready.on) else torch.float32
    one = torch.ones(size, size, dtype=kind, device=ready.on.device)
    best = math.inf
    for _ in range(4):
        started = time.perf_counter()
        float((one @ one)[0, 0])  # waits until it is computed
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best


def _size(count: int) -> str:
    return f"{count / _GIBI:.1f} GiB" if count >= _GIBI else f"{count / (1 << 20):.0f} MiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
