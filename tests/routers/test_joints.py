"""Where a sentence could be cut, and with which words commands begin."""

from __future__ import annotations

import pytest

from otto.call import parse
from otto.example import Example
from otto.routers.joints import MOST, joints, openers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mute it and tell me the time", [" and "]),
        ("mute it and then tell me the time", [" and then "]),
        ("call anna, oh and what is the weather", [", oh and "]),
        ("what time is it? how long is left?", ["? "]),
        ("add milk; read my list", ["; "]),
        ("set a timer for ten minutes", []),
        ("and what about rome", []),
        ("what is 3.5 times 2", []),
        ("washington, d.c.", [", "]),
        ("um, could you, please, mute it", []),
        ("a sandy beach at the end", []),
        ("", []),
        (", and then.", []),
    ],
)
def test_the_joints_of_a_sentence(text: str, found: list[str]) -> None:
    assert [text[joint.start : joint.end] for joint in joints(text)] == found


def test_then_is_stronger_than_and() -> None:
    assert [joint.strong for joint in joints("mute it and play and then stop it, skip it. wake me")] == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_list_is_left_alone() -> None:
    assert joints("buy " + " and ".join(["milk"] * (MOST + 2))) == ()


def test_words_that_open_commands_are_learnt() -> None:
    said = [
        *((f"dim the {room} lamp", "dim()") for room in ("hall", "attic", "cellar", "bath")),
        *(
            (f"make it darker in the {room}, the lamp is the sun", "dim()")
            for room in ("hall", "attic", "cellar", "bath")
        ),
        *((f"lovely {thing} today", "other()") for thing in ("food", "light", "weather", "shoes")),
    ]
    assert openers(Example(text, parse(call)) for text, call in said) == {"dim", "make"}
