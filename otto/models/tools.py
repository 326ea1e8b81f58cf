"""Skills as the tools of OpenAI-compatible servers, and their tool calls as calls.

>>> tool(timer)["name"]
'timer'
>>> calls_in(message.tool_calls, message.content)
'timer(duration="ten minutes")'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from otto.call import OTHER, Argument, Call, parse, write
from otto.errors import CallSyntaxError
from otto.skill import Skill, to_json


def tool(skill: Skill) -> dict[str, object]:
    """A skill as servers read tools: kinds of values that JSON Schema does not know become words."""
    schema = to_json(skill)
    parameters: Any = schema["parameters"]
    return {
        **schema,
        "parameters": {
            **parameters,
            "properties": {name: _plain(each) for name, each in parameters["properties"].items()},
        },
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key not in ("format", "repeats")}
    if "format" in schema:
        # Enforced by some servers, in ISO 8601, where what was said is wanted.
        described = str(rest.get("description", ""))
        rest["description"] = f"{described} ({schema['format']}, in the person's own words)".strip()
    if schema.get("repeats"):
        return {"type": "array", "items": rest}
    return rest


def calls_in(called: object, said: str) -> str:
    """The calls of an answer as Otto writes them. `called`: its tool calls; `said`: its text, which may hold calls
    where a server knows no tools, and means that no skill applies where it holds none."""
    if isinstance(called, list) and called:
        return "; ".join(_called(getattr(each, "function", None)) for each in called)
    try:
        parse(said)
    except CallSyntaxError:
        return f"{OTHER}()"
    return said


def _called(function: object) -> str:
    """One tool call; what cannot be written as a call comes back as the model wrote it, to be complained about."""
    name, given = str(getattr(function, "name", "")), str(getattr(function, "arguments", "") or "{}")
    try:
        content = json.loads(given)
        return write([Call(name, {key: argument(value) for key, value in content.items() if value is not None})])
    except (ValueError, AttributeError, TypeError, RecursionError, CallSyntaxError):
        return f"{name}({given})"


def argument(value: object) -> Argument:
    """A JSON value as an argument. Raises `TypeError` for what none can be."""
    if isinstance(value, list) and all(isinstance(item, (str, int, float, bool)) for item in value):
        return tuple(value)
    if isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError
