"""Makes small language models with random weights, in seconds, for tests of what loads, exports and asks them.

    folder = random_llama(tmp_path / "base")                       a Hugging Face folder with its card
    folder = random_llama(tmp_path / "qwen", family="qwen2")       another architecture of the same size
    adapter = random_adapter(tmp_path / "adapter", folder)         a peft LoRA on it
    file = random_gguf(tmp_path / "tiny.gguf")                     the same as GGUF, with its card

They know nothing: under a grammar they write well-formed nonsense. Needs torch, transformers, peft and gguf: import
this inside tests that are marked `heavy`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from otto.models import card
from otto.prompt import RouterPrompt, router_prompt
from otto.skill import Skill

SENTENCES = (
    "set a timer for ten minutes", "wake me up at half past seven", "what's the weather in São Paulo tomorrow",
    "put milk, eggs and 12 rolls on my shopping list", "how much is nine times nine", "turn the volume down",
    'timer(duration="10 minutes")', 'weather(location="Berlin", days=2); timecheck(location="Tokyo")', "other()",
    "User: lights on\nAssistant:\n", "Wie spät ist es in Köln?", "remind me to call mum at six",
)  # fmt: skip
_SIZE = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4}


def random_llama(
    folder: Path,
    skills: Sequence[Skill] = (),
    *,
    family: str = "llama",
    prompt: RouterPrompt | None = None,
    tokenizer: Any = None,
    seed: int = 0,
    **changes: Any,
) -> Path:
    """A Hugging Face folder with a random model of `family` (llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3), its
    tokenizer (`byte_tokenizer()` unless given), and a card that says it was taught `skills`. `changes`: fields of the
    configuration."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tokenizer or byte_tokenizer()
    settings = _SIZE | {
        "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 2048, "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": None,
        "tie_word_embeddings": family.startswith("gemma"),
    }  # fmt: skip
    named = {"gemma3": "gemma3_text"}.get(family, family)
    if family in ("gemma2", "gemma3"):
        settings |= {"query_pre_attn_scalar": 16, "sliding_window": 16}
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(named, **(settings | changes))).float()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # Norms and biases begin at 0 or 1, where a wrong place or sign would go unseen.
            if weight.dim() == 1:
                weight.add_(0.3 * torch.randn_like(weight))
            elif "embed" in name:
                weight.mul_(20)
            else:
                weight.mul_(5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _write_card(folder, skills, prompt, "transformers", folder / "model.safetensors")
    return folder


def random_adapter(
    folder: Path, base: Path, *, skills: Sequence[Skill] = (), seed: int = 1, modules: Any = "all-linear", **lora: Any
) -> Path:
    """A peft LoRA on `base` that visibly changes what it writes. `lora`: fields of `LoraConfig`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(base)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": modules, "task_type": "CAUSAL_LM"} | lora
    tuned: Any = get_peft_model(model, LoraConfig(**settings))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_" in name:
                weight.copy_(0.3 * torch.randn_like(weight))
    tuned.save_pretrained(folder)
    _write_card(folder, skills, None, "adapter", folder / "adapter_model.safetensors", base=str(base))
    return folder


def random_gguf(file: Path, skills: Sequence[Skill] = (), *, kind: Any = "f16", **changes: Any) -> Path:
    """The random Llama as GGUF, with its card."""
    from finetune.gguf import write_model

    source = random_llama(file.with_name(f"{file.stem}-hf"), skills, **changes)
    write_model(source, file, kind=kind)
    _write_card(file, skills, changes.get("prompt"), "gguf", file)
    return file


def byte_tokenizer(
    texts: Iterable[str] = SENTENCES, tokens: int = 600, *, rule: str = "gpt-2", ignore_merges: bool = False
) -> Any:
    """A byte-level BPE of at most `tokens` tokens with `<s>` and `</s>`, as transformers loads it.

    `rule`: how texts are cut into words: "gpt-2", "digits" (GPT-2's, every digit alone), or a pattern. `ignore_merges`:
    a word that is a token is one, whatever the merges say (Llama 3).
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=rule in ("gpt-2", "digits"))
    first = pre_tokenizers.Digits(individual_digits=True)
    if rule not in ("gpt-2", "digits"):
        first = pre_tokenizers.Split(Regex(rule), "isolated")
    bare = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    bare.pre_tokenizer = byte_level if rule == "gpt-2" else pre_tokenizers.Sequence([first, byte_level])
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>")


def piece_tokenizer(texts: Iterable[str] = SENTENCES, tokens: int = 600, *, prefix: bool = True) -> Any:
    """A BPE over pieces with a byte for what they lack, as Llama 2 and Mistral (`prefix`) and Gemma have it."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>"]
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    words = [word for text in texts for word in f" {text}".replace(" ", " ▁").split(" ")]
    trained.train_from_iterator(words, trainers.BpeTrainer(vocab_size=tokens - 259, show_progress=False))
    learned = json.loads(trained.to_str())["model"]
    names = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *sorted(learned["vocab"], key=learned["vocab"].get)]
    bare = Tokenizer(
        models.BPE(
            vocab={name: number for number, name in enumerate(names)},
            merges=[tuple(pair) for pair in learned["merges"]],
            unk_token="<unk>", fuse_unk=True, byte_fallback=True,
        )
    )  # fmt: skip
    steps = [normalizers.Prepend("▁")] * prefix + [normalizers.Replace(" ", "▁")]
    bare.normalizer = normalizers.Sequence(steps)
    bare.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bare.add_special_tokens(special)
    return PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def _write_card(
    model: Path, skills: Sequence[Skill], prompt: RouterPrompt | None, kind: card.Kind, weights: Path, base: str = ""
) -> None:
    taught = json.loads(json.dumps(card.taught(prompt or router_prompt("plain", ""), skills)))
    card.write(
        model,
        card.Card(
            name=model.stem, kind=kind, sha256={weights.name: card.digest(weights)}, base=base, licence="MIT",
            size=weights.stat().st_size, **taught,
        ),
    )  # fmt: skip


def learned_llama(folder: Path, rows: Sequence[tuple[str, str]], skills: Sequence[Skill], *, steps: int = 120) -> Path:
    """A random Llama after it has learnt these (sentence, calls) by heart: sure of what it writes."""
    from transformers import AutoModelForCausalLM

    random_llama(folder, skills, tokenizer=byte_tokenizer([text for row in rows for text in row], 400))
    model = _taught(AutoModelForCausalLM.from_pretrained(folder), folder, rows, skills, steps)
    model.save_pretrained(folder)
    _write_card(folder, skills, None, "transformers", folder / "model.safetensors")
    return folder


def learned_adapter(
    folder: Path, base: Path, rows: Sequence[tuple[str, str]], skills: Sequence[Skill], *, steps: int = 120
) -> Path:
    """A LoRA on `base` that has learnt these rows."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(base)
    settings = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = _taught(get_peft_model(model, settings), base, rows, skills, steps)
    tuned.save_pretrained(folder)
    _write_card(folder, skills, None, "adapter", folder / "adapter_model.safetensors", base=str(base))
    return folder


def _taught(model: Any, base: Path, rows: Sequence[tuple[str, str]], skills: Sequence[Skill], steps: int) -> Any:
    """The model after `steps` over all rows at once, with the loss on the answers."""
    import torch
    from transformers import AutoTokenizer

    asked, tokenizer = router_prompt("plain", ""), AutoTokenizer.from_pretrained(base)
    ids, labels = [], []
    for text, calls in rows:
        question = tokenizer(asked.opening(text, skills), add_special_tokens=False)["input_ids"]
        answer = tokenizer(asked.format.completion(calls), add_special_tokens=False)["input_ids"]
        ids.append(question + answer)
        labels.append([-100] * len(question) + answer)
    longest = max(map(len, ids))
    inputs = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    wanted = torch.tensor([row + [-100] * (longest - len(row)) for row in labels])
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=4e-3)
    torch.manual_seed(0)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(input_ids=inputs, labels=wanted).loss.backward()
        optimizer.step()
    return model.eval()
