"""`/v1/chat/completions`: what was said last is a command for Otto's own skills, or for the caller's tools.

Without `tools` Otto carries the command out and the reply is the text; a risky one is answered with a question, and a
"yes" as the next message of the same conversation does it. With `tools` nothing is carried out here: the answer holds
the `tool_calls` that the caller is to make.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from otto.answer import yes_or_no
from otto.service.openaischema import (
    Chat,
    ChatMessage,
    Choice,
    Chosen,
    Completion,
    FunctionCalled,
    ToolCalled,
    ToolGiven,
    Usage,
    Written,
)
from otto.service.operation import EVENTS, Given
from otto.service.parts import Service
from otto.service.refusal import Refusal
from otto.service.tooling import Missing, Toolbox
from otto.turn import NOT_UNDERSTOOD, clean

MODEL = "otto"


class Completions:
    """The operation."""

    def __init__(self, service: Service) -> None:
        self._service = service
        otto = service.otto
        self._tools = Toolbox(lambda: otto.live.ready.snapshot, otto.settings.cache_folder)

    async def run(self, given: Given) -> Completion | Response:
        chat: Chat = given.body
        completion = Completion(
            id=f"chatcmpl-{secrets.token_hex(12)}",
            created=int(time.time()),
            model=chat.model or MODEL,
            choices=[await self._chosen(chat)],
        )
        if not chat.stream:
            return completion
        usage = chat.stream_options is not None and chat.stream_options.include_usage
        return StreamingResponse(_events(completion, usage=usage), media_type=EVENTS)

    async def _chosen(self, chat: Chat) -> Chosen:
        last = chat.messages[-1]
        if last.role in ("tool", "function"):
            return _said(_results(chat.messages))
        if last.role != "user":
            raise Refusal(422, "The last message must be the user's, or a tool's result.")
        if chat.tools and chat.tool_choice != "none":
            return await self._called(chat, chat.tools)
        if chat.tools:
            return _said(NOT_UNDERSTOOD)  # the caller has tools of its own, so that Otto's are not wanted
        return _said(await self._reply(chat.messages))

    async def _reply(self, messages: Sequence[ChatMessage]) -> str:
        said, turns = messages[-1].text, self._service.turns
        before, here, yes = _place(messages[:-2]), _place(messages), yes_or_no(said)
        turns.conversations.rename(before, here)
        asked = turns.pending.get(before) if yes is not None and len(messages) > 2 else None
        if asked is not None and asked.question == messages[-2].text:
            return (await turns.confirm(asked.id, yes=yes is True)).reply
        return (await turns.ask(said, conversation=here, question_id=here)).reply

    async def _called(self, chat: Chat, given: list[ToolGiven]) -> Chosen:
        required = chat.tool_choice == "required" or isinstance(chat.tool_choice, Choice)
        if isinstance(chat.tool_choice, Choice):
            wanted = chat.tool_choice.function.name
            given = [tool for tool in given if tool.function.name == wanted]
            if not given:
                raise Refusal(422, f"tool_choice: there is no tool {wanted!r}")
        text, now = clean(chat.messages[-1].text), self._service.otto.clock.now()
        entries = [tool.model_dump(mode="json") for tool in given]
        tools = await self._service.slowly(lambda: self._tools.tools(entries))
        calls = await self._service.slowly(lambda: tools.calls(text, now, required=required))
        if isinstance(calls, Missing):
            return _said(f"Which {calls.parameter.replace('_', ' ')}?")
        if not calls:
            return _said(NOT_UNDERSTOOD)
        made = [
            ToolCalled(
                id=f"call_{secrets.token_hex(12)}",
                function=FunctionCalled(name=call.name, arguments=json.dumps(dict(call.arguments), ensure_ascii=False)),
            )
            for call in calls
        ]
        return Chosen(message=Written(tool_calls=made), finish_reason="tool_calls")


def _said(text: str) -> Chosen:
    return Chosen(message=Written(content=text), finish_reason="stop")


def _results(messages: Sequence[ChatMessage]) -> str:
    """What the tools answered last, one after another."""
    found: list[str] = []
    for message in reversed(messages):
        if message.role not in ("tool", "function"):
            break
        found.append(message.text)
    return "\n".join(reversed(found))


def _place(messages: Sequence[ChatMessage]) -> str:
    """A name for a point of a conversation, from everything said up to it: the caller keeps no other."""
    whole = json.dumps([(message.role, message.text) for message in messages])
    return "chat-" + hashlib.sha256(whole.encode()).hexdigest()[:40]


async def _events(completion: Completion, *, usage: bool) -> AsyncIterator[str]:
    """The completion in pieces, as server-sent events."""
    frame = {"id": completion.id, "object": "chat.completion.chunk", "created": completion.created}
    frame["model"] = completion.model
    (chosen,) = completion.choices

    def event(delta: dict[str, Any], finished: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finished}
        return f"data: {json.dumps({**frame, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    message = chosen.message
    yield event({"role": "assistant", "content": None if message.tool_calls else ""})
    for place, call in enumerate(message.tool_calls or ()):
        yield event({"tool_calls": [{"index": place, **call.model_dump()}]})
    for place, word in enumerate((message.content or "").split(" ")):
        if word or place:
            yield event({"content": f" {word}" if place else word})
    yield event({}, chosen.finish_reason)
    if usage:
        yield f"data: {json.dumps({**frame, 'choices': [], 'usage': Usage().model_dump()})}\n\n"
    yield "data: [DONE]\n\n"
