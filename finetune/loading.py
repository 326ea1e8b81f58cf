"""Loading what is trained: tokenizer and model of a recipe, in 4 bits, whole, or from scratch.

    tokenizer = load_tokenizer(recipe)
    model = load_model(recipe, tokenizer, hardware(recipe))

Weights are read from safetensors only, and no code that comes with them is ever run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import otto
from finetune.recipe import TINY, Recipe
from otto.errors import ConfigError, ModelFileError
from otto.prompt import ChatFormat
from otto.skill import Skill

if TYPE_CHECKING:
    import torch
    from peft import LoraConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TINY_FOLDER = Path(otto.__file__).parent / "data" / "tiny"
EXTRA = "pip install 'otto-assistant[finetune]'"
_NEEDED = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a run computes on."""

    device: Literal["cpu", "cuda"]
    name: str
    bf16: bool
    """Whether it multiplies bfloat16."""
    memory: int
    """Bytes, of one GPU or of the machine."""
    count: int = 1


def need_extra() -> None:
    """Raises `ConfigError` with the command that installs what is missing."""
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigError(f"training needs {', '.join(missing)}; install: {EXTRA}")


def hardware(recipe: Recipe) -> Hardware:
    """Where the recipe would run. Raises `ConfigError` where it asks for CUDA and there is none."""
    import os

    import torch

    wanted = recipe.training.device
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "training.device: CUDA is asked for, and torch finds none here; set it to 'cpu' or 'auto', or install "
            "torch for your GPU (https://pytorch.org/get-started)"
        )
    if wanted != "cpu" and torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        bf16 = torch.cuda.is_bf16_supported()
        return Hardware("cuda", properties.name, bf16, properties.total_memory, torch.cuda.device_count())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return Hardware("cpu", torch.backends.cpu.get_cpu_capability(), _cpu_bf16(), memory)


def base(recipe: Recipe) -> str:
    """Name or folder of the base; empty: from scratch."""
    return str(TINY_FOLDER) if recipe.model.base == TINY else recipe.model.base


