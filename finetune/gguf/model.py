"""A Hugging Face folder (config.json, tokenizer.json, *.safetensors) → one GGUF file that llama.cpp loads.

    write_model(Path("run/model"), Path("otto-tiny.gguf"), kind="f16")

Norms and biases stay float32; matrices take the kind that was asked for, or f16 where their rows are not of whole
blocks of 32. With `q4_0` the embeddings and the output, which suffer most, take q8_0.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from finetune.gguf.family import Family, add_shape, changed, config_of, family_of, rope_factors
from finetune.gguf.vocabulary import add_vocabulary
from finetune.gguf.weights import Weights
from finetune.gguf.writer import Tensor, new_writer, write_whole
from otto.errors import ModelFileError
from otto.progress import Progress

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType

Kind = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
KINDS: tuple[Kind, ...] = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")

_BLOCK = 32
_FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "bf16": 32}
_FINE = ("token_embd.weight", "output.weight")


def write_model(
    folder: Path,
    to: Path,
    *,
    kind: Kind = "f16",
    name: str = "",
    licence: str = "",
    chat_template: bool = True,
    progress: Progress | None = None,
) -> None:
    """Writes the model in `folder` as GGUF at `to`, whole or not at all.

    `chat_template`: the tokenizer's own goes along, for other programs; Otto never renders it. Raises `ModelFileError`
    for an architecture or tokenizer that cannot be written, and for pickled or damaged weights.
    """
    if kind not in KINDS:
        raise ModelFileError(f"there is no kind {kind!r} of GGUF file to write; known: {', '.join(KINDS)}")
    config = config_of(folder)
    family = family_of(config, folder)
    with Weights(folder) as weights:
        writer = new_writer(family.architecture)
        writer.add_type("model")
        writer.add_name(name or folder.name)
        writer.add_license(licence)
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(2)
        add_shape(writer, family, config)
        add_vocabulary(writer, folder, config.vocab_size, chat_template=chat_template)
        write_whole(to, writer, _tensors(weights, family, config, kind, folder), progress)


def _tensors(weights: Weights, family: Family, config: Any, kind: Kind, folder: Path) -> Iterator[Tensor]:
    import gguf
    import numpy as np

    names = tensor_names(family, config)
    factors = rope_factors(config)
    if factors is not None:
        fixed = np.array(factors, dtype=np.float32)
        yield Tensor("rope_freqs.weight", fixed.shape, gguf.GGMLQuantizationType.F32, lambda: fixed)
    for name in weights:
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if name.endswith("rotary_emb.inv_freq"):
            continue
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise ModelFileError(f"{folder}: llama.cpp's {family.architecture} has no place for the tensor {name!r}")
        shape = weights.shape(name)
        yield Tensor(known, shape, type_for(known, shape, kind), partial(_read, weights, family, config, name))


def tensor_names(family: Family, config: Any) -> Any:
    """Hugging Face's names → llama.cpp's, for every layer."""
    import gguf

    by_name = {name: architecture for architecture, name in gguf.MODEL_ARCH_NAMES.items()}
    return gguf.get_tensor_name_map(by_name[family.architecture], config.num_hidden_layers)


def type_for(name: str, shape: tuple[int, ...], kind: Kind) -> GGMLQuantizationType:
    """How the numbers of a tensor are kept."""
    from gguf import GGMLQuantizationType

    if len(shape) == 1:
        return GGMLQuantizationType.F32
    if kind.startswith("q") and shape[-1] % _BLOCK:
        return GGMLQuantizationType.F16
    if kind.startswith(("q4", "q5")) and name in _FINE:
        return GGMLQuantizationType.Q8_0
    return GGMLQuantizationType[kind.upper()]


def _read(weights: Weights, family: Family, config: Any, name: str) -> Any:
    import numpy as np

    return np.ascontiguousarray(changed(family, config, name, weights.read(name)), dtype=np.float32)
