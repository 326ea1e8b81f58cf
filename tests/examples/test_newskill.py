"""A new skill from what a person types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otto.action import Run
from otto.errors import SchemaError
from otto.examples.newskill import drawn_up
from otto.skill import Parameter
from otto.values import Limits

LIGHTS = Path("lights_examples.txt")


def test_a_signature_with_its_description() -> None:
    file = drawn_up(
        LIGHTS,
        'lights(state="on|off", room="[room]"): switches the lights',
        ['kitchen off => lights(state="off", room="kitchen")', "on -> lights(state='on')"],
        ["who invented the light bulb"],
    )
    (skill,) = file.skills
    assert skill.description == "switches the lights"
    assert skill.parameters == (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room"))
    assert [str(example) for example in file.examples] == [
        'kitchen off -> lights(state="off", room="kitchen")',
        'on -> lights(state="on")',
        "who invented the light bulb -> other()",
    ]


def test_without_a_signature_the_examples_say_it() -> None:
    file = drawn_up(LIGHTS, examples=["dim to 3 => lights(level=3)", "on => lights()"])
    assert file.skills[0].parameters == (Parameter("level", "integer"),)
    assert str(file).startswith('#### Prompt:\nlights(level="[level:integer]")\n')


def test_an_action_alone_is_enough() -> None:
    file = drawn_up(Path("lock_examples.txt"), action=["run: loginctl lock-session", "risk: confirm"])
    assert file.action is not None
    assert file.action.does == Run(("loginctl", "lock-session"))
    assert file.skills[0].risk == "confirm"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "needs a signature or an example"),
        ({"call": "switches lights"}, "holds no signature"),
        ({"call": "lights(state="}, "this signature cannot be read"),
        ({"call": "lamp()"}, "the signature is of 'lamp' and the new skill is called 'lights'"),
        ({"call": "lights()", "examples": ["lights on"]}, "an example is written 'sentence => call'"),
        ({"call": "lights()", "examples": [" => lights()"]}, "an example is written 'sentence => call'"),
        ({"call": "lights()", "examples": ["on => lights("]}, "the example 'on => lights\\('"),
        ({"call": "lights()", "examples": ["on => lights(a=1)"]}, "lights has no parameter 'a'"),
        ({"call": "lights()", "examples": ["on => lights()"], "refused": ["on"]}, "the same sentence"),
        ({"call": "lights()", "action": ["rum: x"]}, "the action: unknown key 'rum'"),
        ({"call": "lights()", "action": ["run: x {a}"]}, "{a} is no parameter of lights"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SchemaError, match=complaint):
        drawn_up(LIGHTS, **given)


@pytest.mark.parametrize("name", ["other", "9lives", "a" * 65])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match="cannot be a skill's name"):
        drawn_up(Path(f"{name}_examples.txt"), "lights()")
