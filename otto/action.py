"""What `#### Action:` in an example file says: how a skill is carried out with no Python at all.

    run: ["loginctl", "lock-session"]            an argument list, or words split as a shell would, without a shell
    http: GET https://api.example.org/{word}     method and address; the host is literal
    header: Accept: application/json             any number of these
    body: {"state": {state}}                     JSON
    publish: home/{room}/light {state}           MQTT topic and payload
    reply: {word} means {/0/definition}          what Otto says afterwards
    risk: confirm                                a person says yes first
    timeout: 5                                   seconds

One of `run`, `http` and `publish`, or a `reply` alone. `parse` and `write` are inverses; carrying it out is elsewhere.

    >>> action, problems = parse([(7, "run: notify-send {text}"), (8, "risk: confirm")], "notify_examples.txt")
    >>> action.does
    Run(arguments=('notify-send', '{text}'))
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never
from urllib.parse import urlsplit

from otto.example import Origin, Problem
from otto.skill import Risk

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""`{room}`: where an argument goes."""
POINTER = re.compile(r"\{(/[^{}]*)\}")
"""`{/0/meanings/0/definition}` in a reply: a JSON pointer (RFC 6901) into the answer of `http`."""
OUTPUT = "output"
"""`{output}` in a reply: what the program of `run` printed."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
TIMEOUT = 5.0
"""Seconds, where an action does not say."""
MAX_TIMEOUT = 60.0
"""Seconds."""

_KEY = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*:[ \t]*(.*)")
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*:[ \t]*(.*)")
_STRING_OR_PLACEHOLDER = re.compile(rf'"(?:[^"\\]|\\.)*"|{PLACEHOLDER.pattern}')


@dataclass(frozen=True, slots=True)
class Run:
    """A program, started without a shell."""

    arguments: tuple[str, ...]
    """The first is the program and literal. `{parameter}` is one argument or part of one; an argument that names a
    parameter which the call leaves out is left out too."""


@dataclass(frozen=True, slots=True)
class Http:
    """One request."""

    method: str
    """One of `METHODS`."""
    address: str
    """http or https; the host is literal. `{parameter}` is percent-encoded, and empty when the call leaves it out."""
    headers: tuple[tuple[str, str], ...] = ()
    """Name and value, literal, in order."""
    body: str = ""
    """JSON. `{parameter}` outside a string is a JSON value (`null` when left out), inside a string it is text."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One MQTT message."""

    topic: str
    """`{parameter}` is one level or part of one: `/`, `+` and `#` in an argument are not allowed."""
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """How a skill without Python is carried out."""

    does: Run | Http | Publish | None = None
    """None: only the reply is said."""
    reply: str = ""
    """With `{parameter}`, `{/json/pointer}` into the answer of `http`, or `{output}` of `run`. Empty: a short yes."""
    risk: Risk = "none"
    timeout: float = TIMEOUT
    """Seconds, above 0, at most `MAX_TIMEOUT`."""
    origin: Origin = field(default=Origin("", 0), compare=False)
    """The line of `run`, `http` or `publish`."""

    @property
    def parameters(self) -> frozenset[str]:
        """The names in braces: each must be a parameter of the skill."""
        does = self.does
        match does:
            case Run():
                texts: tuple[str, ...] = does.arguments
            case Http():
                texts = (does.address, does.body)
            case Publish():
                texts = (does.topic, does.payload)
            case None:
                texts = ()
            case _:
                assert_never(does)
        names = {name for text in texts for name in PLACEHOLDER.findall(text)}
        said = set(PLACEHOLDER.findall(self.reply))
        return frozenset(names | (said - {OUTPUT} if isinstance(does, Run) else said))


def parse(lines: Sequence[tuple[int, str]], file: str = "") -> tuple[Action | None, tuple[Problem, ...]]:
    """The action in these (line number, text) lines of `file`; None with at least one problem when it makes no sense.

    Blank lines and lines that begin with `#` are skipped; a line without a key continues the one before.
    """
    return _Reader(file).read(lines)


def write(action: Action) -> list[str]:
    """The lines that `parse` reads back as `action`, without line ends."""
    lines: list[str] = []
    does = action.does
    match does:
        case Run():
            lines.append(f"run: {json.dumps(does.arguments, ensure_ascii=False)}")
        case Http():
            lines.append(f"http: {does.method} {does.address}")
            lines.extend(f"header: {name}: {value}" for name, value in does.headers)
            if does.body:
                lines.append(f"body: {does.body}")
        case Publish():
            lines.append(f"publish: {does.topic} {does.payload}".rstrip())
        case None:
            pass
        case _:
            assert_never(does)
    if action.reply:
        lines.append(f"reply: {action.reply}")
    if action.risk != "none":
        lines.append(f"risk: {action.risk}")
    if action.timeout != TIMEOUT:
        lines.append(f"timeout: {action.timeout!r}")
    return lines


