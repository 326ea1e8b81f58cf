"""Rows of training data: the usual shapes of JSONL, read and written.

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}    messages
    [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]                  list
    {"prompt": "…", "completion": "…"}                                                         prompt
    {"text": "…", "call": "…"} or {"text": "…", "calls": ["…", "…"]}                           calls
    {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}        sharegpt
    {"instruction": "…", "context": "…", "response": "…"}                                      instruction

A `.jsonl` file has one row a line, a `.json` file one list of rows. The shape is told from each row. What is wrong is a
`DataError` that names file and line. A row's other keys are kept, `source` and `skill` among them.

    >>> [row] = read_text('{"text": "lights on", "call": "lights()"}', "mine.jsonl")
    >>> row.question, row.answer
    ('lights on', 'lights()')
    >>> print(line(row, "prompt"))
    {"prompt": "lights on", "completion": "lights()", "skill": "lights"}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import get_args

from otto.call import Argument, Call, parse, write
from otto.errors import CallSyntaxError, OttoError, shorten
from otto.example import Example, Origin
from otto.prompt import Message, Role

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system",
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "model": "assistant",
}  # fmt: skip
_BREAKS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
"""What some readers take for the end of a line, and JSON does not."""


class DataError(OttoError):
    """Training data that cannot be used; the message names file and line."""

    def __init__(self, where: Origin | str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class Conversation:
    """One row: a conversation that ends with what a model should answer."""

    messages: tuple[Message, ...]
    """Perhaps a system text, then user and assistant in turn."""
    source: str = ""
    """Where it comes from; data sets are split by it."""
    skill: str = ""
    """Of the first call, where the answer is calls."""
    origin: Origin = Origin("", 0)
    about: Mapping[str, object] = field(default_factory=dict)
    """Whatever else the row held."""

    @cached_property
    def question(self) -> str:
        """What the user said last."""
        return next((each.text for each in reversed(self.messages) if each.role == "user"), "")

    @property
    def answer(self) -> str:
        """What the assistant should say last; empty where that is still open."""
        return self.messages[-1].text if self.messages and self.messages[-1].role == "assistant" else ""

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The answer as calls; empty where it is no call. Only a row with a skill is taken for one."""
        if not self.skill:
            return ()
        try:
            return parse(self.answer, max_length=None)
        except CallSyntaxError:
            return ()


def from_example(example: Example, source: str) -> Conversation:
    """An example as a row."""
    return of_calls(example.text, example.calls, source, example.origin)


def of_calls(text: str, calls: Iterable[Call], source: str = "", origin: Origin = Origin("", 0)) -> Conversation:  # noqa: B008
    """A sentence and its calls as a row."""
    meant = tuple(calls)
    return Conversation((Message("user", text), Message("assistant", write(meant))), source, meant[0].name, origin)


