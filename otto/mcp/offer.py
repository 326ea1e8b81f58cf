"""Otto's skills as tools of the Model Context Protocol (revision 2026-07-28, and older ones through the SDK).

    otto mcp                          over standard input and output, for desktop hosts
    server(Offer(otto, carry))        for any transport; `otto serve` hangs it in at /mcp (`http.py`)

Every skill that is not hidden is a tool with its JSON Schema. A skill that asks first is marked destructive, and asks
the person at the host's side (elicitation); a host that cannot ask is refused, unless the skill is in `trusted`.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from otto.call import OTHER, Argument, Call
from otto.errors import CallError, OttoError
from otto.models import tools
from otto.route import Route
from otto.skill import Skill
from otto.turn import Assistant, Understood

if TYPE_CHECKING:
    from mcp import types
    from mcp.server import Server, ServerRequestContext

_ASKS_BY_RESULT = "2026-07-28"
"""Revision from which on a server asks by answering that it needs input."""
_YES = "yes"
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {_YES: {"type": "boolean", "title": "Yes, do it"}},
    "required": [_YES],
}


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of a call."""

    text: str
    ok: bool
    data: Mapping[str, object] | None = None


Carry = Callable[[Understood, bool], Awaitable[Carried]]
"""Carries out what was understood; the second argument is the person's answer where a skill asks first."""


class Approval(threading.local):
    """Whether a person has said yes to what this thread is about to carry out: the assistant's `confirm`."""

    given = False

    def __call__(self, skill: Skill, call: Call) -> bool:
        return self.given


def alone(otto: Assistant, approval: Approval) -> Carry:
    """For a process that does nothing else. `approval`: the very object that `otto` was given as `confirm`."""
    one = anyio.CapacityLimiter(1)  # one command at a time, as everywhere

    def run(understood: Understood, yes: bool) -> Carried:
        approval.given = yes
        try:
            turn = otto.carry_out(understood)
        finally:
            approval.given = False
        return Carried(turn.reply.text, turn.ok, turn.reply.data)

    async def carry(understood: Understood, yes: bool) -> Carried:
        return await anyio.to_thread.run_sync(run, understood, yes, limiter=one)

    return carry


class Offer:
    """What an MCP server answers."""

    def __init__(self, otto: Assistant, carry: Carry) -> None:
        self._otto = otto
        self._carry = carry

    def skills(self) -> dict[str, Skill]:
        """What is offered at this moment, by name."""
        hidden = {OTHER, *self._otto.settings.hidden}
        registered = self._otto.live.ready.snapshot.skills
        return {name: each.skill for name, each in registered.items() if name not in hidden and each.runnable}

    def asks_first(self, name: str) -> bool:
        """Whether the skill wants a yes from a person."""
        return self._otto.live.ready.snapshot.skills[name].asks_first and name not in self._otto.settings.trusted

    async def list_tools(
        self, context: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """All skills in alphabetical order, on one page."""
        from mcp import types

        offered = [tool(skill, self.asks_first(name)) for name, skill in self.skills().items()]
        return types.ListToolsResult(tools=offered)

    async def call_tool(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Carries a call out; whatever is wrong with it is said in the result, so that the model reads it."""
        from mcp import types

        skill = self.skills().get(params.name)
        if skill is None:
            return _result(f"There is no tool {params.name}.", failed=True)
        try:
            call = skill.canonical(Call(skill.name, _arguments(skill, params.arguments or {})), self._otto.clock.now())
        except (CallError, ValueError) as error:
            return _result(f"{error}", failed=True)
        yes = True
        if self.asks_first(skill.name):
            answer = await self._asked(context, params, call)
            if isinstance(answer, types.InputRequiredResult):
                return answer
            yes = answer
        understood = Understood(str(call), Route((call,), 1.0, "mcp"), self._otto.live.ready, {})
        try:
            carried = await self._carry(understood, yes)
        except OttoError as error:
            return _result(f"{error}", failed=True)
        return _result(carried.text, failed=not carried.ok, data=carried.data)

    async def _asked(
        self, context: ServerRequestContext[Any], params: types.CallToolRequestParams, call: Call
    ) -> bool | types.InputRequiredResult:
        """Whether the person at the other side says yes; or the question, for the host to put."""
        from mcp import types

        able = context.session.client_capabilities
        if able is None or able.elicitation is None:
            return False
        message = f"Shall I run {call}?"
        if context.protocol_version < _ASKS_BY_RESULT:
            from mcp.shared.exceptions import NoBackChannelError

            try:
                return _agreed(await context.session.elicit_form(message, _FORM, context.request_id))
            except NoBackChannelError:
                return False  # an older host over HTTP, where nothing can be asked in between
        if params.input_responses and _YES in params.input_responses:
            return _agreed(params.input_responses[_YES])
        question = types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=_FORM))
        return types.InputRequiredResult(input_requests={_YES: question})


def server(offer: Offer) -> Server[Any]:
    """The protocol's server over that offer. Raises `OttoError` where the `mcp` package is missing."""
    try:
        from mcp.server import Server
    except ImportError as error:
        raise OttoError("MCP needs a package that is not installed: pip install 'otto-assistant[mcp]'") from error
    from importlib.metadata import version

    return Server(
        "otto",
        version=version("otto-assistant"),
        instructions="Skills of the user's own computer: timers, reminders, notes, music, volume, programs and more.",
        on_list_tools=offer.list_tools,
        on_call_tool=offer.call_tool,
    )


async def over_standard_streams(offer: Offer) -> None:
    """Answers a host on standard input and output until it closes them."""
    serving = server(offer)
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await serving.run(read, write, serving.create_initialization_options())


def tool(skill: Skill, asks_first: bool) -> types.Tool:
    """A skill as a tool, with the schema that OpenAI-compatible servers get: hosts enforce formats in ISO 8601, too."""
    from mcp import types

    schema: Any = tools.tool(skill)["parameters"]
    return types.Tool(
        name=skill.name,
        description=skill.description or skill.name,
        input_schema={**schema, "additionalProperties": False},
        annotations=types.ToolAnnotations(destructive_hint=asks_first, read_only_hint=False),
    )


def _arguments(skill: Skill, given: Mapping[str, object]) -> dict[str, Argument]:
    """JSON values as arguments; null means not given. Raises `CallError`."""
    found: dict[str, Argument] = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            found[name] = tools.argument(value)
        except TypeError as error:
            wanted = "expected a text, a number, true or false"
            raise CallError(f"{skill.name}: {name}: {wanted}", skill=skill.name, parameter=name) from error
    return found


def _agreed(answer: object) -> bool:
    content = getattr(answer, "content", None) or {}
    return getattr(answer, "action", "") == "accept" and content.get(_YES) is True


def _result(text: str, *, failed: bool, data: Mapping[str, object] | None = None) -> types.CallToolResult:
    from mcp import types

    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=dict(data) if data else None, is_error=failed
    )
