"""What sounds alike, and what was heard brought to what can be meant."""

from __future__ import annotations

import pytest

from otto.audio.pronunciation import Pronunciations
from otto.audio.sounds import Snapper, apart, distance, vocabularies
from otto.call import parse
from otto.example import Example
from otto.skill import Parameter, Skill
from otto.values import Limits

pytest.importorskip("pocketsphinx")


def test_phones_that_are_made_alike_are_near() -> None:
    assert apart("P", "P") == 0
    assert apart("P", "B") < apart("P", "K") < apart("P", "AA")
    assert apart("IH", "IY") < apart("IH", "AO")
    assert all(apart(one, other) == apart(other, one) for one in ("P", "Y", "IY", "AO") for other in ("B", "IY", "R"))


def test_distance_is_none_symmetric_and_counts_what_is_missing() -> None:
    english = Pronunciations.english()
    kitchen, chicken, sofa = (english(word)[0] for word in ("kitchen", "chicken", "sofa"))
    assert distance(kitchen, kitchen) == 0
    assert distance(kitchen, chicken) == pytest.approx(distance(chicken, kitchen))
    assert distance(kitchen, sofa) > distance(kitchen, chicken) > 0
    assert distance(kitchen, ()) > 3
    assert distance(kitchen, sofa, most=0.5) == float("inf")


KNOWN = "make me a large with and of please turn off lights in the weather play some jazz"
SNAP = Snapper(
    ["americano", "cappuccino", "a lot of soy milk", "kitchen", "living room", "Tromsø"],
    KNOWN.split(),
)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("make me a large a mericano", "make me a large americano"),
        ("make me a cap a chino with a lot of soymilk please", "make me a cappuccino with a lot of soy milk please"),
        ("turn off lights in the kitschin", "turn off lights in the kitchen"),
        ("weather in trumso", "weather in Tromsø"),
        ("Turn off lights in the livingroom", "Turn off lights in the living room"),
    ],
)
def test_what_is_unknown_becomes_the_value_that_it_sounds_like(heard: str, meant: str) -> None:
    assert SNAP(heard) == meant


@pytest.mark.parametrize(
    "heard", ["play some jazz please", "play some beethoven", "buy a potato", "", "make me a large", "☕ !!"]
)
def test_what_is_known_or_unlike_anything_stays(heard: str) -> None:
    assert SNAP(heard) == heard


def test_vocabularies_hold_choices_names_and_all_words() -> None:
    skill = Skill(
        "play", (Parameter("artist"), Parameter("where", "choice", limits=Limits(choices=("hall", "bath room"))))
    )
    values, known = vocabularies([skill], [Example("play Abba loud", parse('play(artist="Abba")'))])
    assert values == {"hall", "bath room", "Abba"}
    assert {"play", "loud", "abba", "bath", "room"} <= known


def test_common_words_are_no_mishearing_where_any_text_can_be_said() -> None:
    note = Skill("note", (Parameter("text"),))
    snap = Snapper(*vocabularies([note], [Example("note kitten", parse('note(text="kitten")'))]))
    assert snap("note kitchen") == "note kitchen"
    assert snap("note kittin") == "note kitten"
