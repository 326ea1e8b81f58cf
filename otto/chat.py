"""Asks a language model, at any OpenAI-compatible endpoint, for something to be read aloud.

`OPENAI_BASE_URL` says where (OpenAI's own where it is not set), `OPENAI_API_KEY` holds the key that the endpoint may
want, and the setting `openai_model` names the model.

    chat(prompt("openai"), "Why is the sky blue?", model="llama-3.2-3b")
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from otto.errors import FetchError, SkillError
from otto.network.fetch import transport
from otto.network.openaiserver import OPENAI, reach
from otto.network.openaiserver import client as connected

if TYPE_CHECKING:
    from openai import OpenAI, OpenAIError

LONGEST = 4000
"""Characters of an answer that are read aloud."""

THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)", re.DOTALL)
"""What a model thinks aloud before it answers."""
_MARKS = re.compile(r"^\s*(?:#+|[-*•]|>)\s+|`+|(?<!\w)[*_]+(?=\S)|(?<=\S)[*_]+(?!\w)", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def chat(system: str, question: str, *, model: str, seconds: float = 20.0) -> str:
    """The model's answer to `question` as plain text. Raises `SkillError` with a sentence, which names the setting or
    the variable where one is missing."""
    if not model:
        raise SkillError('I don\'t know which language model to ask: set openai_model = "…" in otto.toml.')
    client = _client(seconds)
    import openai

    try:
        answer = client.chat.completions.create(
            model=model,
            messages=[{"role": "system", "content": system}, {"role": "user", "content": question}],
        )
    except openai.OpenAIError as error:
        raise explained(error) from None  # servers repeat the key in their complaint, and tracebacks end up in logs
    except ValueError as error:  # what the library's own reading of the answer raises
        raise SkillError("The language model answered with something that I can't read.") from error
    finally:
        client.close()
    text = _text(answer)
    if not text:
        raise SkillError("The language model answered with something that I can't read.")
    return text


def plain(text: str) -> str:
    """`text` without the marks of Markdown and without a model's thinking aloud, at most `LONGEST` characters."""
    said = _MARKS.sub("", _LINK.sub(r"\1", THOUGHT.sub("", text)))
    said = re.sub(r"\s*\n\s*", "\n", said).strip()
    if len(said) <= LONGEST:
        return said
    whole, stop, _ = said[:LONGEST].rpartition(". ")
    return whole + stop.strip() if whole else said[:LONGEST]


def _client(seconds: float) -> OpenAI:
    base = os.environ.get("OPENAI_BASE_URL", "")
    key = os.environ.get("OPENAI_API_KEY", "")
    if not base and not key:
        raise SkillError("I have no language model to ask: set OPENAI_BASE_URL or OPENAI_API_KEY.")
    address = base or OPENAI
    return connected(address, key, transport(**reach(address), seconds=seconds))


def _text(answer: object) -> str:
    """The text in an answer of whatever shape: endpoints that claim to be compatible differ."""
    choices = getattr(answer, "choices", None)
    message = getattr(choices[0], "message", None) if isinstance(choices, list) and choices else None
    content = getattr(message, "content", None)
    return plain(content) if isinstance(content, str) else ""


def explained(error: OpenAIError, settings: str = "openai_model and OPENAI_BASE_URL") -> SkillError:
    """A sentence for the user, which holds nothing of what the server said. `settings`: those that say which model."""
    import openai

    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        return SkillError(str(cause) if isinstance(cause, FetchError) else "I couldn't reach the language model.")
    match getattr(error, "status_code", 0):
        case 401 | 403:
            return SkillError("The language model refused my key: check OPENAI_API_KEY.")
        case 404:
            return SkillError(f"The language model is not there: check {settings}.")
        case 429:
            return SkillError("The language model has too much to do, or the key's limit is used up. Try again later.")
        case status if isinstance(status, int) and status >= 400:
            return SkillError(f"The language model answered with error {status}.")
        case _:
            return SkillError("The language model answered with something that I can't read.")