def read(path: Path) -> list[Conversation]:
    """The rows of a file. Raises `DataError`."""
    try:
        return read_text(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise DataError(str(path), f"is not UTF-8 text (at byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise DataError(str(path), f"cannot be read: {error.strerror}") from error


def read_text(text: str, name: str) -> list[Conversation]:
    """The rows in a text; `name` is how messages call it, and its ending says whether it is one list."""
    if name.endswith(".json"):
        rows = _parsed(text, Origin(name, 0))
        if not isinstance(rows, list):
            raise DataError(name, "a .json file holds one list of rows; rows a line belong into a .jsonl file")
        return [_conversation(row, Origin(f"{name} row", number)) for number, row in enumerate(rows, 1)]
    # Not splitlines: JSON may hold characters that it takes for line breaks.
    lines = ((Origin(name, number), content) for number, content in enumerate(text.split("\n"), 1))
    return [_conversation(_parsed(content, origin), origin) for origin, content in lines if content.strip()]


def line(row: Conversation, shape: str = "messages") -> str:
    """The row as one line of JSONL, without its end. Raises `DataError` for what the shape cannot hold."""
    return dumps(_SHAPES[shape].write(row))


def dumps(content: object) -> str:
    """JSON that every reader takes for one line."""
    text = json.dumps(content, ensure_ascii=False)
    for character, escape in _BREAKS.items():
        text = text.replace(character, escape)
    return text


def lines(rows: Iterable[Conversation], shape: str = "messages") -> str:
    """The content of a JSONL file."""
    return "".join(f"{line(row, shape)}\n" for row in rows)


@dataclass(frozen=True, slots=True)
class _Shape:
    """One way to write a row."""

    keys: tuple[str, ...]
    """By the first it is known; all of them are its own."""
    read: Callable[[Mapping[str, object]], Conversation]
    """Raises `ValueError` saying what is wrong, `KeyError` for what is missing."""
    write: Callable[[Conversation], object]


def _parsed(text: str, origin: Origin) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(origin, f"not valid JSON: {reason}") from error


def _conversation(row: object, origin: Origin) -> Conversation:
    if isinstance(row, list):
        row = {"messages": row}
    if not isinstance(row, Mapping):
        raise DataError(origin, f"a row is an object or a list of messages, not {shorten(json.dumps(row))}")
    shape = next((shape for shape in _SHAPES.values() if shape.keys and shape.keys[0] in row), None)
    if shape is None:
        known = ", ".join(shape.keys[0] for shape in _SHAPES.values() if shape.keys)
        raise DataError(origin, f"none of the columns that say what a row is ({known}); it has: {', '.join(row)}")
    try:
        found = shape.read(row)
        checked(found.messages)
    except KeyError as missing:
        raise DataError(origin, f"the column {missing} is missing; it has: {', '.join(row)}") from None
    except ValueError as error:
        raise DataError(origin, str(error)) from error
    about = {str(key): value for key, value in row.items() if key not in (*shape.keys, "source", "skill")}
    source, skill = (str(row.get(key) or "") for key in ("source", "skill"))
    return replace(found, source=source or found.source, skill=skill or found.skill, origin=origin, about=about)


def checked(messages: tuple[Message, ...]) -> None:
    """Raises `ValueError` unless it is a conversation whose last word is the assistant's, in text that can be kept."""
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    roles = [message.role for message in turns]
    if not roles:
        raise ValueError("there are no messages")
    for place, role in enumerate(roles):
        wanted = ("user", "assistant")[place % 2]
        if role != wanted:
            number = place + 1 + len(messages) - len(turns)
            raise ValueError(f"message {number} is the {role}'s and should be the {wanted}'s: they take turns")
    if roles[-1] != "assistant":
        raise ValueError("the last message must be the assistant's: what a model learns to answer")
    for number, message in enumerate(messages, 1):
        if not message.text.strip() and message.role != "system":
            raise ValueError(f"message {number} ({message.role}) is empty")
        try:
            message.text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"message {number} holds half a character (U+{ord(message.text[error.start]):04X})"
            ) from None


def _text(value: object, what: str) -> str:
    if isinstance(value, list):  # parts, as multimodal chats write them
        parts = [part.get("text") if isinstance(part, Mapping) else None for part in value]
        if all(isinstance(part, str) for part in parts):
            return "\n".join(str(part) for part in parts)
    if not isinstance(value, str):
        raise ValueError(f"{what} must be a text, not {shorten(json.dumps(value, default=str))}")
    return value


def _messages(value: object, role_key: str, text_key: str) -> tuple[Message, ...]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise ValueError("messages must be a list of objects")
    found = []
    for number, each in enumerate(value, 1):
        role = _ROLES.get(str(each.get(role_key)))
        if role is None:
            raise ValueError(
                f"message {number} has the role {each.get(role_key)!r}; known: {', '.join(get_args(Role))}"
            )
        if each.get("tool_calls"):
            found.append(Message(role, _of_tools(each["tool_calls"], number)))
        else:
            found.append(Message(role, _text(each.get(text_key), f"the {text_key} of message {number}")))
    return tuple(found)


def _of_tools(tool_calls: object, number: int) -> str:
    """What OpenAI writes as `tool_calls`, in Otto's syntax."""
    try:
        functions = [each["function"] for each in tool_calls]  # type: ignore[attr-defined]
        return write(
            Call(each["name"], {key: value for key, value in _object(each["arguments"]).items() if value is not None})
            for each in functions
        )
    except (KeyError, TypeError, AttributeError, CallSyntaxError) as error:
        raise ValueError(f"the tool_calls of message {number} cannot be read: {error}") from error


def _object(arguments: object) -> Mapping[str, Argument]:
    found = json.loads(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(found, Mapping):
        raise TypeError("arguments must be an object")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def _two(question: str, answer: str, system: str = "") -> tuple[Message, ...]:
    first = (Message("system", system),) if system else ()
    return (*first, Message("user", question), Message("assistant", answer))


def _read_prompt(row: Mapping[str, object]) -> Conversation:
    prompt, completion = row["prompt"], row["completion"]
    if not isinstance(prompt, list):
        return Conversation(_two(_text(prompt, "prompt"), _text(completion, "completion")))
    said = completion if isinstance(completion, list) else [{"role": "assistant", "content": completion}]
    return Conversation(_messages(prompt + said, "role", "content"))


def _read_calls(row: Mapping[str, object]) -> Conversation:
    written = row["calls"] if "calls" in row else row["call"]
    each = written if isinstance(written, list) else [written]
    try:
        calls = [call for part in each for call in parse(_text(part, "call"), max_length=None)]
    except CallSyntaxError as error:
        raise ValueError(str(error)) from error
    if not calls:
        raise ValueError("calls is empty; a sentence that no skill should take means other()")
    return of_calls(_text(row["text"], "text"), calls)


def _read_instruction(row: Mapping[str, object]) -> Conversation:
    answer = row["response"] if "response" in row else row["output"]
    context = row.get("context") or row.get("input") or ""
    parts = [_text(row["instruction"], "instruction"), _text(context, "context")]
    system = _text(row.get("system") or "", "system")
    return Conversation(_two("\n\n".join(filter(None, parts)), _text(answer, "response"), system))


def _rest(row: Conversation, **own: object) -> dict[str, object]:
    named = {key: value for key, value in (("source", row.source), ("skill", row.skill)) if value}
    return {**own, **named, **{key: value for key, value in row.about.items() if key not in own}}


def _as_messages(row: Conversation) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in row.messages]


def _write_prompt(row: Conversation) -> object:
    if len(row.messages) == 2:
        return _rest(row, prompt=row.question, completion=row.answer)
    messages = _as_messages(row)
    return _rest(row, prompt=messages[:-1], completion=messages[-1:])


def _write_calls(row: Conversation) -> object:
    try:
        calls = parse(row.answer, max_length=None)
    except CallSyntaxError as error:
        raise DataError(row.origin, f"the answer {shorten(row.answer)!r} is no call: {error.problem}") from error
    if len(row.messages) != 2:
        raise DataError(row.origin, "the shape text and call holds one sentence and its calls, this row holds more")
    if len(calls) == 1:
        return _rest(row, text=row.question, call=str(calls[0]))
    return _rest(row, text=row.question, calls=[str(call) for call in calls])


def _write_sharegpt(row: Conversation) -> object:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return _rest(row, conversations=[{"from": names[each.role], "value": each.text} for each in row.messages])


def _write_instruction(row: Conversation) -> object:
    system = [each.text for each in row.messages if each.role == "system"]
    if len(row.messages) - len(system) != 2:
        raise DataError(row.origin, "the shape instruction holds one question and its answer, this row holds more")
    return _rest(row, instruction=row.question, response=row.answer, **({"system": system[0]} if system else {}))


_SHAPES = {
    "messages": _Shape(
        ("messages",),
        lambda row: Conversation(_messages(row["messages"], "role", "content")),
        lambda row: _rest(row, messages=_as_messages(row)),
    ),
    "list": _Shape((), lambda row: Conversation(()), _as_messages),
    "prompt": _Shape(("prompt", "completion"), _read_prompt, _write_prompt),
    "calls": _Shape(("text", "call", "calls"), _read_calls, _write_calls),
    "sharegpt": _Shape(
        ("conversations",),
        lambda row: Conversation(_messages(row["conversations"], "from", "value")),
        _write_sharegpt,
    ),
    "instruction": _Shape(
        ("instruction", "context", "input", "response", "output", "system"), _read_instruction, _write_instruction
    ),
}
SHAPES = tuple(_SHAPES)
"""The names of the shapes."""
