"""A model writes, piece by piece: what any OpenAI-compatible server streams, without the model's thinking aloud.

for piece in pieces(model, messages, interrupt): print(piece, end="")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from otto.chat import explained
from otto.coach.named import CoachModel
from otto.errors import FetchError, SkillError
from otto.network.openaiserver import client as connected
from otto.network.openaiserver import reach
from otto.prompt import Message

if TYPE_CHECKING:
    from openai import OpenAI

    from otto.network.streaming import Interrupt

SECONDS = 180.0
"""From asking to the end of an answer; a model on two processor cores writes about five words a second."""
MOST_TOKENS = 1200
MOST_CHARACTERS = 12_000
"""Of an answer; what a model writes beyond that is left out."""
_OPENED = re.compile(r"<think(?:ing)?>")
_CLOSED = re.compile(r"</think(?:ing)?>")
_LONGEST_MARK = len("</thinking>")


def pieces(
    model: CoachModel, messages: Sequence[Message], interrupt: Interrupt, seconds: float = SECONDS
) -> Iterator[str]:
    """The answer bit by bit. Ends early when `interrupt` is set. Raises `SkillError` with a sentence."""
    import openai

    from otto.network.streaming import streaming

    client = connected(
        model.base_url, model.key, streaming(**reach(model.base_url), seconds=seconds, interrupt=interrupt)
    )
    count = 0
    try:
        for piece in aloud(_contents(client, model, messages)):
            piece = piece[: MOST_CHARACTERS - count]
            count += len(piece)
            if piece:
                yield piece
            if count >= MOST_CHARACTERS or interrupt.is_set:
                return
    except openai.OpenAIError as error:
        if not interrupt.is_set:
            raise explained(error, f"the model {model.name} in coach_models, or openai_model") from None
    except FetchError:
        if not interrupt.is_set:
            raise
    except ValueError as error:  # what the library's own reading of the answer raises
        raise SkillError(f"{model.name} answered with something that I can't read.") from error
    finally:
        client.close()


def aloud(contents: Iterable[str]) -> Iterator[str]:
    """Without what stands between `<think>` and `</think>`, wherever the pieces are cut."""
    waiting, thinking = "", False
    for content in contents:
        waiting += content
        while mark := (_CLOSED if thinking else _OPENED).search(waiting):
            if not thinking and mark.start():
                yield waiting[: mark.start()]
            waiting, thinking = waiting[mark.end() :], not thinking
        if thinking:
            waiting = waiting[-_LONGEST_MARK:]
            continue
        held = waiting.rfind("<", max(0, len(waiting) - _LONGEST_MARK))  # perhaps the beginning of a mark
        said, waiting = (waiting, "") if held < 0 else (waiting[:held], waiting[held:])
        if said:
            yield said
    if waiting and not thinking:
        yield waiting


def _contents(client: OpenAI, model: CoachModel, messages: Sequence[Message]) -> Iterator[str]:
    said: Any = [{"role": message.role, "content": message.text} for message in messages]
    stream = client.chat.completions.create(model=model.model, messages=said, max_tokens=MOST_TOKENS, stream=True)
    with closing(stream):
        for event in stream:
            choices: Any = getattr(event, "choices", None)
            delta = getattr(choices[0], "delta", None) if isinstance(choices, list) and choices else None
            content = getattr(delta, "content", None)
            if isinstance(content, str) and content:
                yield content