def load_tokenizer(
    recipe: Recipe, texts: Sequence[str] = (), skills: Sequence[Skill] = (), kept: Path | None = None
) -> PreTrainedTokenizerBase:
    """The base's tokenizer; from scratch the one in `kept`, else one trained on `texts`. Raises `ModelFileError`."""
    from transformers import AutoTokenizer

    if not recipe.model.base and not kept:
        from finetune.tokenizer import train

        names = {name for skill in skills for name in (skill.name, *(each.name for each in skill.parameters))}
        return train(texts, size=recipe.model.shape.vocabulary, keep=sorted(names))
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            base(recipe) or kept, revision=recipe.model.revision or None, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise _missing(recipe, error) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def check_format(tokenizer: PreTrainedTokenizerBase, form: ChatFormat) -> None:
    """Raises `ConfigError` unless the format's end is one token for this tokenizer: else nothing would end answers."""
    ids = tokenizer(form.end, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise ConfigError(
            f"prompt.format: {form.name!r} ends an answer with {form.end!r}, which is {len(ids)} tokens for this base "
            "and not one; choose the base's own format"
        )


def load_model(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, on: Hardware, offload: Path | None = None
) -> PreTrainedModel:
    """The model to train, without an adapter. Raises `ModelFileError`, `ConfigError`."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(recipe.training.seed)
    if not recipe.model.base:
        return _new(recipe, tokenizer)
    options: dict[str, Any] = {"dtype": dtype(recipe, on), "use_safetensors": True, "trust_remote_code": False}
    if recipe.model.revision:
        options["revision"] = recipe.model.revision
    if recipe.model.attention:
        options["attn_implementation"] = recipe.model.attention
    if recipe.model.device_map:
        options |= {"device_map": recipe.model.device_map, "offload_folder": str(offload or "offload")}
    if recipe.method.kind == "qlora":
        options["quantization_config"] = quantisation(recipe, on)
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base(recipe), **options)
    except (OSError, ValueError) as error:
        raise _missing(recipe, error) from error
    keep_unpacked(model)
    return model


def _new(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A Llama of the recipe's shape with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = recipe.model.shape
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=True,
        initializer_range=shape.hidden**-0.5,  # the usual 0.02 suits wide models; narrow ones learn slowly from it
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    new = LlamaForCausalLM(config)
    _pair(new, tokenizer)
    return new


def keep_unpacked(model: Any) -> None:
    """Keeps 4-bit weights on a CPU as they are. bitsandbytes would pack them anew for inference at the first
    evaluation, and train on what it then misreads (seen with 0.50.2)."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _pair(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """Lets each piece and the same piece behind a blank begin one vector apart: copying a word to where no blank stands
    before it is then one step, the same for all words."""
    import torch

    from finetune.tokenizer import pairs

    table = model.get_input_embeddings().weight
    with torch.no_grad():
        blank = torch.randn(table.shape[1]) * model.config.initializer_range
        for plain, behind_blank in pairs(tokenizer):
            table[behind_blank] = table[plain] + blank


def load_unsloth(recipe: Recipe) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Model with adapter and tokenizer through Unsloth. Raises `ConfigError` where it is not installed."""
    if importlib.util.find_spec("unsloth") is None:
        raise ConfigError("model.unsloth: Unsloth is not installed; install it (https://docs.unsloth.ai), or set false")
    from unsloth import FastLanguageModel  # type: ignore[import-not-found, unused-ignore]

    model, tokenizer = FastLanguageModel.from_pretrained(
        base(recipe), max_seq_length=recipe.data.max_length, load_in_4bit=recipe.method.kind == "qlora"
    )
    if recipe.method.kind != "full":
        model = FastLanguageModel.get_peft_model(
            model,
            r=recipe.method.rank,
            lora_alpha=recipe.method.alpha,
            lora_dropout=recipe.method.dropout,
            random_state=recipe.training.seed,
        )
    return model, tokenizer


def adapter(recipe: Recipe) -> LoraConfig | None:
    """The adapter to train; None where all weights are."""
    if recipe.method.kind == "full":
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.method.rank,
        lora_alpha=recipe.method.alpha,
        lora_dropout=recipe.method.dropout,
        target_modules=recipe.method.targets,
        task_type="CAUSAL_LM",
    )


def quantisation(recipe: Recipe, on: Hardware) -> Any:
    """NF4, as QLoRA has it (Dettmers et al., 2023). Raises `ConfigError` without bitsandbytes."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(f"method.kind: qlora needs bitsandbytes; install: {EXTRA}, or set method.kind to 'lora'")
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.method.double_quantisation,
        bnb_4bit_compute_dtype=torch.bfloat16 if bf16(recipe, on) else torch.float32,
    )


def bf16(recipe: Recipe, on: Hardware) -> bool:
    """Whether the run multiplies bfloat16."""
    return on.bf16 if recipe.training.precision == "auto" else recipe.training.precision == "bf16"


def dtype(recipe: Recipe, on: Hardware) -> torch.dtype:
    """How weights are kept: as asked; else whole where they are trained, halved where bfloat16 is computed."""
    import torch

    if recipe.model.dtype != "auto":
        kept: torch.dtype = getattr(torch, recipe.model.dtype)
        return kept
    return torch.bfloat16 if recipe.method.kind != "full" and bf16(recipe, on) else torch.float32


def _cpu_bf16() -> bool:
    """Whether the CPU has instructions for bfloat16; without them it is slower than float32."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _cpu_flag("avx512_bf16", "amx_bf16", "bf16")


def _cpu_flag(*flags: str) -> bool:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return not {*flags}.isdisjoint(text.split())


def _missing(recipe: Recipe, error: Exception) -> ModelFileError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ModelFileError(
        f"model.base: {base(recipe)!r} cannot be loaded: {reason}; give a folder, or a name on the hub that this "
        "machine can reach or has in HF_HOME"
    )
