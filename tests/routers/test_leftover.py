"""Arguments of skills that nobody has given examples for."""

from __future__ import annotations

from datetime import datetime

import pytest

from otto.routers.leftover import filled, known_words
from otto.skill import Skill, from_json

ROOM = {"type": "string"}


def a_skill(name: str, description: str, required: tuple[str, ...] = (), **properties: object) -> Skill:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return from_json({"name": name, "description": description, "parameters": parameters})


THERMOSTAT = a_skill(
    "set_thermostat", "Sets the heating of a room.", ("room", "degrees"), room=ROOM, degrees={"type": "number"}
)
LIGHT = a_skill(
    "set_light_color", "Changes the colour of the lights.", ("color",), room=ROOM, color={"enum": ["red", "warm white"]}
)
NOTE = a_skill("post_fridge_note", "Shows a message on the fridge.", ("message",), message={"type": "string"})
MOVE = a_skill("move_file", "Moves a file.", ("source", "to"), source={"type": "string"}, to={"type": "string"})
BLINDS = a_skill("open_blinds", "Opens the blinds in a room.", room=ROOM)
PURIFIER = a_skill("air_purifier", "Switches the air purifier.", on={"type": "boolean"})


@pytest.mark.parametrize(
    ("skill", "text", "call"),
    [
        (THERMOSTAT, "set the heating in the bedroom to 19 degrees", 'set_thermostat(room="bedroom", degrees=19)'),
        (THERMOSTAT, "twenty one degrees in the living room please", 'set_thermostat(room="living room", degrees=21)'),
        (THERMOSTAT, "set the heating", "set_thermostat()"),
        (LIGHT, "make the lights red", 'set_light_color(color="red")'),
        (LIGHT, "lights to warm white in the hall", 'set_light_color(room="hall", color="warm white")'),
        (NOTE, "put a message on the fridge that I will be late", 'post_fridge_note(message="I will be late")'),
        (MOVE, "move draft.txt to archive", 'move_file(source="draft.txt", to="archive")'),
        (BLINDS, "open the blinds, I want daylight", "open_blinds()"),
        (BLINDS, "open the blinds in the study", 'open_blinds(room="study")'),
        (PURIFIER, "switch the purifier off", "air_purifier(on=false)"),
        (PURIFIER, "", "air_purifier()"),
    ],
)
def test_values_are_found_by_their_type_and_texts_by_what_is_left(
    skill: Skill, text: str, call: str, now: datetime
) -> None:
    assert str(filled(skill, known_words(skill), text, now)) == call
