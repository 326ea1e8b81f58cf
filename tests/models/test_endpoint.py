"""An OpenAI-compatible server as a language model: what is sent, what is made of answers and of faults.

The server is a real one on loopback that answers as it is told; a real engine's server is asked in
`test_endpoint_real.py`."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from otto.call import parse
from otto.errors import ConfigError, ModelError
from otto.models.endpoint import EndpointModel, Style
from otto.models.language import Request
from otto.models.tools import tool
from otto.prompt import router_prompt
from otto.route import Context
from otto.routers.model import ModelRouter
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.models.chatserver import Server, running, said

SKILLS = (
    Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room")), "Switches lights."),
    Skill("timer", (Parameter("duration", "duration", True),)),
    Skill("shopping", (Parameter("items", repeats=True, description="What to buy."),)),
)
KEY = "sk-canary-1234567890abcdef"
PROMPT = router_prompt("chatml")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OTTO_ROUTER_KEY", KEY)
    with running() as server:
        yield server


def model(server: Server, style: Style = "tools", **options: Any) -> EndpointModel:
    return EndpointModel("m", base_url=server.address, style=style, **options)


def request(text: str = "lights off", seconds: float = 5.0, grammar: str = "") -> Request:
    messages = PROMPT.messages(text, SKILLS)
    return Request(PROMPT.format.opening(messages), messages, "<|im_end|>", grammar, SKILLS, deadline_seconds=seconds)


@pytest.mark.parametrize(
    ("tools", "written"),
    [
        ([("lights", '{"state": "off", "room": "kitchen"}')], 'lights(state="off", room="kitchen")'),
        ([("lights", '{"state": "off"}'), ("timer", '{"duration": "ten minutes"}')], None),
        ([("lights", '{"state": "off", "room": null}')], 'lights(state="off")'),
        ([("shopping", '{"items": ["milk", "eggs"]}')], 'shopping(items=["milk", "eggs"])'),
        ([("lights", "")], "lights()"),
        ([("lights", '{"state": "of')], 'lights({"state": "of)'),
        ([("lights", '{"state": {"deep": 1}}')], 'lights({"state": {"deep": 1}})'),
        ([("lights", "[1]")], "lights([1])"),
        ([("li ghts", "{}")], "li ghts({})"),
    ],
)
def test_native_tool_calls_become_calls(server: Server, tools: list[tuple[str, str]], written: str | None) -> None:
    server.answers = [said(None, *tools)]
    text = model(server).write(request()).text
    assert text == (written or 'lights(state="off"); timer(duration="ten minutes")')


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("none", "other()"),
        (None, "other()"),
        ("<think>lights(state='on')?</think>I can't.", "other()"),
        ('lights(state="on")', 'lights(state="on")'),
    ],
)
def test_no_tool_call_means_that_no_skill_applies(server: Server, text: str | None, written: str) -> None:
    server.answers = [said(text)]
    assert model(server).write(request()).text == written


def test_tools_are_the_skills_as_json_schema(server: Server) -> None:
    server.answers = [said("none")]
    model(server).write(request("lights off"))
    path, body, headers = server.sent[0]
    assert path == "/v1/chat/completions"
    assert body["tools"] == [{"type": "function", "function": tool(skill)} for skill in SKILLS]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"] == "lights off"
    assert "lights" not in body["messages"][0]["content"]  # the tools say it
    assert body["temperature"] == 0
    assert headers["authorization"] == f"Bearer {KEY}"


def test_kinds_of_values_that_json_schema_does_not_know_are_described() -> None:
    properties: Any = tool(SKILLS[1])["parameters"]
    assert properties["properties"]["duration"] == {
        "type": "string",
        "description": "(duration, in the person's own words)",
    }
    listed: Any = tool(SKILLS[2])["parameters"]
    assert listed["properties"]["items"] == {
        "type": "array",
        "items": {"type": "string", "description": "What to buy."},
    }


def test_as_messages_the_prompt_is_sent_and_text_is_taken(server: Server) -> None:
    server.answers = [said('<think>hm</think>\nlights(state="off")')]
    assert model(server, "chat").write(request(grammar='root ::= "x"')).text == 'lights(state="off")'
    _, body, _ = server.sent[0]
    assert "tools" not in body
    assert body["messages"] == [
        {"role": message.role, "content": message.text} for message in PROMPT.messages("lights off", SKILLS)
    ]
    assert body["grammar"] == 'root ::= "x"'


def test_in_our_own_framing_the_prompt_is_sent_as_it_was_taught(server: Server) -> None:
    server.answers = [
        {"id": "1", "object": "text_completion", "created": 1, "model": "m",
         "choices": [{"index": 0, "text": 'lights(state="off")', "finish_reason": "stop",
                      "logprobs": {"token_logprobs": [-0.5, -0.25]}}]}
    ]  # fmt: skip
    written = model(server, "text").write(request())
    path, body, _ = server.sent[0]
    assert path == "/v1/completions"
    assert (body["prompt"], body["stop"]) == (request().prompt, ["<|im_end|>"])
    assert (written.text, written.log_probability, written.tokens) == ('lights(state="off")', -0.75, 0)


def test_tokens_log_probabilities_and_cost_are_told(server: Server) -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}] * 3}
    server.answers = [said('lights(state="off")', logprobs=tokens)]
    asked = model(server, "chat", price_in=2.0, price_out=10.0)
    written = asked.write(request())
    assert (written.prompt_tokens, written.tokens, written.reused_tokens) == (300, 20, 256)
    assert written.log_probability == -1.5
    assert written.cost == pytest.approx(300 * 2e-6 + 20 * 1e-5)
    asked.write(request())
    assert (asked.usage.requests, asked.usage.tokens) == (2, 40)
    assert asked.usage.cost == pytest.approx(2 * written.cost)


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"error": {"message": f"slow down {KEY}"}}, {}),
        (500, {"error": "boom"}, {}),
        (503, "<html>", {}),
        (200, "cut", {}),
        (200, "{not json", {}),
        (200, {"choices": []}, {}),
        (200, "[]", {}),
    ],
    ids=["429", "500", "503", "cut", "malformed", "no choice", "no object"],
)
def test_a_fault_is_overcome_by_asking_again(server: Server, fault: tuple[int, Any, dict[str, str]]) -> None:
    server.answers = [fault, said(None, ("lights", '{"state": "off"}'))]
    assert model(server).write(request()).text == 'lights(state="off")'
    assert len(server.sent) == 2
    assert server.times[1] - server.times[0] >= 0.2


def test_pauses_grow_and_there_are_not_endlessly_many(server: Server) -> None:
    server.answers = [(500, {}, {})]
    with pytest.raises(ModelError, match="answered with error 500"):
        model(server).write(request())
    first, second, third = server.times
    assert 1.2 * (second - first) < third - second


def test_a_server_says_when_to_come_back(server: Server) -> None:
    server.answers = [(429, {}, {"retry-after": "0.6"}), said("none")]
    model(server).write(request())
    assert server.times[1] - server.times[0] >= 0.6
    server.answers = [(429, {}, {"retry-after": "60"})]
    started = time.monotonic()
    with pytest.raises(ModelError, match="too much to do"):
        model(server).write(request())
    assert time.monotonic() - started < 1


def test_the_deadline_holds(server: Server) -> None:
    server.answers = ["slow"]
    started = time.monotonic()
    with pytest.raises(ModelError, match="too slow"):
        model(server).write(request(seconds=0.5))
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(("status", "words"), [(401, "refused the key"), (404, "is not there"), (402, "error 402")])
def test_what_asking_again_does_not_mend_is_not_asked_again(server: Server, status: int, words: str) -> None:
    server.answers = [(status, {"error": {"message": f"bad key {KEY}"}}, {})]
    with pytest.raises(ModelError, match=words):
        model(server).write(request())
    assert len(server.sent) == 1


def test_what_a_server_refuses_is_left_out_from_then_on(server: Server) -> None:
    def picky(body: dict[str, Any]) -> Any:
        unknown = {"logprobs", "temperature", "grammar", "max_tokens"} & body.keys()
        return (400, {"error": {"message": "unsupported parameter"}}, {}) if unknown else said('lights(state="off")')

    server.answers = [picky]
    asked = model(server, "chat")
    for _ in range(2):
        assert asked.write(request(grammar='root ::= "x"')).text == 'lights(state="off")'
    assert len(server.sent) == 3


def test_only_what_a_server_names_is_left_out(server: Server) -> None:
    """As llama-cpp-python's does, with a 500."""

    def picky(body: dict[str, Any]) -> Any:
        return (500, {"error": {"message": "logprobs needs logits_all"}}, {}) if "logprobs" in body else said("none")

    server.answers = [picky]
    asked = model(server, "chat")
    asked.write(request(grammar='root ::= "x"'))
    assert len(server.sent) == 2
    assert server.sent[1][1]["grammar"] == 'root ::= "x"'
    assert server.sent[1][1]["temperature"] == 0


