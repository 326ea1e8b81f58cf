"""Which skills are put before a model for a sentence, where not all of them fit."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix

import pytest

from otto.encoder import Encoder
from otto.prompt import listing, router_prompt
from otto.routers.shortlist import MARGIN, NEEDED, Shortlist, fitting
from otto.skill import OTHER_SKILL, Parameter, Skill

ABOUT = {
    "weather": ("Tells the weather of a place.", ["will it rain tomorrow", "how warm is it in Rome"]),
    "lights": ("Switches the lights of a room.", ["turn off the kitchen lights", "make it brighter in here"]),
    "timer": ("Sets a timer that rings.", ["set a timer for ten minutes", "count down from five minutes"]),
    "music": ("Plays music.", ["play some jazz", "put on the Beatles"]),
    "news": ("Reads the headlines.", ["what's in the news", "any headlines about football"]),
    "math": ("Calculates.", ["what is nine times nine", "the square root of 81"]),
    "recipe": ("Finds a recipe for a dish.", ["how do i cook risotto", "a recipe for pancakes"]),
    "flight": ("Says when a flight leaves.", ["when does my flight leave", "is flight LH 454 on time"]),
    "translate": ("Translates words.", ["how do you say thanks in French", "translate good night"]),
    "calendar": ("Reads the calendar.", ["what do i have today", "when is my meeting"]),
    "parcel": ("Says where a parcel is.", ["where is my package", "has the parcel been delivered"]),
    "garden": ("Waters the plants.", ["water the tomatoes", "turn on the sprinkler"]),
}
SKILLS = [Skill(name, (Parameter("what"),), about) for name, (about, _) in ABOUT.items()]
SENTENCES = {name: sentences for name, (_, sentences) in ABOUT.items()}
SAID = {
    "will there be snow this weekend": "weather", "dim the lamp in the bedroom": "lights", "what's 12 plus 30": "math",
    "wake me in a quarter of an hour with a timer": "timer", "how long do i cook eggs, find a recipe": "recipe",
    "give the roses some water": "garden", "did my package arrive": "parcel", "say hello in Spanish": "translate",
    "when is the plane leaving": "flight", "do i have any appointments": "calendar",
}  # fmt: skip


@pytest.fixture(scope="module")
def encode() -> Encoder:
    return Encoder.load()


def names(skills: Sequence[Skill]) -> list[str]:
    return [skill.name for skill in skills]


def test_where_all_fit_all_are_listed_in_their_order() -> None:
    def never(texts: Sequence[str]) -> list[object]:
        raise AssertionError("nothing has to be compared")

    shortlist = Shortlist([*SKILLS, OTHER_SKILL], SENTENCES, characters=10_000, encode=never)  # type: ignore[arg-type]
    assert shortlist.all_fit
    assert names(shortlist("anything")) == names(SKILLS)


@pytest.mark.parametrize("characters", [300, 400])
def test_what_a_sentence_means_is_in_the_list_and_the_list_fits(encode: Encoder, characters: int) -> None:
    shortlist = Shortlist(SKILLS, SENTENCES, characters=characters, encode=encode)
    assert not shortlist.all_fit
    for said, meant in SAID.items():
        chosen = shortlist(said)
        assert meant in names(chosen), said
        assert len(listing(chosen)) <= characters
        assert len(chosen) < len(SKILLS)


def test_the_list_depends_on_nothing_but_the_sentence(encode: Encoder) -> None:
    one, other = (Shortlist(SKILLS, SENTENCES, characters=400, encode=encode) for _ in range(2))
    forward = {said: names(one(said)) for said in SAID}
    assert {said: names(other(said)) for said in reversed(SAID)} == dict(reversed(forward.items()))


def test_lists_begin_alike(encode: Encoder) -> None:
    """Usual skills come first and in their order; what only this sentence needs stands at the end."""
    shortlist = Shortlist(SKILLS, SENTENCES, characters=400, encode=encode)
    order = names(SKILLS)
    for said, meant in SAID.items():
        chosen = [order.index(name) for name in names(shortlist(said))]
        usual = next((place for place, index in enumerate(chosen) if place != index), len(chosen))
        assert chosen[usual:] == sorted(chosen[usual:])
        assert usual >= 3, said
        assert order.index(meant) in chosen
    prompt = router_prompt("chatml")
    openings = [prompt.opening(said, shortlist(said)) for said in ("will it rain", "turn on the lights", "play jazz")]
    assert len(commonprefix(openings)) > 0.6 * len(openings[0])


def test_without_examples_the_descriptions_count(encode: Encoder) -> None:
    shortlist = Shortlist(SKILLS, {}, characters=250, encode=encode)
    found = [meant in names(shortlist(said)) for said, meant in SAID.items()]
    assert sum(found) >= 8


def test_a_list_too_small_for_anything_is_empty_and_a_small_one_has_the_best(encode: Encoder) -> None:
    assert names(Shortlist(SKILLS, SENTENCES, characters=5, encode=encode)("play jazz")) == []
    assert "music" in names(Shortlist(SKILLS, SENTENCES, characters=60, encode=encode)("put on some jazz music"))


def test_how_much_fits_a_context() -> None:
    assert fitting(4096) > fitting(2048) > 1000
    assert fitting(300) == 0
    assert 0 < MARGIN < 1 < NEEDED
