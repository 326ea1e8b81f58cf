"""Sentences for a caller's tools: each is one that the tool accepts, and says what it means."""

from __future__ import annotations

from datetime import datetime

import pytest

from otto.service.toolsentences import MOST, sentences
from otto.skill import Parameter, Skill
from otto.values import Limits

WEATHER = Skill(
    "getCurrentWeather",
    (Parameter("location", "text", required=True), Parameter("unit", "choice", limits=Limits(("celsius", "kelvin")))),
    "Gets the current weather in a given location. Slow!",
)
HEATING = Skill("set_thermostat", (Parameter("degrees", "number", required=True),), "")
LOCK = Skill("lock_door", (), "Locks the door.")


@pytest.mark.parametrize("skill", [WEATHER, HEATING, LOCK])
def test_every_sentence_is_valid_and_holds_its_arguments(skill: Skill, now: datetime) -> None:
    made = sentences(skill)
    assert 5 < len(made) <= MOST and len({each.text for each in made}) == len(made)
    for example in made:
        (call,) = example.calls
        skill.check(call, now)
        for value in call.arguments.values():
            assert str(value).lower() in example.text


def test_people_ask_for_what_is_looked_up_and_order_what_is_done() -> None:
    asked = {each.text for each in sentences(WEATHER)}
    assert "what's the current weather in berlin" in asked
    assert not any("given location" in text for text in asked)
    assert "please lock the door" in {each.text for each in sentences(LOCK)}


def test_what_cannot_be_said_gets_no_sentences() -> None:
    assert sentences(Skill("switch", (Parameter("on", "boolean", required=True),))) == ()
