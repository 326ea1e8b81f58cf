"""A cascade over a model whose process is killed again and again: every sentence is answered, and soon."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from otto.grammar import grammar
from otto.prompt import router_prompt
from otto.route import Context
from otto.routers.cascade import CascadeRouter, Rule, Stage
from otto.routers.model import ModelRouter
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.routers.test_cascade import Fixed
from tests.utterances import utterances

pytestmark = pytest.mark.heavy
LIGHTS = Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))),))


@pytest.mark.parametrize(("routes", "kills"), [(80, 4), pytest.param(1000, 50, marks=pytest.mark.nightly)])
def test_every_route_is_answered_within_two_seconds(routes: int, kills: int, now: datetime, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    pytest.importorskip("torch")
    from otto.models.llama import Llama
    from tests.tinymodels import random_gguf

    model = Llama(random_gguf(tmp_path / "random.gguf"))
    asked = ModelRouter(model, [LIGHTS], router_prompt("plain", ""), name="llama", grammar=grammar)
    cascade = CascadeRouter(Fixed("fewshot", "other()", 0.0), [Stage(asked, Rule(1.01, (5.0, 0.0, 0.0, 0.0, 0.0)))])
    chance = random.Random(0)
    slowest, answered = 0.0, {"fewshot": 0, "llama": 0}
    try:
        model.wait_loaded()
        doomed = set(chance.sample(range(routes), kills))
        for place, text in enumerate(utterances(routes)):
            killer = threading.Timer(
                0.004 * chance.random(), lambda: os.kill(model._running.child._process.pid, signal.SIGKILL)
            )
            if place in doomed:
                killer.start()
            started = time.monotonic()
            route = cascade.route(text, Context(now))
            slowest = max(slowest, time.monotonic() - started)
            answered[route.router] += 1
            assert route.calls
            if place in doomed:
                killer.join()
    finally:
        model.close()
    assert sum(answered.values()) == routes
    assert answered["llama"] >= routes / 4, answered
    assert slowest < 2.0, slowest
