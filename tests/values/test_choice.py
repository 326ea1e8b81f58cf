from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

CHOICE = TYPES["choice"]
LIMITS = Limits(choices=("on", "off", "living room", "set_up", "well-done", "2", "true", "Straße"))

SAID = {
    "on": "on", "On": "on", "ON": "on", " on ": "on", "on.": "on", "on!": "on", "off": "off", "OFF?": "off",
    "living room": "living room", "Living Room": "living room", "living_room": "living room",
    "living-room": "living room",
    "livingroom": "living room", "living  room": "living room", "LIVING ROOM.": "living room", "set_up": "set_up",
    "set up": "set_up", "setup": "set_up", "Set-Up": "set_up", "well done": "well-done", "well-done": "well-done",
    "welldone,": "well-done", "2": "2", 2: "2", True: "true", "True": "true", "strasse": "Straße", "STRASSE": "Straße",
}  # fmt: skip

REFUSED = [
    "", " ", "o", "onn", "ons", "on off", "of", "living", "room", "living rooms", "kitchen", "set", "up", "two", "20",
    3, 2.5,
    False, "none", "null", "on\x00", "x" * 100_000, float("nan"), "*", ".*",
]  # fmt: skip


@pytest.mark.parametrize(("said", "member"), SAID.items())
def test_finds_the_member_that_was_meant(said: str | float, member: str, now: datetime) -> None:
    assert CHOICE.read(said, LIMITS, now) == member


@pytest.mark.parametrize("said", REFUSED, ids=lambda said: repr(said)[:20])
def test_limits_of_choices_hold(said: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        CHOICE.read(said, LIMITS, now)


def test_the_message_names_the_members(now: datetime) -> None:
    with pytest.raises(ValueReadError, match="'purple' is not one of on, off"):
        CHOICE.read("purple", Limits(choices=("on", "off")), now)


def test_a_member_as_it_is_written_goes_before_one_that_only_resembles_it(now: datetime) -> None:
    limits = Limits(choices=("set up", "setup"))
    assert CHOICE.read("setup", limits, now) == "setup"
    assert CHOICE.read("set up", limits, now) == "set up"
    assert CHOICE.read("SET-UP", limits, now) == "set up"


@given(st.sampled_from(LIMITS.choices))
def test_what_is_written_reads_back(member: str) -> None:
    assert CHOICE.read(CHOICE.write(member), LIMITS, NOW) == member
