"""A tool of another MCP server as a skill: its schema, and sentences that lead to it. Pure: it connects to nothing.

    >>> adopted = adopt("house", tool)
    >>> adopted.registered.skill
    Skill('set_thermostat', …)
    >>> [each.text for each in adopted.registered.examples][:2]
    ['set thermostat', 'set the temperature of a room']

Nobody has said how people ask for a tool. The embedded router finds it by its phrases (`otto/routers/described.py`);
for prompts and for people, sentences are made of its name, title and description, with values of each parameter's type.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol

from otto.call import Argument, Call
from otto.errors import CallError, SchemaError
from otto.example import Example, Origin, Problem
from otto.registry.snapshot import Registered, Remote
from otto.skill import Parameter, Skill, from_json, to_json

MOST_EXAMPLES = 12
"""Sentences made for one tool."""
MOST_PHRASES = 3
LONGEST_PHRASE = 70
"""Characters of a description's first sentence that somebody may be thought to say."""
LONGEST_DESCRIPTION = 300
"""Characters of a description that models are shown: it comes from a stranger."""

_ANY_TIME = datetime(2026, 1, 1, 12, tzinfo=UTC)
_COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_SENTENCE_END = re.compile(r"[.!?:;(\n]")
_PLACEHOLDERS = re.compile(r"[`*_\"{}\[\]<>]")
_VALUES: Mapping[str, tuple[tuple[str, Argument], ...]] = {
    "text": (("blue whale", "blue whale"), ("the project plan", "the project plan"), ("anna", "anna")),
    "integer": (("7", 7), ("12", 12), ("three", "three")),
    "number": (("2.5", 2.5), ("21", 21), ("7", 7)),
    "duration": (("ten minutes", "ten minutes"), ("an hour", "an hour")),
    "time": (("seven pm", "seven pm"), ("half past nine", "half past nine")),
    "date": (("tomorrow", "tomorrow"), ("friday", "friday")),
    "datetime": (("tomorrow at nine", "tomorrow at nine"), ("friday at noon", "friday at noon")),
    "expression": (("6 * 7", "6 * 7"), ("12 + 30", "12 + 30")),
    "place": (("berlin", "berlin"), ("new york", "new york")),
}
"""How a value of a type is said, and what it is then. A yes or no is never put into a sentence."""


