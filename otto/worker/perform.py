"""Carries out what `#### Action:` in an example file says: runs a program, asks over HTTP, or publishes a message.

    >>> perform(action, call.arguments)
    Reply('It is turned on.')

It is called in the worker process (`otto/worker/job.py`), so an action that hangs costs no more than a skill that
hangs. The arguments come from a person's words or a model's and may be anything; the action was written by the user:

- `run`: no shell; the program is literal and found on the PATH. An argument that would begin with the words of a call
  and with `-` is refused, as it could be an option, unless a literal `--` stands somewhere before it. So is one
  within the script that is given to an interpreter (`sh -c`).
- `http`: scheme, host and port are literal and therefore trusted: they may be on the local network and plain http. An
  argument is percent-encoded and cannot be `..`; a redirect to elsewhere is not followed.
- `publish`: an argument in the topic stays within its level.
- In JSON (`body`, or a payload that is JSON) an argument is one value, or text within one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never
from urllib.parse import quote, unquote, urlsplit

from otto.action import OUTPUT, PLACEHOLDER, POINTER, Action, Http, Publish, Run
from otto.call import Argument
from otto.config import Settings
from otto.errors import SkillError, shorten
from otto.reply import Reply

if TYPE_CHECKING:
    from otto.network.fetch import Answer

MAX_REPLY = 2000
"""Characters in a reply that an action makes."""

_IN_JSON = re.compile(rf'"(?:[^"\\]|\\.)*"|{PLACEHOLDER.pattern}')
_IN_REPLY = re.compile(rf"{PLACEHOLDER.pattern}|{POINTER.pattern}")
_SHELL = re.compile(r"(?:.*/)?(?:(?:ba|da|z|k|c|tc|fi|pw)?sh|python[0-9.]*|perl|ruby|node|osascript)")
_SCRIPT = re.compile(r"-[A-Za-z]*[ceE]|--eval|--command")

Arguments = Mapping[str, Argument]


def perform(action: Action, arguments: Arguments, *, broker: str = Settings.mqtt_broker) -> Reply:
    """Carries `action` out with the canonical arguments of a checked call.

    `broker`: `host:port`, for `publish`. Raises `SkillError` with a sentence for the user.
    """
    try:
        "".join(map(_text, arguments.values())).encode()
    except UnicodeEncodeError as error:
        raise SkillError("I can't hand that over: it is not text.") from error
    does = action.does
    output = ""
    answer: Answer | None = None
    match does:
        case Run():
            output = _run(does, arguments, action.timeout)
        case Http():
            answer = _ask(does, arguments, action.timeout)
        case Publish():
            _publish(does, arguments, broker, action.timeout)
        case None:
            pass
        case _:
            assert_never(does)
    if not action.reply:
        return Reply("Done.")

    def said(found: re.Match[str]) -> str:
        name, pointer = found.groups()
        if pointer is not None:
            return _pointed(answer.json() if answer else None, pointer)
        return output if name == OUTPUT and isinstance(does, Run) else _text(arguments.get(name))

    return Reply(shorten(_IN_REPLY.sub(said, action.reply).strip() or "Done.", MAX_REPLY))


def _run(does: Run, arguments: Arguments, seconds: float) -> str:
    from otto import program

    ended = program.run(_filled(does.arguments, arguments), seconds=seconds)
    if ended.code != 0:
        complaint = (ended.complaint.strip() or ended.output.strip()).rpartition("\n")[2]
        reason = shorten(complaint, 200) or f"it ended with code {ended.code}"
        raise SkillError(f"{does.arguments[0]} failed: {reason}")
    return ended.output.strip()


def _filled(template: tuple[str, ...], arguments: Arguments) -> list[str]:
    """The argument list; what names a parameter that the call leaves out is left out."""
    filled: list[str] = []
    for place, part in enumerate(template):
        names = PLACEHOLDER.findall(part)
        if any(name not in arguments for name in names):
            continue
        if names and _SHELL.fullmatch(template[0]) and _SCRIPT.fullmatch(template[place - 1]):
            raise SkillError(f"I don't put what was said into a script of {template[0]}; hand it over as an argument.")
        text = PLACEHOLDER.sub(lambda found: _text(arguments[found[1]]), part)
        if text.startswith("-") and not part.startswith("-") and "--" not in template[:place]:
            raise SkillError(f"I don't hand {shorten(text)} to {template[0]}: it begins with '-' like an option.")
        filled.append(text)
    return filled


def _ask(does: Http, arguments: Arguments, seconds: float) -> Answer:
    from otto.network.fetch import fetch

    address = PLACEHOLDER.sub(lambda found: quote(_text(arguments.get(found[1])), safe=""), does.address)
    parts = urlsplit(address)
    if any(unquote(step) in (".", "..") for step in parts.path.split("/")):
        raise SkillError("That would lead to another address.")
    body = _json_filled(does.body, arguments) if does.body else ""
    headers = dict(does.headers)
    if body and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return fetch(
        address,
        origins={f"{parts.scheme}://{parts.netloc}"},
        method=does.method,
        headers=headers,
        body=body.encode(),
        seconds=seconds,
    )


def _publish(does: Publish, arguments: Arguments, broker: str, seconds: float) -> None:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise SkillError("Messages need one more package: pip install 'otto-assistant[mqtt]'") from error

    def level(found: re.Match[str]) -> str:
        text = _text(arguments.get(found[1]))
        if not text or any(character in text for character in "/+#\0"):
            raise SkillError(f"{shorten(text) or 'nothing'!r} cannot be part of a message's topic.")
        return text

    topic = PLACEHOLDER.sub(level, does.topic)
    payload = does.payload
    if _is_json_template(payload):
        payload = _json_filled(payload, arguments)
    else:
        payload = PLACEHOLDER.sub(lambda found: _text(arguments.get(found[1])), payload)
    host, _, port = broker.rpartition(":")
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect_timeout = seconds
    try:
        client.connect(host.strip("[]"), int(port))
        client.loop_start()
        message = client.publish(topic, payload, qos=1)  # 1: the broker says that it has it
        message.wait_for_publish(seconds)
        taken = message.is_published()
    except (OSError, ValueError, RuntimeError) as error:
        raise SkillError(f"I couldn't reach the message broker at {broker}.") from error
    finally:
        client.disconnect()
        client.loop_stop()
    if not taken:
        raise SkillError(f"The message broker at {broker} did not take the message.")


def _is_json_template(text: str) -> bool:
    """Whether it is a JSON object or list once its placeholders are filled."""
    try:
        return isinstance(json.loads(_IN_JSON.sub(lambda found: "null" if found[1] else found[0], text)), (dict, list))
    except (ValueError, RecursionError):
        return False


def _json_filled(template: str, arguments: Arguments) -> str:
    def filled(found: re.Match[str]) -> str:
        if found[1]:  # outside a string: a value
            return json.dumps(arguments.get(found[1]))
        return PLACEHOLDER.sub(lambda inner: json.dumps(_text(arguments.get(inner[1])))[1:-1], found[0])

    return _IN_JSON.sub(filled, template)


def _text(argument: Argument | None) -> str:
    """An argument in words; nothing for one that the call leaves out."""
    match argument:
        case None:
            return ""
        case bool():
            return "true" if argument else "false"
        case tuple():
            return ", ".join(map(_text, argument))
        case _:
            return str(argument)


def _pointed(document: object, pointer: str) -> str:
    """What a JSON pointer (RFC 6901) leads to, in words."""
    for step in pointer[1:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isascii() and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            raise SkillError("The answer does not hold what I should say.")
    if isinstance(document, str):
        return document
    return json.dumps(document, ensure_ascii=False)
