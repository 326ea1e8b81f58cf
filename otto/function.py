"""`@skill`: a plain typed function becomes something that can be called by voice.

    from typing import Annotated, Literal
    from pydantic import Field
    from otto import skill

    @skill
    def volume(action: Literal["up", "down", "set"], level: Annotated[int, Field(ge=0, le=100)] | None = None) -> str:
        "Changes how loud the computer is."

Name, parameters and description come from the signature and the docstring's first paragraph. `X | None = None` may be
left out, so may a parameter with any other default; `list[X]` and `tuple[X, ...]` may occur several times; a
parameter annotated `Session` is filled in. What a parameter can be is the value table (`otto/values`): str, Literal,
int, float, bool, timedelta, time, date, datetime, Expression, Place. Limits come from `Field(ge, le, min_length,
max_length)`; for a duration they are timedeltas. The decorated function stays callable as it was.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Generic, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin, overload

from otto.errors import SchemaError
from otto.reply import Reply
from otto.session import Session
from otto.skill import Parameter, Risk, Skill
from otto.values import TYPES, Limits, Typed

P = ParamSpec("P")
R = TypeVar("R", bound=str | Reply)
Back = Callable[[Mapping[str, Any], Session], str | Reply]
"""Undoes: from what the skill noted in `Reply.undo` to what is said."""

MAX_DEADLINE = 600.0
"""Seconds that a skill may ask for."""

_LIMITS = {"ge": "minimum", "min_length": "minimum", "le": "maximum", "max_length": "maximum"}
_IN_TEXT_ONLY = ("min_length", "max_length")


class SkillFunction(Generic[P, R]):
    """A function with the schema that was read from it."""

    schema: Skill
    deadline: float | None
    """Seconds that it may take; None: what the settings say."""
    session: str
    """Name of the parameter that takes the `Session`; empty when there is none."""

    def __init__(self, function: Callable[P, R], name: str, risk: Risk, deadline: float | None) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.deadline = deadline
        self._back: Back | None = None
        hints = _hints(function)
        self.session = next((key for key, hint in hints.items() if hint is Session), "")
        read = [_parameter(function, key, hint) for key, hint in hints.items() if hint is not Session]
        self._sequences = {parameter.name: sequence for parameter, sequence in read if sequence}
        self.schema = Skill(
            name or function.__name__, tuple(parameter for parameter, _ in read), _description(function), risk
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def run(self, typed: Mapping[str, Typed], session: Session) -> Reply:
        """What the function answers to the typed arguments of a checked call. Raises what it raises, and `SchemaError`
        when it returns neither text nor a `Reply`."""
        arguments = dict(typed)
        for name, sequence in self._sequences.items():
            if name in arguments:
                given = arguments[name]
                arguments[name] = sequence(given if isinstance(given, tuple) else (given,))
        if self.session:
            arguments[self.session] = session
        reply = self._reply(cast(Callable[..., object], self.function)(**arguments))
        if reply.undo is not None and self._back is None:
            raise SchemaError(f"{self.schema.name} offers undo, but no function is marked @{self.schema.name}.undo")
        return reply

    def undo(self, back: Back) -> Back:
        """Decorator for what takes back what the skill did: it gets the `undo` of its `Reply` and a `Session`."""
        self._back = back
        return back

    def take_back(self, done: Mapping[str, Any], session: Session) -> Reply:
        """Undoes what the skill did. Raises what the function raises, and `SchemaError` when there is none."""
        if self._back is None:
            raise SchemaError(f"{self.schema.name} cannot undo anything")
        return self._reply(self._back(done, session))

    def _reply(self, answer: object) -> Reply:
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, str):
            return Reply(answer)
        raise SchemaError(f"{self.schema.name} returned {type(answer).__name__}; a skill returns text or a Reply")


@overload
def skill(function: Callable[P, R], /) -> SkillFunction[P, R]: ...
@overload
def skill(
    *, name: str = "", risk: Risk = "none", deadline: float | None = None
) -> Callable[[Callable[P, R]], SkillFunction[P, R]]: ...
def skill(
    function: Callable[P, R] | None = None, /, *, name: str = "", risk: Risk = "none", deadline: float | None = None
) -> SkillFunction[P, R] | Callable[[Callable[P, R]], SkillFunction[P, R]]:
    """Makes a function a skill. `name`: the function's own when empty. `risk="confirm"`: a person says yes first.
    `deadline`: seconds, when it needs longer than other skills.

    Raises `SchemaError` naming function and parameter for a signature that no call could fill.
    """
    if risk not in get_args(Risk):
        raise SchemaError(f"@skill: risk is {' or '.join(get_args(Risk))}, not {risk!r}")
    if deadline is not None and not 0 < deadline <= MAX_DEADLINE:
        raise SchemaError(f"@skill: a deadline is above 0 and at most {MAX_DEADLINE:g} seconds, not {deadline!r}")
    if function is not None:
        return SkillFunction(function, name, risk, deadline)
    return lambda decorated: SkillFunction(decorated, name, risk, deadline)


@dataclass(frozen=True, slots=True)
class _Hint:
    """An annotation taken apart."""

    kind: object
    """A Python type, or a `Literal`."""
    sequence: Callable[[Iterable[Any]], Any] | None
    """`list` or `tuple`, when the parameter repeats."""
    metadata: tuple[object, ...]
    """What `Annotated` adds."""


def _hints(function: Callable[..., object]) -> dict[str, object]:
    """The annotation of each parameter, in order, strings resolved."""
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        raise SchemaError(f"@skill belongs on a plain function, not on {function!r}")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        missing = re.compile(rf"\b{re.escape(getattr(error, 'name', None) or '')}\b")
        where = next((key for key, hint in function.__annotations__.items() if missing.search(str(hint))), "")
        raise _wrong(function, where, f"its annotation cannot be read: {error}") from error
    found: dict[str, object] = {}
    for key, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise _wrong(function, key, "every parameter is given by name, one value each")
        if key not in hints:
            raise _wrong(function, key, f"it has no annotation; known: {_known()}")
        found[key] = hints[key]
    return found


def _parameter(
    function: Callable[..., object], key: str, annotation: object
) -> tuple[Parameter, Callable[[Iterable[Any]], Any] | None]:
    hint = _taken_apart(function, key, annotation)
    if get_origin(hint.kind) is Literal:
        choices = get_args(hint.kind)
        if not all(isinstance(choice, str) and choice for choice in choices):
            raise _wrong(function, key, "a Literal lists texts")
        type_name, limits = "choice", Limits(choices)
    else:
        names = {kind.python: kind.name for kind in TYPES.values() if kind.name != "choice"}
        if not isinstance(hint.kind, type) or hint.kind not in names:
            raise _wrong(function, key, f"{_shown(annotation)} is no type that a call can hold; known: {_known()}")
        type_name, limits = names[hint.kind], Limits()
    description = ""
    for note in hint.metadata:
        limits = _limited(function, key, note, type_name, limits)
        description = getattr(note, "description", None) or description
    required = inspect.signature(function).parameters[key].default is inspect.Parameter.empty
    return Parameter(key, type_name, required, limits, hint.sequence is not None, description), hint.sequence


def _taken_apart(function: Callable[..., object], key: str, annotation: object) -> _Hint:
    kind, sequence = annotation, None
    metadata: list[object] = []
    while True:
        origin, inside = get_origin(kind), get_args(kind)
        if origin is Annotated:
            kind = inside[0]
            metadata.extend(inside[1:])
        elif origin in (Union, types.UnionType) and type(None) in inside and len(inside) == 2:
            kind = next(one for one in inside if one is not type(None))
        elif sequence is None and (origin is list or (origin is tuple and inside[1:] == (...,))):
            if any(_constraints(note) for note in metadata):
                raise _wrong(function, key, "limits belong to the items: list[Annotated[int, Field(ge=0)]]")
            kind, sequence = inside[0], list if origin is list else tuple
        else:
            return _Hint(kind, sequence, tuple(metadata))


def _limited(function: Callable[..., object], key: str, note: object, type_name: str, limits: Limits) -> Limits:
    """`limits` narrowed by what one entry of `Annotated` says."""
    given = {"minimum": limits.minimum, "maximum": limits.maximum}
    for name, limit in _constraints(note):
        fits = name in _LIMITS and (type_name == "text") == (name in _IN_TEXT_ONLY)
        number = limit.total_seconds() if isinstance(limit, timedelta) else limit
        if not fits or isinstance(number, bool) or not isinstance(number, (int, float)):
            known = "min_length and max_length" if type_name == "text" else "ge and le"
            raise _wrong(function, key, f"{name}={limit!r} is no limit of the type {type_name}; known: {known}")
        given[_LIMITS[name]] = number
    return Limits(limits.choices, given["minimum"], given["maximum"])


def _constraints(note: object) -> list[tuple[str, object]]:
    """(keyword, limit) of a pydantic `Field` or of one entry of its metadata (the library annotated-types)."""
    if isinstance(entries := getattr(note, "metadata", None), list):  # FieldInfo, without importing pydantic
        return [pair for entry in entries for pair in _constraints(entry)]
    if type(note).__module__.partition(".")[0] not in ("pydantic", "annotated_types"):
        return []
    names = [entry.name for entry in dataclasses.fields(note)] if dataclasses.is_dataclass(note) else vars(note)
    return [(name, getattr(note, name)) for name in names]


def _description(function: Callable[..., object]) -> str:
    paragraph, _, _ = (inspect.getdoc(function) or "").strip().partition("\n\n")
    return " ".join(paragraph.split())


def _wrong(function: Callable[..., object], key: str, problem: str) -> SchemaError:
    where = f"parameter {key!r} of " if key else ""
    return SchemaError(f"{where}skill function {getattr(function, '__name__', function)!r}: {problem}")


def _known() -> str:
    names = ("Literal" if kind.name == "choice" else kind.python.__name__ for kind in TYPES.values())
    return ", ".join(dict.fromkeys(names))


def _shown(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
