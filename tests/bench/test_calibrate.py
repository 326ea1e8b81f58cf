"""`otto calibrate`: what is fitted on held-out sentences, and that the held-out ones are those of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from finetune.split import split_of
from otto.bench.calibrate import calibrate, material, spread
from otto.bench.heldout import held_out
from otto.bench.testset import Row
from otto.call import Call
from otto.config import Folders, Settings
from otto.errors import OttoError
from otto.models import calibration
from otto.route import Context, Route
from otto.routers.cascade import Costs
from otto.routers.choose import Models
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.models.chatserver import Server, running, said

LIGHTS = Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room")))
ROOMS = ("kitchen", "hall", "bath", "garage", "attic", "cellar", "study", "porch", "nursery", "pantry")
ROWS = [
    Row(f"{way} the {room} lights {state}", (Call("lights", {"state": state, "room": room}),))
    for way in ("turn", "switch", "make", "put")
    for room in ROOMS
    for state in ("on", "off")
]


class Half:
    """A first router that is right about what is off, and unsure of the rest."""

    name = "fewshot"

    def route(self, text: str, context: Context) -> Route:
        words = text.split()
        if words[-1] == "off":
            return Route((Call("lights", {"state": "off", "room": words[2]}),), 0.95, self.name)
        return Route((Call("other"),), 0.4, self.name)


def understanding(body: dict[str, Any]) -> Any:
    """What a good model would say to a row."""
    words = body["messages"][-1]["content"].split()
    return said(None, ("lights", json.dumps({"state": words[-1], "room": words[2]})))


def dull(body: dict[str, Any]) -> Any:
    return said(None, ("lights", '{"state": "on"}'))


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        yield server


def measured(server: Server, answer: Any, now: datetime, **costs: float) -> calibration.Calibration:
    server.answers = [answer]
    models = Models(Settings(router_endpoint=server.address, router_endpoint_model="m"))
    told: list[float] = []
    found = calibrate(
        models, "openai", Half(), ROWS, [LIGHTS], now=now, costs=Costs(**costs),
        progress=lambda what, share: told.append(share),
    )  # fmt: skip
    assert told == sorted(told) and told[-1] == 1
    return found


def test_a_good_model_is_asked_where_the_first_is_unsure_and_auto_then_asks_it(server: Server, now: datetime) -> None:
    found = measured(server, understanding, now)
    assert found.helps
    assert 0.4 < found.threshold <= 0.95
    assert (found.figures["first"], found.figures["model"], found.rows) == (0.5, 1.0, 80)
    assert found.figures["cascade"] == pytest.approx(1.0)
    assert found.figures["asked"] == pytest.approx(0.5, abs=0.1)
    settings = Settings(router_endpoint=server.address, router_endpoint_model="m")
    calibration.write(found, settings.cache_folder)
    router = Models(settings).over(Half(), [LIGHTS])
    unsure, sure = (router.route(f"turn the kitchen lights {state}", Context(now)) for state in ("on", "off"))
    assert (unsure.router, str(unsure)) == ("openai", 'lights(state="on", room="kitchen")')
    assert (sure.router, len(server.sent)) == ("fewshot", 82)


def test_a_dull_model_is_never_asked(server: Server, now: datetime) -> None:
    found = measured(server, dull, now)
    assert (found.helps, found.threshold) == (False, 0)
    assert found.figures["cascade"] == found.figures["first"]


def test_where_waiting_costs_too_much_nobody_is_asked(server: Server, now: datetime) -> None:
    assert not measured(server, understanding, now, wrong=0.001, second=1000).helps


def test_a_model_that_never_answers_is_an_error(server: Server, now: datetime) -> None:
    with pytest.raises(OttoError, match="does not answer"):
        measured(server, (401, {}, {}), now)


def test_a_model_that_says_nothing_usable_is_an_error(server: Server, now: datetime) -> None:
    with pytest.raises(OttoError, match="not given one answer"):
        measured(server, said(None, ("fridge", "{}")), now)


def test_too_few_sentences_are_an_error(now: datetime) -> None:
    models = Models(Settings(router_endpoint="http://127.0.0.1:9/v1", router_endpoint_model="m"))
    with pytest.raises(OttoError, match="59 held-out sentences are too few"):
        calibrate(
            models, "openai", Half(), ROWS[:59], [LIGHTS], now=now, costs=Costs(), progress=lambda what, share: None
        )


def test_the_held_out_sentences_are_those_that_no_training_sees() -> None:
    texts = [
        *(row.text for row in ROWS),
        "What's the time, Otto?",
        "2 + 3",
        "…",
        "",
        "Wie spät ist’s?",
        "x\u0301",
        "\ud800",
    ]
    for text in texts * 2:
        assert held_out(text) == (split_of(text) != "train"), text
    assert 0 < sum(held_out(f"sentence number {number}") for number in range(1000)) < 160


def test_the_first_router_has_not_seen_the_sentences(tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    lines = "".join(f"User: {row.text}\nAssistant: {row.calls[0]}\n" for row in ROWS)
    prompt = 'lights(state="on|off", room="[room]")'
    (folder / "lights_examples.txt").write_text(f"#### Prompt:\n{prompt}\n\n#### Examples:\n{lines}")
    folders = Folders((folder,), ())
    part = material(Settings(), folders, keep_all=False, progress=lambda what, share: None)
    held = {row.text for row in ROWS if held_out(row.text)}
    assert {row.text for row in part.rows} == held
    assert set(part.sentences["lights"]) == {row.text for row in ROWS} - held
    assert "lights" in {skill.name for skill in part.skills}
    whole = material(Settings(hidden=("x",)), folders, keep_all=True, progress=lambda what, share: None)
    assert whole.rows == []
    assert len(whole.sentences["lights"]) == len(ROWS)


def test_a_part_of_the_rows_is_from_all_over() -> None:
    rows = spread(ROWS, 8)
    assert len(rows) == 8
    assert {row.text.split()[0] for row in rows} == {"turn", "switch", "make", "put"}
    assert spread(ROWS, None) == spread(ROWS, 1000) == ROWS
