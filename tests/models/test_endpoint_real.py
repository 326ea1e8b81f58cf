"""A real OpenAI-compatible server with a real model: `python -m llama_cpp.server` on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "llama_cpp.server", "--model", str(weights), "--host", "127.0.0.1", "--port", str(port),
        "--n_ctx", "1024", "--n_threads", "1", "--chat_format", "chatml",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        end = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None and time.monotonic() < end, "the server does not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(20)


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
