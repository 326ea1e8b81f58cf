"""A peft LoRA folder (adapter_config.json, adapter_model.safetensors) → a GGUF LoRA adapter for llama.cpp.

    write_adapter(Path("run/adapter"), Path("run/base"), Path("lights-adapter.gguf"))

llama.cpp adds `alpha / rank · B·A` to each matrix, with one alpha for the whole file. What it cannot say is refused
with the way out: merge the adapter into its base (`otto export --merge`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from finetune.gguf.family import Family, changed, config_of, family_of
from finetune.gguf.model import tensor_names
from finetune.gguf.weights import Weights
from finetune.gguf.writer import Tensor, new_writer, write_whole
from otto.errors import ModelFileError
from otto.progress import Progress

_WHOLE = ("lm_head", "embed_tokens")
_MERGE = "merge it into its base instead: otto export --merge"


def adapter_config(folder: Path) -> Mapping[str, Any]:
    """What adapter_config.json says. Raises `ModelFileError` where it is missing or not a LoRA."""
    file = folder / "adapter_config.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{file}: cannot be read ({error}); give the folder of a peft adapter") from error
    if not isinstance(content, dict) or content.get("peft_type") != "LORA":
        raise ModelFileError(f"{file}: not a LoRA adapter (peft_type is {content.get('peft_type')!r})")
    return content


def write_adapter(folder: Path, base: Path, to: Path, *, name: str = "", progress: Progress | None = None) -> None:
    """Writes the adapter in `folder` as GGUF at `to`; `base`: the folder of the model that it was trained on.

    Raises `ModelFileError` for pickled weights, for tensors of the embeddings or the output, and for kinds of LoRA
    that llama.cpp does not know.
    """
    settings = adapter_config(folder)
    with Weights(folder, "adapter_model") as weights:
        refuse(settings, list(weights), folder)
        config = config_of(base)
        family = family_of(config, base)
        writer = new_writer(family.architecture)
        writer.add_type("adapter")
        writer.add_name(name or folder.name)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", float(settings["lora_alpha"]))
        write_whole(to, writer, _tensors(weights, family, config, settings, folder), progress)


def refuse(settings: Mapping[str, Any], tensors: list[str], folder: Path) -> None:
    """Raises `ModelFileError` for what a GGUF adapter cannot hold."""
    whole = [name for name in tensors if any(part in name for part in _WHOLE)]
    if whole:
        raise ModelFileError(
            f"{folder}: changes to the embeddings or the output ({whole[0]}) do not fit a GGUF adapter; {_MERGE}"
        )
    for key, what in (("use_dora", "DoRA"), ("lora_bias", "biases"), ("alora_invocation_tokens", "an activated LoRA")):
        if settings.get(key):
            raise ModelFileError(f"{folder}: {what} ({key}) cannot be said in a GGUF adapter; {_MERGE}")
    odd = [name for name in tensors if not name.endswith((".lora_A.weight", ".lora_B.weight"))]
    if odd:
        raise ModelFileError(f"{folder}: the tensor {odd[0]} is no part of a LoRA; {_MERGE}")


def _tensors(
    weights: Weights, family: Family, config: Any, settings: Mapping[str, Any], folder: Path
) -> Iterator[Tensor]:
    from gguf import GGMLQuantizationType

    names = tensor_names(family, config)
    for name in weights:
        module, _, part = name.removeprefix("base_model.model.").rpartition(".lora_")
        known = names.get_name(module)
        if known is None:
            raise ModelFileError(f"{folder}: llama.cpp's {family.architecture} has no place for the tensor {name!r}")
        read = partial(_read, weights, family, config, settings, name)
        suffix = "lora_a" if part.startswith("A") else "lora_b"
        yield Tensor(f"{known}.weight.{suffix}", weights.shape(name), GGMLQuantizationType.F32, read)


def _read(weights: Weights, family: Family, config: Any, settings: Mapping[str, Any], name: str) -> Any:
    """A and B as llama.cpp wants them: B's rows are those of the matrix, and what scale differs from alpha / rank goes
    into B."""
    import numpy as np

    tensor = weights.read(name)
    if name.endswith(".lora_A.weight"):
        return tensor
    module = name.removeprefix("base_model.model.").removesuffix(".lora_B.weight")
    rank = tensor.shape[1]
    alpha = _of(settings.get("alpha_pattern"), module, settings["lora_alpha"])
    scale = alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank
    scaled = tensor * (scale / (settings["lora_alpha"] / rank))
    return np.ascontiguousarray(changed(family, config, f"{module}.weight", scaled), dtype=np.float32)


def _of(pattern: Mapping[str, Any] | None, module: str, usual: float) -> float:
    """peft's own rule: the first key of a pattern that is the end of the module's name, or matches there."""
    import re

    for key, value in (pattern or {}).items():
        if re.match(rf"(.*\.)?({key})$", module):
            return float(value)
    return float(usual)
