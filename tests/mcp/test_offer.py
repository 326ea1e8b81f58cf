"""Otto's skills offered to a real MCP client: in memory, and as a program over its pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, types

from otto.config import Settings
from otto.mcp.offer import Approval, Offer, alone, server, tool
from otto.skill import Parameter, Skill
from otto.turn import Assistant
from otto.values import Limits

OTTO = str(Path(sys.executable).with_name("otto"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Settings:
    folder = tmp_path_factory.mktemp("otto")
    examples = folder / "config" / "examples"
    examples.mkdir(parents=True)
    (examples / "doorbell_examples.txt").write_text(
        '#### Prompt:\ndoorbell(times="[times:integer 1-5]") rings.\n\n#### Action:\nrun: ["echo", "ding {times}"]\n'
        "reply: {output}\nrisk: confirm\n\n#### Examples:\n\nUser: ring the doorbell 2 times\n"
        "Assistant: doorbell(times=2)\n"
    )
    return Settings(config_folder=folder / "config", state_folder=folder / "state", cache_folder=trained / "otto")


@pytest.fixture(scope="module")
def offer(settings: Settings) -> Iterator[Offer]:
    approval = Approval()
    with Assistant(settings, approval) as otto:
        yield Offer(otto, alone(otto, approval))


def said(result: types.CallToolResult) -> str:
    return " ".join(block.text for block in result.content if isinstance(block, types.TextContent))


def asked(offer: Offer, name: str, arguments: dict[str, Any], answer: object = None, mode: str = "auto") -> Any:
    """The result of one call by a host whose person answers with `answer`; without one it cannot ask."""
    questions: list[str] = []

    async def person(context: object, params: Any) -> types.ElicitResult:
        questions.append(params.message)
        return types.ElicitResult(action="accept" if answer is not None else "cancel", content={"yes": answer is True})

    async def called() -> types.CallToolResult:
        callback = {} if answer is None else {"elicitation_callback": person}
        async with Client(server(offer), mode=mode, **callback) as client:
            return await client.call_tool(name, arguments)

    return anyio.run(called), questions


def test_every_skill_that_can_run_is_a_tool_with_its_schema(offer: Offer) -> None:
    async def listed() -> list[types.Tool]:
        async with Client(server(offer)) as client:
            return (await client.list_tools()).tools

    tools = {each.name: each for each in anyio.run(listed)}
    assert {"timer", "math", "volume", "doorbell", "define"} <= tools.keys()
    assert "other" not in tools
    assert tools["timer"].input_schema["required"] == ["duration"]
    assert tools["doorbell"].annotations is not None and tools["doorbell"].annotations.destructive_hint
    assert tools["math"].annotations is not None and tools["math"].annotations.destructive_hint is False


def test_a_call_is_carried_out_and_answered(offer: Offer) -> None:
    result, _ = asked(offer, "math", {"question": "9*9"})
    assert not result.is_error
    assert "81" in said(result)


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("timer", {}, "timer needs duration"),
        ("timer", {"duration": "blue"}, "duration"),
        ("timer", {"duration": {"minutes": 5}}, "expected a text"),
        ("timer", {"duration": "5 minutes", "colour": "red"}, "no parameter 'colour'"),
        ("other", {}, "no tool other"),
        ("rm -rf", {}, "no tool"),
    ],
)
def test_what_is_wrong_is_said_to_the_model(offer: Offer, name: str, arguments: dict[str, Any], complaint: str) -> None:
    result, _ = asked(offer, name, arguments)
    assert result.is_error
    assert complaint in said(result)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_risky_skill_runs_after_a_yes_at_the_hosts_side(offer: Offer, mode: str) -> None:
    result, questions = asked(offer, "doorbell", {"times": 3}, answer=True, mode=mode)
    assert questions == ["Shall I run doorbell(times=3)?"]
    assert said(result) == "ding 3"
    refused, _ = asked(offer, "doorbell", {"times": 3}, answer=False, mode=mode)
    assert refused.is_error
    assert "nobody said yes" in said(refused)


def test_a_host_that_cannot_ask_is_refused(offer: Offer) -> None:
    result, _ = asked(offer, "doorbell", {"times": 1})
    assert result.is_error
    assert "nobody said yes" in said(result)


def test_a_parameter_that_repeats_is_an_array() -> None:
    skill = Skill("mix", (Parameter("colour", "choice", limits=Limits(("red", "blue")), repeats=True),))
    schema = tool(skill, asks_first=False).input_schema["properties"]["colour"]
    assert schema == {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}}


def test_otto_mcp_answers_a_host_over_its_pipes(trained: Path) -> None:
    async def conversation() -> tuple[list[str], str]:
        program = StdioServerParameters(command=OTTO, args=["mcp"], env={**os.environ, "XDG_CACHE_HOME": str(trained)})
        async with Client(program) as client:
            names = [each.name for each in (await client.list_tools()).tools]
            return names, said(await client.call_tool("math", {"question": "6*7"}))

    names, answer = anyio.run(conversation)
    assert "timer" in names
    assert "42" in answer
