"""Asking a model: sample answers while it is trained, and one question to what was saved.

    answers(model, tokenizer, ["<s>User: lights on\\nAssistant:\\n"], end="</s>")
    ask_saved(folder, recipe, prompt, "</s>", hardware)

The model is asked plainly, without a grammar, word by word the likeliest: what it writes is what it has learned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otto.errors import ModelError

if TYPE_CHECKING:
    from finetune.loading import Hardware
    from finetune.recipe import Recipe

MOST_TOKENS = 128
"""Of an answer."""
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a saved model."""

    prompt: str
    answer: str
    ended: bool
    """Whether the model wrote the end token itself."""
    loss: float
    """Mean over the tokens of the answer that was wanted."""


def answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    *,
    end: str,
    most_tokens: int = MOST_TOKENS,
    batch: int = _BATCH,
    temperature: float = 0.0,
) -> list[tuple[str, bool]]:
    """(answer, whether it ended on its own) for each prompt. `temperature`: above 0 words are drawn, else the likeliest
    is taken."""
    import torch

    end_id = tokenizer(end, add_special_tokens=False)["input_ids"][-1]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else end_id
    ids = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    found: list[tuple[str, bool]] = [("", False)] * len(ids)
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    was_training = model.training
    model.eval()
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        width = max(len(ids[place]) for place in places)
        rows = torch.tensor([[pad] * (width - len(ids[place])) + list(ids[place]) for place in places])
        mask = torch.tensor([[0] * (width - len(ids[place])) + [1] * len(ids[place]) for place in places])
        with torch.no_grad():
            written = model.generate(
                input_ids=rows.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=most_tokens,
                do_sample=temperature > 0,
                temperature=temperature or None,
                top_p=None,
                top_k=None,
                eos_token_id=end_id,
                pad_token_id=pad,
            )
        for place, row in zip(places, written[:, width:].tolist(), strict=True):
            ended = end_id in row
            kept = row[: row.index(end_id)] if ended else row
            found[place] = (tokenizer.decode(kept, skip_special_tokens=False).strip(), ended)
    model.train(was_training)
    return found


def loss_of(model: Any, input_ids: Sequence[int], labels: Sequence[int]) -> float:
    """Mean loss over the labelled tokens of one row."""
    import torch

    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([list(input_ids)], device=model.device)).logits[0, :-1].float()
    model.train(was_training)
    wanted = torch.tensor(list(labels)[1:], device=logits.device)
    return float(torch.nn.functional.cross_entropy(logits, wanted, ignore_index=-100))


def load_saved(folder: Path, recipe: Recipe, on: Hardware) -> tuple[Any, Any]:
    """Model and tokenizer as they lie on the disk, loaded as serving loads them. Raises `ModelError`."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetune.loading import base, dtype, keep_unpacked, quantisation

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        options: dict[str, Any] = {"dtype": dtype(recipe, on), "use_safetensors": True, "trust_remote_code": False}
        model: Any
        if recipe.method.kind == "full":
            model = AutoModelForCausalLM.from_pretrained(folder, **options)
        else:
            from peft import PeftModel

            if recipe.method.kind == "qlora":
                options["quantization_config"] = quantisation(recipe, on)
            if recipe.model.revision:
                options["revision"] = recipe.model.revision
            if recipe.model.device_map:
                options |= {"device_map": recipe.model.device_map, "offload_folder": str(folder / "offload")}
            whole: Any = AutoModelForCausalLM.from_pretrained(base(recipe), **options)
            keep_unpacked(whole)
            model = PeftModel.from_pretrained(whole, folder, **_spread(whole, folder))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder}: what was saved cannot be loaded again: {error}") from error
    if on.device == "cuda" and not recipe.model.device_map and recipe.method.kind != "qlora":
        model = model.to("cuda")
    return model.eval(), tokenizer


def _spread(whole: Any, folder: Path) -> dict[str, Any]:
    """Where the layers of an adapter go whose base lies partly in memory or on disk: to their base's. Left to itself,
    peft 0.21 plans anew for all, and cannot move what is on disk."""
    places: dict[str, Any] = getattr(whole, "hf_device_map", None) or {}
    if not {"cpu", "disk"} & {*map(str, places.values())} or len(places) < 2:
        return {}
    named = {f"base_model.model.{name}".rstrip("."): place for name, place in places.items()}
    (folder / "offload").mkdir(exist_ok=True)
    return {"device_map": named, "offload_folder": str(folder / "offload"), "low_cpu_mem_usage": True}


def ask_saved(
    folder: Path,
    recipe: Recipe,
    on: Hardware,
    prompt: str,
    row: tuple[Sequence[int], Sequence[int]],
    end: str,
    most_tokens: int = MOST_TOKENS,
) -> Asked:
    """Loads what was saved afresh and asks one question. Raises `ModelError` where it cannot be loaded or computes
    no numbers."""
    model, tokenizer = load_saved(folder, recipe, on)
    loss = loss_of(model, *row)
    if not math.isfinite(loss):
        raise ModelError(f"{folder}: the saved model computes no numbers (its loss is {loss}): lower the learning rate")
    [(answer, ended)] = answers(model, tokenizer, [prompt], end=end, most_tokens=most_tokens)
    return Asked(prompt, answer, ended, loss)
