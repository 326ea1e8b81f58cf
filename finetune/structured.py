"""How a chat server is asked for JSON of a schema, and how its answer is read.

body("m", messages, schema, "json_schema")      the request
text, problem = content(reply, wants_json=True)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from otto.errors import shorten
from otto.prompt import Message

MODES = ("json_schema", "tool", "words")
"""How a server is asked for JSON: the first that it takes."""
CUT = "the answer was cut: allow more tokens (--max-tokens)"
"""What is wrong with an answer that has no end."""
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)", re.DOTALL)
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL)
_TRAILING = re.compile(r",(\s*[}\]])")


def body(
    model: str, messages: Sequence[Message], schema: Mapping[str, object] | None, mode: str, **parameters: object
) -> dict[str, object]:
    """The request. `parameters` are sent along."""
    written = [{"role": each.role, "content": each.text} for each in messages]
    asked: dict[str, object] = {"model": model, "messages": written, **parameters}
    if schema is None:
        return asked
    if mode == "json_schema":
        form = {"name": "answer", "strict": True, "schema": schema}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    elif mode == "tool":
        function = {"name": "answer", "description": "Gives the answer.", "parameters": schema}
        asked["tools"] = [{"type": "function", "function": function}]
        asked["tool_choice"] = {"type": "function", "function": {"name": "answer"}}
    else:
        wanted = f"\n\nAnswer with nothing but JSON of this schema:\n{json.dumps(schema)}"
        written[-1]["content"] += wanted
    return asked


def content(reply: Mapping[str, Any], *, wants_json: bool) -> tuple[str, str]:
    """The answer's text, or what is wrong with it."""
    try:
        choice = reply["choices"][0]
        message = choice["message"]
        tools = message.get("tool_calls") or ()
        written = tools[0]["function"]["arguments"] if tools else message.get("content")
        cut = choice.get("finish_reason") == "length"
    except (KeyError, IndexError, TypeError, AttributeError):
        return "", "the answer is no chat completion"
    text = written if isinstance(written, str) else json.dumps(written) if isinstance(written, dict) else ""
    text = _THOUGHT.sub("", text).strip()
    if not text:
        return "", "the answer is empty"
    if not wants_json:
        return text, CUT if cut else ""
    fenced = _FENCED.search(text)
    text = fenced[1] if fenced else text
    for attempt in (text, _object_in(text), _TRAILING.sub(r"\1", _object_in(text))):
        try:
            # Grammars of local servers let control characters stand in strings.
            return json.dumps(json.loads(attempt, strict=False), ensure_ascii=False), ""
        except (ValueError, RecursionError):
            continue
    return "", CUT if cut else f"the answer is no JSON: {shorten(text)!r}"


def _object_in(text: str) -> str:
    """From the first brace to the last: models like to say something before and after."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else ""