class _Refusal(Exception):
    """A value that cannot be taken; the message becomes a `Problem`."""


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.action = Action()
        self.problems: list[Problem] = []
        self.headers: list[tuple[str, str]] = []
        self.body = ""
        self.request_line = 0
        self.keys: dict[str, int] = {}

    def read(self, lines: Sequence[tuple[int, str]]) -> tuple[Action | None, tuple[Problem, ...]]:
        readers: dict[str, Callable[[str, Origin], None]] = {
            "run": self._run,
            "http": self._http,
            "header": self._header,
            "body": self._body,
            "publish": self._publish,
            "reply": self._reply,
            "risk": self._risk,
            "timeout": self._timeout,
        }
        for number, key, value in self._entries(lines):
            try:
                if key not in readers:
                    raise _Refusal(f"unknown key {key!r} in an action; known: {', '.join(readers)}")
                if key != "header" and key in self.keys:
                    raise _Refusal(f"{key!r} was given before, in line {self.keys[key]}")
                if not value:
                    raise _Refusal(f"{key!r} is empty")
                self.keys[key] = number
                readers[key](value, Origin(self.file, number))
            except _Refusal as refusal:
                self._problem(number, str(refusal))
        first = lines[0][0] if lines else 0
        self._finish(first)
        return (None if self.problems else self.action), tuple(self.problems)

    def _entries(self, lines: Sequence[tuple[int, str]]) -> list[tuple[int, str, str]]:
        entries: list[tuple[int, str, str]] = []
        for number, text in lines:
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            if found := _KEY.fullmatch(text.rstrip()):
                entries.append((number, found[1].lower(), found[2]))
            elif entries:
                start, key, value = entries[-1]
                entries[-1] = (start, key, f"{value} {text.strip()}".strip())
            else:
                self._problem(number, "expected a line such as 'run: …', 'http: GET …' or 'publish: …'")
        return entries

    def _does(self, does: Run | Http | Publish, origin: Origin) -> None:
        if self.action.does is not None:
            raise _Refusal("an action is one of run, http and publish")
        self.action = replace(self.action, does=does, origin=origin)

    def _run(self, value: str, origin: Origin) -> None:
        self._does(Run(_arguments(value)), origin)

    def _http(self, value: str, origin: Origin) -> None:
        self._does(_request(value), origin)

    def _publish(self, value: str, origin: Origin) -> None:
        topic, payload = (*value.split(maxsplit=1), "")[:2]
        if "+" in topic or "#" in topic:
            raise _Refusal("the topic of a message has no + and no #")
        self._does(Publish(topic, payload), origin)

    def _header(self, value: str, origin: Origin) -> None:
        found = _HEADER.fullmatch(value)
        if not found:
            raise _Refusal("a header is written 'header: Name: value'")
        self.headers.append((found[1], found[2]))
        self.request_line = self.request_line or origin.line

    def _body(self, value: str, origin: Origin) -> None:
        try:
            json.loads(_STRING_OR_PLACEHOLDER.sub(lambda found: "null" if found[1] else found[0], value))
        except ValueError as error:
            raise _Refusal(f"the body is not JSON: {error}") from error
        self.body = value
        self.request_line = self.request_line or origin.line

    def _reply(self, value: str, origin: Origin) -> None:
        self.action = replace(self.action, reply=value)

    def _risk(self, value: str, origin: Origin) -> None:
        if value.lower() not in ("none", "confirm"):
            raise _Refusal(f"risk is none or confirm, not {value!r}")
        self.action = replace(self.action, risk="confirm" if value.lower() == "confirm" else "none")

    def _timeout(self, value: str, origin: Origin) -> None:
        try:
            seconds = float(value.removesuffix("s").strip())
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= MAX_TIMEOUT:
            raise _Refusal(f"timeout is a number of seconds, above 0 and at most {MAX_TIMEOUT:g}, not {value!r}")
        self.action = replace(self.action, timeout=seconds)

    def _finish(self, first: int) -> None:
        does = self.action.does
        if isinstance(does, Http):
            self.action = replace(self.action, does=replace(does, headers=tuple(self.headers), body=self.body))
        elif self.request_line:
            self._problem(self.request_line, "header and body belong to an http request, and this action has none")
        if does is None and not self.action.reply and not self.problems:
            self._problem(first, "this action does nothing: add a line 'run: …', 'http: …', 'publish: …' or 'reply: …'")
        if POINTER.search(self.action.reply) and not isinstance(does, Http):
            self._problem(self.keys["reply"], "{/…} looks into the answer of an http request, and this action has none")

    def _problem(self, line: int, message: str) -> None:
        self.problems.append(Problem(Origin(self.file, line), message))


def _arguments(value: str) -> tuple[str, ...]:
    if value.startswith("["):
        try:
            items = json.loads(value)
        except ValueError as error:
            raise _Refusal(f"the argument list is not JSON: {error}") from error
        if not all(isinstance(item, (str, int, float)) and not isinstance(item, bool) for item in items):
            raise _Refusal('the argument list holds texts: ["program", "argument"]')
        arguments = tuple(str(item) for item in items)
    else:
        try:
            arguments = tuple(shlex.split(value))
        except ValueError as error:
            raise _Refusal(f"the command cannot be split into words: {str(error).lower()}") from error
    if not arguments or not arguments[0]:
        raise _Refusal("the argument list names no program")
    if PLACEHOLDER.search(arguments[0]):
        raise _Refusal("the program must be written out: {…} is only for its arguments")
    if any("\x00" in argument for argument in arguments):
        raise _Refusal("an argument cannot hold the character U+0000")
    return arguments


def _request(value: str) -> Http:
    method, _, address = value.partition(" ")
    address = address.strip()
    if "://" in method and not address:
        method, address = "GET", value
    if method.upper() not in METHODS:
        raise _Refusal(f"expected one of {', '.join(METHODS)} and an address, as in 'http: GET https://example.org/'")
    if re.search(r"\s", address):
        raise _Refusal("an address has no blanks; write %20")
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port  # refuses what is not a number
    except ValueError as error:
        raise _Refusal(f"the address cannot be read: {error}") from error
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise _Refusal("the address begins with https:// (or http://) and a host")
    if "{" in parts.netloc or "}" in parts.netloc:
        raise _Refusal("the host must be written out: {…} is only for what follows it")
    if "@" in parts.netloc:
        raise _Refusal("an address holds no user name or password; use a header")
    return Http(method.upper(), address)
