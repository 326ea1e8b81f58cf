"""What llama.cpp calls the parts of each architecture, and what it expects to be changed in them.

Llama and Mistral    rotary positions are kept in halves by Hugging Face and interleaved by llama.cpp: rows of Q and K
                     change places
Qwen2, Qwen3         biases on Q, K and V; a norm on Q and K
Gemma 1, 2, 3        norms store their distance from 1; embeddings are also the output
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otto.errors import ModelFileError

if TYPE_CHECKING:
    from gguf import GGUFWriter

_ROPES = ("default", "linear", "llama3", "yarn")


@dataclass(frozen=True, slots=True)
class Family:
    """How one architecture of Hugging Face becomes one of llama.cpp."""

    architecture: str
    """llama.cpp's name."""
    interleaved: bool = False
    """Whether rows of Q and K change places."""
    norms_around_one: bool = False
    """Whether 1 is added to each norm."""
    windows: bool = False
    """Whether some layers look back only `sliding_window` tokens, and llama.cpp knows it."""


FAMILIES = {
    "LlamaForCausalLM": Family("llama", interleaved=True),
    "MistralForCausalLM": Family("llama", interleaved=True),
    "Qwen2ForCausalLM": Family("qwen2"),
    "Qwen3ForCausalLM": Family("qwen3"),
    "GemmaForCausalLM": Family("gemma", norms_around_one=True),
    "Gemma2ForCausalLM": Family("gemma2", norms_around_one=True, windows=True),
    "Gemma3ForCausalLM": Family("gemma3", norms_around_one=True, windows=True),
}


def config_of(folder: Path) -> Any:
    """A model's configuration as transformers reads it, with its defaults. Raises `ModelFileError`."""
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise ModelFileError(f"{folder}: no config.json there; give the folder of a Hugging Face model")
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except (ValueError, OSError, KeyError) as error:
        raise ModelFileError(f"{folder / 'config.json'}: cannot be understood ({error})") from error


def family_of(config: Any, folder: Path) -> Family:
    """Raises `ModelFileError` for an architecture that is not exported, naming those that are."""
    named = (config.architectures or ["none"])[0]
    if named not in FAMILIES:
        raise ModelFileError(
            f"{folder / 'config.json'}: architecture {named!r} cannot be exported; known: {', '.join(FAMILIES)}"
        )
    return FAMILIES[named]


def head_size(config: Any) -> int:
    """Numbers that one attention head has."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def add_shape(writer: GGUFWriter, family: Family, config: Any) -> None:
    """Writes what llama.cpp must know of the model's shape. Raises `ModelFileError` for what it cannot do."""
    writer.add_context_length(_context(family, config))
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_size(config))
    writer.add_value_length(head_size(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_rope_dimension_count(head_size(config))
    _add_rope(writer, config)
    if family.windows:
        _add_windows(writer, family, config)


def changed(family: Family, config: Any, name: str, tensor: Any) -> Any:
    """A tensor as llama.cpp wants it. `name`: Hugging Face's."""
    if family.norms_around_one and name.endswith("norm.weight"):
        return tensor + 1
    if family.interleaved and ".q_proj." in name:
        return interleaved(tensor, config.num_attention_heads)
    if family.interleaved and ".k_proj." in name:
        return interleaved(tensor, config.num_key_value_heads)
    return tensor


def interleaved(tensor: Any, heads: int) -> Any:
    """Rows of each head in the order 0, n/2, 1, n/2+1, …: pairs that rotate together become neighbours."""
    size = tensor.shape[0] // heads
    return tensor.reshape(heads, 2, size // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def rope_factors(config: Any) -> list[float] | None:
    """By how much Llama 3 slows down each rotation, one number a pair; None where it does not.

    Long waves (against the length it was first trained on) are stretched by `factor`, short ones stay, those between
    are blended (The Llama 3 Herd of Models, arXiv 2407.21783, section 3.4.2; transformers `rope_type="llama3"`).
    """
    rope = _rope(config)
    if rope.get("rope_type", "default") != "llama3":
        return None
    size, trained = head_size(config), rope["original_max_position_embeddings"]
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    found = []
    for pair in range(size // 2):
        wave = 2 * math.pi * rope["rope_theta"] ** (2 * pair / size)
        if wave < trained / high:
            found.append(1.0)
        elif wave > trained / low:
            found.append(float(factor))
        else:
            smooth = (trained / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return found


def _rope(config: Any) -> dict[str, Any]:
    """Rotation of the layers that see everything."""
    rope = dict(getattr(config, "rope_parameters", None) or {})
    rope = rope.get("full_attention") or rope
    return {"rope_theta": getattr(config, "rope_theta", None) or 10_000.0, **rope}


def _add_rope(writer: GGUFWriter, config: Any) -> None:
    from gguf import RopeScalingType

    rope = _rope(config)
    kind = rope.get("rope_type", "default")
    if kind not in _ROPES:
        raise ModelFileError(f"the model's rope_type {kind!r} cannot be exported; known: {', '.join(_ROPES)}")
    writer.add_rope_freq_base(rope["rope_theta"])
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type(RopeScalingType.LINEAR if kind == "linear" else RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def _context(family: Family, config: Any) -> int:
    """Tokens. Where llama.cpp has no windows, only as many as one holds: beyond that the two would differ."""
    window = getattr(config, "sliding_window", None)
    used = getattr(config, "use_sliding_window", True)
    return int(config.max_position_embeddings if family.windows or not (window and used) else window)


def _add_windows(writer: GGUFWriter, family: Family, config: Any) -> None:
    """What only Gemma 2 and 3 have."""
    size = head_size(config)
    scale = getattr(config, "query_pre_attn_scalar", size)
    if scale not in (size, config.hidden_size // config.num_attention_heads):
        raise ModelFileError(f"query_pre_attn_scalar {scale} is not a head's size ({size}): llama.cpp cannot do that")
    writer.add_sliding_window(config.sliding_window)
    local = dict(getattr(config, "rope_parameters", None) or {}).get("sliding_attention")
    if local:
        writer.add_rope_freq_base_swa(local.get("rope_theta", 10_000.0))
    if family.architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
