"""What every language model does for Otto, wherever it runs: write a text that goes on from a prompt.

`otto/models/llama.py` (GGUF in a child process), `transformer.py` (Hugging Face weights with an adapter) and
`endpoint.py` (any OpenAI-compatible server) keep this Protocol; `otto/routers/model.py` makes a router of any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from otto.prompt import Message
from otto.skill import Skill

ANSWER_TOKENS = 256
"""Tokens that an answer may take: several calls at their longest (512 characters) fit."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, in each of the forms that an engine may need; each takes what suits it."""

    prompt: str
    """The whole prompt in the model's own framing; tokenised with special tokens parsed and none added."""
    messages: tuple[Message, ...] = ()
    """The same as messages: for servers that frame them on their own."""
    end: str = ""
    """What ends the answer: `</s>`."""
    grammar: str = ""
    """GBNF that the answer keeps; empty: free text."""
    skills: Sequence[Skill] = ()
    """What may be called: for servers with native tool calls."""
    most_tokens: int = ANSWER_TOKENS
    deadline_seconds: float = 20.0
    """From asking to the whole answer."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what it cost."""

    text: str
    """Without the end token."""
    log_probability: float = 0.0
    """Natural logarithm, summed over the answer's tokens (under the grammar, where one was kept); 0 where the engine
    does not tell."""
    tokens: int = 0
    """In the answer, its end included."""
    prompt_tokens: int = 0
    """In the prompt."""
    reused_tokens: int = 0
    """Of these, the ones that an earlier request had left evaluated."""
    milliseconds: float = 0.0
    cost: float = 0.0
    """In the currency of the settings' prices; 0 on the own machine."""


class LanguageModel(Protocol):
    """Anything that writes. Not thread-safe: one request at a time."""

    @property
    def name(self) -> str:
        """Which engine and model: `llama:otto-tiny.gguf`."""
        ...

    def write(self, request: Request) -> Written:
        """The answer. Raises `ModelError` when none came: too late, crashed, refused."""
        ...

    def close(self) -> None:
        """Frees memory and child processes."""
        ...