class Tool(Protocol):
    """What is used of an MCP `Tool`."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...
    @property
    def annotations(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Adopted:
    """A tool as it can be used, or why it cannot."""

    registered: Registered | None
    problems: tuple[Problem, ...] = ()


def adopt(server: str, tool: Tool, remote: Remote | None = None, taken: frozenset[str] = frozenset()) -> Adopted:
    """The skill of a tool. `remote`: what carries it out. `taken`: names that other skills have; it is then named
    after its server, too."""
    origin = Origin(f"mcp:{server}/{tool.name}", 0)
    name = _identifier(tool.name)
    if name in taken:
        name = f"{_identifier(server)}_{name}"[:64]
    try:
        skill, problems = _schema(name, tool, origin)
    except SchemaError as error:
        return Adopted(None, (Problem(origin, f"{error}; this tool is not used"),))
    asks = not getattr(tool.annotations, "read_only_hint", False)
    skill = replace(skill, risk="confirm" if asks else "none")
    examples = tuple(islice(_examples(skill, tool, origin), MOST_EXAMPLES))
    says = _says(skill, tool)
    content = repr((to_json(skill), asks, [str(each) for each in examples], says, server, tool.name))
    digest = hashlib.sha256(content.encode(errors="replace")).hexdigest()[:16]
    return Adopted(Registered(skill, examples, remote=remote, hash=digest, phrases=says), problems)


def taught(
    adopted: Registered, written: Registered, now: datetime = _ANY_TIME
) -> tuple[Registered, tuple[Problem, ...]]:
    """The tool with the sentences that the user has written for it, and what is wrong with these. They come first."""
    fit: list[Example] = []
    problems: list[Problem] = []
    for example in written.examples:
        try:
            for call in example.calls:
                if call.name == adopted.skill.name:
                    adopted.skill.check(call, now)
            fit.append(example)
        except CallError as error:
            problems.append(Problem(example.origin, f"{error}; the tool's own schema counts"))
    digest = hashlib.sha256(f"{adopted.hash} {written.hash}".encode()).hexdigest()[:16]
    whole = replace(adopted, examples=(*fit, *adopted.examples), files=written.files, hash=digest)
    return whole, tuple(problems)


def _schema(name: str, tool: Tool, origin: Origin) -> tuple[Skill, tuple[Problem, ...]]:
    """The skill, without parameters that Otto cannot represent. Raises `SchemaError` where one of these is required."""
    schema = tool.input_schema
    properties, required = schema.get("properties") or {}, schema.get("required") or ()
    parameters: list[Parameter] = []
    problems: list[Problem] = []
    for key, value in properties.items():
        if _identifier(key) != key:
            problem = f"parameter {key!r} has a name that no call can write"
        else:
            try:
                one = {"name": name, "parameters": {"properties": {key: _single(value)}, "required": required}}
                parameters += from_json(one).parameters
                continue
            except SchemaError as error:
                problem = str(error)
        if key in required:
            raise SchemaError(problem)
        problems.append(Problem(origin, f"{problem}; it is left out", "warning"))
    described = _CONTROLS.sub(" ", tool.description or "").strip()[:LONGEST_DESCRIPTION]
    return Skill(name, tuple(parameters), described), tuple(problems)


def _single(schema: Any) -> Any:
    """Without the null that makes a parameter optional in some schemas."""
    if isinstance(schema, Mapping) and isinstance(schema.get("anyOf"), list):
        kinds = [each for each in schema["anyOf"] if isinstance(each, Mapping) and each.get("type") != "null"]
        if len(kinds) == 1:
            return _single({**kinds[0], "description": schema.get("description", "")})
    if isinstance(schema, Mapping) and (composed := _COMPOSED & schema.keys()):
        raise SchemaError(f"a parameter is composed with {min(composed)!r}, which Otto cannot represent")
    return schema


def _examples(skill: Skill, tool: Tool, origin: Origin) -> Iterator[Example]:
    """Sentences, the plainest first; each is one that the skill accepts and that says what it means."""
    phrases = _phrases(tool)
    told = [parameter for parameter in skill.parameters if parameter.type in _VALUES or parameter.type == "choice"]
    wanted = [parameter for parameter in told if parameter.required]
    if any(parameter.required and parameter not in told for parameter in skill.parameters):
        return
    optional = [parameter for parameter in told if not parameter.required][:2]
    sets = [wanted, *([*wanted, extra] for extra in optional)]
    for turn in range(4):
        for phrase in phrases:
            for chosen in sets:
                if example := _example(skill, phrase, chosen, turn, origin):
                    yield example
        if not told:
            return


def _example(skill: Skill, phrase: str, chosen: list[Parameter], turn: int, origin: Origin) -> Example | None:
    text, arguments = phrase, {}
    for place, parameter in enumerate(chosen):
        spoken, value = _value(parameter, turn)
        label = " ".join(_words(parameter.name))
        plain = not place and turn % 2 == 0
        text += f" {spoken}" if plain else f" with {label} {spoken}" if not place else f" and {label} {spoken}"
        arguments[parameter.name] = (value,) if parameter.repeats and not isinstance(value, tuple) else value
    call = Call(skill.name, arguments)
    try:
        skill.check(call, _ANY_TIME)
    except CallError:
        return None
    return Example(text if turn < 2 else f"please {text}", (call,), origin)


def _value(parameter: Parameter, turn: int) -> tuple[str, Argument]:
    if parameter.type == "choice":
        choice = parameter.limits.choices[turn % len(parameter.limits.choices)]
        return choice.replace("_", " "), choice
    values = _VALUES[parameter.type]
    return values[turn % len(values)]


def _phrases(tool: Tool) -> list[str]:
    """Ways to say what the tool does: its name, its title, the beginning of its description."""
    found = [" ".join(_words(tool.name)), " ".join(_words(tool.title or ""))]
    does = _does(tool)
    if 3 <= len(does) <= LONGEST_PHRASE:
        found.append(does)
    return list(dict.fromkeys(each for each in found if each))[:MOST_PHRASES]


def _says(skill: Skill, tool: Tool) -> tuple[str, ...]:
    """What the tool says of itself: its name, its title, what it does, and all that with its parameters."""
    name, does = " ".join(_words(tool.name)), _does(tool)[:LONGEST_DESCRIPTION]
    given = ", ".join(" ".join(_words(each.name)) for each in skill.parameters)
    whole = f"{name}: {does or name}" + (f" ({given})" if given else "")
    return tuple(each for each in (name, " ".join(_words(tool.title or "")), does or name, whole) if each)


def _does(tool: Tool) -> str:
    """The first sentence of the description, as an order."""
    said = _PLACEHOLDERS.sub("", _CONTROLS.sub(" ", tool.description or "").strip())
    verb, _, rest = _SENTENCE_END.split(said, maxsplit=1)[0].strip().partition(" ")
    return f"{_imperative(verb.lower())} {rest}".strip()


def _imperative(verb: str) -> str:
    """`gets` → `get`: descriptions say what a tool does, people say what it shall do."""
    if verb.endswith(("ches", "shes", "sses", "xes")):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith(("ss", "us", "is")) else verb


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _identifier(name: str) -> str:
    """`name` as a call can write it."""
    cleaned = _UNFIT.sub("_", name)
    return (f"t_{cleaned}" if cleaned[:1].isdigit() or not cleaned else cleaned)[:64]
