"""A skill: a schema, and optionally something to run. Validation of calls happens here and nowhere else.

    >>> timer = Skill("timer", (Parameter("duration", "duration", required=True),), "Sets a timer.")
    >>> timer.check(parse('timer(duration="ten minutes")')[0], now)
    {'duration': datetime.timedelta(seconds=600)}
    >>> timer.canonical(parse('timer(duration="ten minutes")')[0], now)
    Call('timer', {'duration': '10 minutes'})

Where the field says intent or tool, Otto says skill; where it says slot, parameter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

from otto.call import OTHER, Argument, Call, Scalar
from otto.errors import CallError, SchemaError, ValueReadError
from otto.values import TYPES, Limits, Typed

Risk = Literal["none", "confirm"]
"""`confirm`: the effect is outside Otto (opens, sends, deletes), so a person says yes first."""

MAX_REPEATS = 16
"""Values in a list argument."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a skill."""

    name: str
    type: str = "text"
    """A key of `otto.values.TYPES`."""
    required: bool = False
    limits: Limits = Limits()
    repeats: bool = False
    """May occur more than once in a sentence; the argument is then a list."""
    description: str = ""

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise SchemaError(f"parameter {self.name!r} has the unknown type {self.type!r}; known: {', '.join(TYPES)}")
        if (self.type == "choice") != bool(self.limits.choices):
            raise SchemaError(f"parameter {self.name!r}: a choice needs its list of values, and only a choice has one")

    def read(self, argument: Argument, now: datetime) -> Typed | tuple[Typed, ...]:
        """The typed value, or a tuple of them. Raises `ValueReadError`."""
        if not isinstance(argument, tuple):
            return TYPES[self.type].read(argument, self.limits, now)
        if not self.repeats:
            raise ValueReadError("only one value can be given")
        if not 0 < len(argument) <= MAX_REPEATS:
            raise ValueReadError(f"a list holds 1 to {MAX_REPEATS} values")
        return tuple(TYPES[self.type].read(item, self.limits, now) for item in argument)

    def write(self, typed: Typed | tuple[Typed, ...]) -> Argument:
        """The canonical argument: the inverse of `read`."""
        if isinstance(typed, tuple):
            return tuple(TYPES[self.type].write(item) for item in typed)
        written: Scalar = TYPES[self.type].write(typed)
        return written

    def same(self, one: Typed | tuple[Typed, ...], other: Typed | tuple[Typed, ...]) -> bool:
        """Whether two typed values mean the same; lists are compared in order."""
        if isinstance(one, tuple) and isinstance(other, tuple):
            return len(one) == len(other) and all(map(TYPES[self.type].same, one, other))
        return not isinstance(one, tuple) and not isinstance(other, tuple) and TYPES[self.type].same(one, other)


@dataclass(frozen=True)
class Skill:
    """What can be called: name, parameters and what it is for. Immutable; equal schemas have equal `hash`es."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    risk: Risk = "none"
    shown: Mapping[str, str] = field(default_factory=dict, compare=False)
    """How a parameter is shown in prompts where it differs from its type, by parameter."""

    def __post_init__(self) -> None:
        Call(self.name)  # refuses what is not a name
        names = [parameter.name for parameter in self.parameters]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise SchemaError(f"skill {self.name!r} has the parameter {min(doubled)!r} twice")

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, or None."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def check(self, call: Call, now: datetime) -> dict[str, Typed]:
        """The typed arguments in schema order, those left out left out. Raises `CallError` naming the parameter."""
        if call.name != self.name:
            raise CallError(f"{call.name} is not {self.name}", skill=self.name)
        for name in call.arguments:
            if self.parameter(name) is None:
                known = ", ".join(parameter.name for parameter in self.parameters) or "none"
                raise CallError(
                    f"{self.name} has no parameter {name!r} (it has: {known})", skill=self.name, parameter=name
                )
        typed: dict[str, Typed] = {}
        for parameter in self.parameters:
            if parameter.name in call.arguments:
                try:
                    typed[parameter.name] = parameter.read(call.arguments[parameter.name], now)
                except ValueReadError as error:
                    raise CallError(
                        f"{self.name}: {parameter.name}: {error}", skill=self.name, parameter=parameter.name
                    ) from error
            elif parameter.required:
                raise CallError(f"{self.name} needs {parameter.name}", skill=self.name, parameter=parameter.name)
        return typed

    def canonical(self, call: Call, now: datetime) -> Call:
        """The same call with canonical values in schema order. Raises `CallError`."""
        return self.call(self.check(call, now))

    def call(self, typed: Mapping[str, Typed]) -> Call:
        """The call that hands over these typed values."""
        known = {parameter.name: parameter for parameter in self.parameters}
        ordered = sorted(typed, key=list(known).index)
        return Call(self.name, {name: known[name].write(typed[name]) for name in ordered})

    def same(self, one: Call, other: Call, now: datetime) -> bool:
        """Whether two calls of this skill mean the same: equal typed arguments (`exact_typed` in evaluations)."""
        try:
            left, right = self.check(one, now), self.check(other, now)
        except CallError:
            return one == other
        return left.keys() == right.keys() and all(
            parameter.same(left[parameter.name], right[parameter.name])
            for parameter in self.parameters
            if parameter.name in left
        )

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the sha256 over name, description and parameters: the version a model was trained on."""
        return hashlib.sha256(json.dumps(to_json(self), sort_keys=True).encode()).hexdigest()[:16]


