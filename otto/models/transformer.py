"""A Hugging Face causal model, optionally with a peft adapter, as a language model for Otto.

    model = TransformerModel(Path("runs/router/model"), adapter=Path("runs/router/adapter"))
    model.write(Request(prompt, grammar=grammar(skills), end="</s>")).text
    model.write_many(requests)          # batched, for evaluation: the same answers

Weights come from safetensors only, code and chat templates never from a model's folder. Answers are the likeliest token
after the other, kept to the same GBNF as llama.cpp's (llguidance), and computed in float32 on a processor, so that the
two agree. What prompts have in common at their beginning is evaluated once. Needs the extra `finetune`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otto.errors import ModelError, ModelFileError
from otto.models import card
from otto.models.language import Request, Written
from otto.models.weights import base_of, opened, refuse_unsafe

if TYPE_CHECKING:
    from torch import Tensor

INSTALL = "pip install 'otto-assistant[finetune]'"
BATCH = 16
"""Prompts evaluated at once by `write_many`."""
_NEEDED = ("torch", "transformers", "llguidance")
_CROPPED = {"full_attention", "sliding_attention"}  # kinds of layers whose state can be taken back


class TransformerModel:
    """Keeps the `LanguageModel` protocol. Weights are loaded when first needed, or by `load`."""

    def __init__(self, path: Path, adapter: Path | None = None, *, device: str = "auto") -> None:
        """`path`: a folder of weights, or of an adapter that names its base. `device`: `cpu`, `cuda`, or `auto`.

        Raises `ModelFileError` where a file is missing or would run code, or the extra is not installed.
        """
        if missing := [name for name in _NEEDED if find_spec(name) is None]:
            raise ModelFileError(f"Hugging Face models need {', '.join(missing)}: {INSTALL}")
        self.path, self.adapter = (base_of(path), path) if (path / "adapter_config.json").is_file() else (path, adapter)
        self.device = device
        for folder in filter(None, (self.path, self.adapter)):
            refuse_unsafe(folder)
        if self.adapter and find_spec("peft") is None:
            raise ModelFileError(f"adapters need peft: {INSTALL}")
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """`transformers:otto-tiny+adapter`."""
        return f"transformers:{self.path.name}" + (f"+{self.adapter.name}" if self.adapter else "")

    def load(self) -> None:
        """Loads the weights: seconds to minutes. Raises `ModelFileError`."""
        if self._loaded is None:
            for folder in filter(None, (self.path, self.adapter)):
                if known := card.read(folder):
                    card.verify(folder, known)
            model, tokenizer, device = opened(self.path, self.adapter, self.device)
            kinds = set(getattr(model.config, "layer_types", None) or _CROPPED)
            self._loaded = _Loaded(model, tokenizer, device, kinds <= _CROPPED)

    def write(self, request: Request) -> Written:
        """One answer. Raises `ModelError` when it is late."""
        return self._write([request])[0]

    def write_many(self, requests: Sequence[Request], batch: int = BATCH) -> Iterator[Written]:
        """The answers in order, `batch` at a time; the same ones that `write` gives. Deadlines are for a batch."""
        for start in range(0, len(requests), batch):
            yield from self._write(requests[start : start + batch])

    def close(self) -> None:
        """Frees the weights."""
        self._loaded = None

    def _write(self, requests: Sequence[Request]) -> list[Written]:
        self.load()
        assert self._loaded is not None
        import torch

        with torch.inference_mode():
            return _Batch(self._loaded, requests).written()


@dataclass(eq=False)
class _Loaded:
    """Weights, tokenizer, and what is left of the last prompt."""

    model: Any
    tokenizer: Any
    device: str
    crops: bool
    """Whether the state after a prompt can be taken back to a part of it."""
    state: Any = None
    """Keys and values of `tokens`."""
    tokens: list[int] = field(default_factory=list)
    matchers: dict[tuple[str, str], Any] = field(default_factory=dict)
    """By end and grammar, before the first token."""
    vocabularies: dict[str, Any] = field(default_factory=dict)
    """What llguidance knows of the tokenizer, by end."""

    def ids(self, text: str) -> list[int]:
        """Special tokens are parsed, none added."""
        found: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    def ends(self, end: str) -> set[int]:
        """Tokens that end an answer."""
        own = self.tokenizer.eos_token_id
        single = self.ids(end) if end else []
        return {each for each in (own, single[0] if len(single) == 1 else None) if each is not None}

    def matcher(self, grammar: str, end: str) -> Any:
        """What says which tokens the grammar allows next. Raises `ModelError` for a grammar that cannot be read."""
        from llguidance import LLMatcher, grammar_from
        from llguidance.hf import from_tokenizer

        from otto.grammar import refuse_oversized

        refuse_oversized(grammar)
        if end not in self.vocabularies:
            self.vocabularies[end] = from_tokenizer(self.tokenizer, eos_token=sorted(self.ends(end)))
        if (end, grammar) not in self.matchers:
            if len(self.matchers) > 16:
                self.matchers.clear()
            try:
                # Forcing would allow only the tokenizer's own tokens for what has one spelling: fewer than llama.cpp.
                rules = grammar_from("gbnf", grammar).replace("%llguidance {}", '%llguidance {"no_forcing": true}', 1)
                matcher = LLMatcher(self.vocabularies[end], rules, log_level=0)
            except (ValueError, RecursionError) as error:
                raise ModelError(f"the grammar cannot be read: {str(error)[:200]}") from error
            if matcher.is_error():
                raise ModelError(f"the grammar cannot be read: {matcher.get_error()[:200]}")
            self.matchers[end, grammar] = matcher
        return self.matchers[end, grammar].deep_copy()

    def prefix(self, tokens: list[int]) -> tuple[Any, int]:
        """(state after exactly these tokens, how many of them were left from before)."""
        kept = 0
        if self.state is not None and self.crops:
            limit = min(len(tokens), len(self.tokens))
            kept = next((place for place in range(limit) if tokens[place] != self.tokens[place]), limit)
        if kept:
            self.state.crop(kept - len(self.tokens))
        else:
            self.state = _state(self.model.config, self.crops)
        if kept < len(tokens):
            import torch

            self.model(
                input_ids=torch.tensor([tokens[kept:]], device=self.device),
                past_key_values=self.state,
                use_cache=True,
                logits_to_keep=1,
            )
        self.tokens = list(tokens)
        return self.state, kept


@dataclass(eq=False)
class _Answer:
    """One answer while it is written."""

    request: Request
    matcher: Any
    prompt: list[int]
    tokens: list[int] = field(default_factory=list)
    log_probability: float = 0.0
    done: bool = False

    def takes(self, token: int, log_probability: float, ends: set[int]) -> None:
        """One more token."""
        self.tokens.append(token)
        self.log_probability += log_probability
        if token in ends:
            self.done = True
        elif self.matcher is not None:
            self.matcher.consume_token(token)
        self.done = self.done or len(self.tokens) >= self.request.most_tokens


class _Batch:
    """Several prompts at once. They are padded on the left, after what they have in common; padding is seen by nobody
    and places are counted without it, so that no answer depends on its neighbours."""

    def __init__(self, loaded: _Loaded, requests: Sequence[Request]) -> None:
        self.loaded = loaded
        self.started = time.monotonic()
        self.deadline = self.started + min(request.deadline_seconds for request in requests)
        self.ends = [loaded.ends(request.end) for request in requests]
        self.answers = [
            _Answer(
                request,
                loaded.matcher(request.grammar, request.end) if request.grammar else None,
                loaded.ids(request.prompt),
            )
            for request in requests
        ]
        # The last token of each prompt is always evaluated here: its logits are the first of the answer.
        shortest = min(len(answer.prompt) for answer in self.answers) - 1
        if shortest < 1:
            raise ModelError("a prompt has at least two tokens")
        first = self.answers[0].prompt
        self.common = next(
            (at for at in range(shortest) if any(answer.prompt[at] != first[at] for answer in self.answers)), shortest
        )

    def written(self) -> list[Written]:
        """All answers. Raises `ModelError` when the deadline passes."""
        state, kept = self.loaded.prefix(self.answers[0].prompt[: self.common])
        if len(self.answers) > 1:
            # The shared state stays as it is, for the next batch.
            state = copy.deepcopy(state)
            state.batch_repeat_interleave(len(self.answers))
        try:
            self._go_on(state)
        finally:
            if len(self.answers) == 1:
                self._remember()
        milliseconds = 1000 * (time.monotonic() - self.started) / len(self.answers)
        return [
            self._told(answer, ends, kept, milliseconds) for answer, ends in zip(self.answers, self.ends, strict=True)
        ]

    def _go_on(self, state: Any) -> None:
        import torch

        device = self.loaded.device
        rows = [answer.prompt[self.common :] for answer in self.answers]
        longest = max(map(len, rows))
        pads = torch.tensor([longest - len(row) for row in rows])
        inputs = torch.tensor([[0] * (longest - len(row)) + row for row in rows], device=device)
        seen = torch.ones(len(rows), self.common + longest, dtype=torch.long)
        for row, pad in enumerate(pads.tolist()):
            seen[row, self.common : self.common + pad] = 0
        places = (torch.arange(longest)[None] - pads[:, None]).clamp(min=0) + self.common
        following = self.common + longest - pads  # the place of the next token
        while True:
            logits = self.loaded.model(
                input_ids=inputs,
                past_key_values=state,
                attention_mask=seen.to(device) if len(rows) > 1 else None,
                position_ids=places.to(device),
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            chosen = self._chosen(logits.float().cpu())
            if all(answer.done for answer in self.answers):
                return
            if time.monotonic() > self.deadline:
                raise ModelError(f"{self.answers[0].request.deadline_seconds:.1f} s were not enough for the answer")
            inputs = torch.tensor([[token] for token in chosen], device=device)
            seen = torch.cat([seen, torch.ones(len(rows), 1, dtype=torch.long)], dim=1)
            places = following[:, None]
            following = following + 1

    def _chosen(self, logits: Tensor) -> list[int]:
        """The likeliest token of each row that its grammar allows; what is done gets any."""
        import torch

        chosen = []
        for row, answer in enumerate(self.answers):
            if answer.done:
                chosen.append(0)
                continue
            scores = logits[row]
            if answer.matcher is not None:
                scores = scores.masked_fill(~_allowed(answer.matcher, len(scores)), -torch.inf)
            token = int(scores.argmax())
            probability = float(torch.log_softmax(scores.double(), dim=-1)[token])
            answer.takes(token, probability, self.ends[row])
            chosen.append(token)
        return chosen

    def _remember(self) -> None:
        """Of one prompt all is kept that was evaluated: the prompt and all tokens but the last."""
        (answer,) = self.answers
        evaluated = int(self.loaded.state.get_seq_length())
        self.loaded.tokens = (answer.prompt + answer.tokens)[:evaluated]

    def _told(self, answer: _Answer, ends: set[int], kept: int, milliseconds: float) -> Written:
        tokens = answer.tokens[:-1] if answer.tokens and answer.tokens[-1] in ends else answer.tokens
        text = self.loaded.tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        # 0 would mean that it is not known.
        return Written(
            text, min(answer.log_probability, -1e-9), len(answer.tokens), len(answer.prompt), kept, milliseconds
        )


def _allowed(matcher: Any, size: int) -> Tensor:
    """Which of the model's tokens may come next."""
    import numpy as np
    import torch

    bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
    if matcher.is_error():
        raise ModelError(f"the grammar cannot be kept: {matcher.get_error()[:200]}")
    allowed = np.zeros(size, bool)
    allowed[: min(size, len(bits))] = bits[:size]
    return torch.from_numpy(allowed)


def _state(config: Any, crops: bool) -> Any:
    """Nothing evaluated yet. Without the configuration all layers keep everything, also those that look back only a
    little: what was kept can then be taken back."""
    from transformers import DynamicCache

    return DynamicCache() if crops else DynamicCache(config=config)
