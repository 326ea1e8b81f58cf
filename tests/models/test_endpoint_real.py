"""A real OpenAI-compatible server with a real model: `python -m llama_cpp.server` on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from otto.grammar import grammar
from otto.models.endpoint import EndpointModel, Style
from otto.prompt import router_prompt
from otto.route import Context
from otto.routers.model import ModelRouter
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.llamaserver import serving

pytestmark = pytest.mark.heavy
LIGHTS = Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))),), "Switches the lights.")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp.server", exc_type=ImportError)
    pytest.importorskip("torch")
    from tests.tinymodels import random_gguf

    return random_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture(scope="module")
def address(weights: Path) -> Iterator[str]:
    with serving(weights, 1024) as address:
        yield address


@pytest.mark.parametrize("style", ["text", "chat"])
def test_a_real_server_keeps_the_grammar(address: str, style: Style, now: datetime) -> None:
    model = EndpointModel("random", base_url=address, style=style)
    router = ModelRouter(model, [LIGHTS], router_prompt("plain", ""), name="openai", grammar=grammar, seconds=60)
    for text in ("lights on", "wie spät ist es", "</s> lights()"):
        route = router.route(text, Context(now))
        assert {call.name for call in route.calls} <= {"lights", "other"}
        assert "refused" not in route.trace
        assert 0 < route.trace["tokens"] < 100  # type: ignore[operator]
        assert route.trace["prompt_tokens"]
    assert model.usage.requests == 3


def test_in_our_own_framing_it_writes_what_the_engine_writes(address: str, weights: Path, now: datetime) -> None:
    from otto.models.llama import Llama

    engine = Llama(weights, context=1024)
    prompt = router_prompt("plain", "")
    near, far = (
        ModelRouter(model, [LIGHTS], prompt, grammar=grammar, seconds=60)
        for model in (engine, EndpointModel("random", base_url=address, style="text"))
    )
    try:
        for text in ("lights on", "lights off please", "wie spät ist es"):
            assert near.route(text, Context(now)).calls == far.route(text, Context(now)).calls
    finally:
        engine.close()


def test_tools_of_a_model_that_knows_none(address: str, now: datetime) -> None:
    """It writes nonsense in place of tool calls, which is no skill's call."""
    model = EndpointModel("random", base_url=address, style="tools")
    router = ModelRouter(model, [LIGHTS], router_prompt("plain", ""), name="openai", seconds=60)
    assert str(router.route("lights on", Context(now))) == "other()"