OTHER_SKILL = Skill(OTHER, description="No skill applies.")
"""Always there, never run."""


def same_calls(one: Sequence[Call], other: Sequence[Call], skills: Mapping[str, Skill], now: datetime) -> bool:
    """Whether two answers mean the same: the same skills in the same order with equal typed arguments."""
    return len(one) == len(other) and all(
        left.name == right.name and (skills.get(left.name) or Skill(left.name)).same(left, right, now)
        for left, right in zip(one, other, strict=True)
    )


def to_json(skill: Skill) -> dict[str, object]:
    """`{"name", "description", "parameters": JSON Schema}`: an entry of `skills.json`, an OpenAI `function`."""
    return {
        "name": skill.name,
        "description": skill.description,
        "parameters": {
            "type": "object",
            "properties": {parameter.name: _property(parameter) for parameter in skill.parameters},
            "required": [parameter.name for parameter in skill.parameters if parameter.required],
        },
    }


def from_json(entry: Mapping[str, object]) -> Skill:
    """The inverse of `to_json`; also reads OpenAI tools (`{"type": "function", "function": …}`) and MCP's
    `inputSchema`.

    Raises `SchemaError` naming skill and parameter for what Otto cannot represent (nested objects).
    """
    inner = entry.get("function", entry)
    if not isinstance(inner, Mapping) or not isinstance(name := inner.get("name"), str):
        raise SchemaError("a skill needs a name")
    schema = inner.get("parameters", inner.get("inputSchema", {}))
    if not isinstance(schema, Mapping):
        raise SchemaError(f"skill {name!r}: parameters must be a JSON Schema object")
    properties, required = schema.get("properties", {}), schema.get("required", ())
    if not isinstance(properties, Mapping) or not isinstance(required, (list, tuple)):
        raise SchemaError(f"skill {name!r}: properties must be an object and required a list")
    parameters = tuple(_parameter(name, key, value, key in required) for key, value in properties.items())
    return Skill(name, parameters, str(inner.get("description", "")))


def _property(parameter: Parameter) -> dict[str, object]:
    schema: dict[str, object] = dict(TYPES[parameter.type].schema)
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.limits.choices:
        schema["enum"] = list(parameter.limits.choices)
    for key, limit in zip(
        _limit_keys(parameter.type), (parameter.limits.minimum, parameter.limits.maximum), strict=True
    ):
        if limit is not None:
            schema[key] = limit
    if parameter.repeats:
        schema["repeats"] = True
    return schema


def _limit_keys(type_name: str) -> tuple[str, str]:
    return ("minLength", "maxLength") if type_name == "text" else ("minimum", "maximum")


def _parameter(skill: str, name: str, schema: object, required: bool) -> Parameter:
    if not isinstance(schema, Mapping):
        raise SchemaError(f"skill {skill!r}: parameter {name!r} must be a JSON Schema object")
    repeats = bool(schema.get("repeats", False))
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, Mapping):
        schema, repeats = {**items, "description": schema.get("description", "")}, True
    if "enum" in schema:
        type_name = "choice"
    else:
        type_name = next((kind.name for kind in TYPES.values() if _matches(kind.schema, schema)), "")
    if not type_name:
        raise SchemaError(
            f"skill {skill!r}: parameter {name!r} has a schema that Otto cannot represent: {dict(schema)!r}"
        )
    choices = schema.get("enum", ())
    low, high = _limit_keys(type_name)
    limits = Limits(tuple(str(choice) for choice in choices), schema.get(low), schema.get(high))
    return Parameter(name, type_name, required, limits, repeats, str(schema.get("description", "")))


def _matches(kind: Mapping[str, object], schema: Mapping[str, object]) -> bool:
    wanted = schema.get("type", "string")
    if isinstance(wanted, list):  # ["string", "null"]: an optional parameter
        wanted = next((one for one in wanted if one != "null"), "string")
    known = {kind.schema.get("format") for kind in TYPES.values()}
    form = schema.get("format") if schema.get("format") in known else None
    return kind.get("type") == wanted and kind.get("format") == form
