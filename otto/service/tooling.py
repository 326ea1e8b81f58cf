"""The tools that a caller of `/v1/chat/completions` hands over, as skills with a small router of their own.

    box = Toolbox(others, cache=settings.cache_folder)
    tools = box.tools(given)            # a few seconds the first time, then from the cache
    tools.calls("what's the weather in Boston", now)

The router learns from sentences made of names and descriptions (`toolsentences.py`), and beside them a few of Otto's
own as what belongs to none of the tools.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from otto.call import OTHER, Call
from otto.errors import CallError, OttoError
from otto.example import Example
from otto.mcp.adopt import adopt
from otto.registry.snapshot import Snapshot
from otto.route import Context, Route
from otto.routers.fewshot import FewshotRouter
from otto.service.toolsentences import sentences
from otto.skill import Skill

KEPT = 16
"""Sets of tools whose routers are kept in memory."""
MOST_TOOLS = 128
STRICTEST = 0.4
"""Highest threshold below which a sentence belongs to no tool."""
_OTHERS = 60
"""Sentences of each of Otto's two kinds (`other()`, and all skills) that the tools are told apart from."""


class ToolError(OttoError):
    """A tool whose schema cannot be used. Seen by the caller."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the caller is to do."""

    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Missing:
    """The right tool, but not all that it needs."""

    name: str
    parameter: str


class Tools:
    """One set of tools and its router."""

    def __init__(self, names: Mapping[str, str], skills: Sequence[Skill], router: FewshotRouter) -> None:
        """`names`: the caller's, by those that a call can be written with."""
        self._names = names
        self._skills = {skill.name: skill for skill in skills}
        self._router = router
        self._lock = threading.Lock()

    def calls(self, text: str, now: datetime, *, required: bool = False) -> tuple[ToolCall, ...] | Missing:
        """The tools that `text` asks for, in order; none where no tool fits. `required`: the likeliest all the same."""
        with self._lock:
            route = self._router.route(text, Context(now))
        if route.rejected and not required:
            return ()
        made: list[ToolCall] = []
        for call in _wanted(route, list(self._skills)):
            skill = self._skills[call.name]
            try:
                canonical = skill.canonical(call, now)
            except CallError as error:
                return Missing(self._names[call.name], error.parameter)
            made.append(ToolCall(self._names[call.name], _plain(canonical)))
        return tuple(made)


class Toolbox:
    """The routers of the sets that were used last."""

    def __init__(self, snapshot: Callable[[], Snapshot], cache: Path) -> None:
        self._snapshot = snapshot
        self._cache = cache
        self._made: OrderedDict[str, Tools] = OrderedDict()
        self._lock = threading.Lock()

    def tools(self, given: Sequence[Mapping[str, Any]]) -> Tools:
        """From OpenAI's `tools`. Raises `ToolError`."""
        key = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
        with self._lock:  # of two callers with one set the second waits, and finds it made
            tools = self._made.pop(key, None) or self._trained(given)
            self._made[key] = tools
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return tools

    def _trained(self, given: Sequence[Mapping[str, Any]]) -> Tools:
        if len(given) > MOST_TOOLS:
            raise ToolError(f"At most {MOST_TOOLS} tools can be given.")
        names: dict[str, str] = {}
        skills: list[Skill] = []
        for each in given:
            tool = _Given.of(each)
            adopted = adopt("caller", tool, taken=frozenset(names))
            if adopted.registered is None:
                raise ToolError(str(adopted.problems[0].message))
            skill = replace(adopted.registered.skill, risk="none")  # the caller carries it out, and asks if it must
            names[skill.name] = tool.name
            skills.append(skill)
        examples = [example for skill in skills for example in sentences(skill)]
        examples += self._others()
        router = FewshotRouter.train(skills, examples, cache=self._cache / "tools", newcomers=names)
        return Tools(names, skills, _lenient(router))

    def _others(self) -> list[Example]:
        skills = self._snapshot().skills
        own = [example for name, entry in skills.items() if name != OTHER for example in entry.examples]
        other = list(skills[OTHER].examples) if OTHER in skills else []
        return [
            Example(each.text, (Call(OTHER),))
            for group in (other, own)
            for each in group[:: max(1, len(group) // _OTHERS)]
        ]


@dataclass(frozen=True, slots=True)
class _Given:
    """A tool as `adopt` reads it."""

    name: str
    title: None
    description: str
    input_schema: Mapping[str, Any]
    annotations: None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> _Given:
        function = entry.get("function")
        if entry.get("type", "function") != "function" or not isinstance(function, Mapping):
            raise ToolError("Only tools of the type function can be used.")
        name, description = function.get("name"), function.get("description") or ""
        schema = function.get("parameters") or {}
        properties = schema.get("properties") or {} if isinstance(schema, Mapping) else None
        if not (isinstance(name, str) and name and isinstance(description, str) and isinstance(properties, Mapping)):
            raise ToolError("A tool needs a name, and its parameters must be a JSON Schema object.")
        return cls(name, None, description, schema)


def _lenient(router: FewshotRouter) -> FewshotRouter:
    """What it learnt from is far more alike than what people say, so a threshold fitted on that refuses too much."""
    calibration = router.trained.calibration
    threshold = min(calibration.threshold, STRICTEST)
    return replace(router, trained=replace(router.trained, calibration=replace(calibration, threshold=threshold)))


def _wanted(route: Route, names: Sequence[str]) -> Sequence[Call]:
    """Calls of tools: the route's, or else the best alternative's, or else the first tool's."""
    for calls in (route.calls, *(other.calls for other in route.alternatives)):
        if found := [call for call in calls if call.name != OTHER]:
            return found
    return [Call(names[0])]


def _plain(call: Call) -> dict[str, object]:
    """Arguments as JSON holds them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in call.arguments.items()}