def test_nothing_of_a_key_is_told(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.answers = [(429, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, {})]
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelError) as refused:
        model(server, attempts=1).write(request())
    shown = "".join([*traceback.format_exception(refused.value), *(record.getMessage() for record in caplog.records)])
    assert "too much to do" in shown
    assert KEY not in shown


def test_an_unreachable_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="could not be reached"):
        EndpointModel("m", base_url="http://127.0.0.1:9/v1", attempts=2).write(request())


def test_a_key_is_only_shown_to_the_server_that_it_is_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTTO_ROUTER_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.answers = [said("none")]
    model(server).write(request())
    assert KEY not in str(server.sent[0][2])
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    EndpointModel("m").write(request())
    assert server.sent[1][2]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("", "http://localhost:1/v1", "router_endpoint_model"),
        ("m", "", "no server is set"),
        ("m", "localhost:8000", "must be an address"),
        ("m", f"http://me:{KEY}@localhost/v1", "without a password"),
    ],
)
def test_what_is_not_set_is_named(name: str, address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        EndpointModel(name, base_url=address)
    assert KEY not in str(refused.value)


# As a router


def test_a_tool_that_does_not_exist_is_told_and_mended(server: Server, now: datetime) -> None:
    server.answers = [said(None, ("fridge", '{"open": true}')), said(None, ("lights", '{"state": "off"}'))]
    route = ModelRouter(model(server), SKILLS, PROMPT, name="openai").route("lights off", Context(now))
    assert route.calls == parse('lights(state="off")')
    assert route.trace["fault"] == "there is no fridge"
    assert "there is no fridge" in server.sent[1][1]["messages"][-1]["content"]


def test_arguments_that_are_no_json_are_told_and_then_refused(server: Server, now: datetime) -> None:
    server.answers = [said(None, ("lights", '{"state": "of'))]
    route = ModelRouter(model(server), SKILLS, PROMPT, name="openai").route("lights off", Context(now))
    assert (str(route), route.confidence) == ("other()", 0)
    assert len(server.sent) == 2
