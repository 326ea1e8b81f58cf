"""Arguments are found by their own words, by words that mean the same, or not at all."""

from __future__ import annotations

import pytest

from otto.call import parse
from otto.routers.alignment import align, chunks, covered, decided_by_sentence
from otto.routers.sentence import word_spans
from otto.skill import Parameter, Skill
from otto.values.type import Limits

TIMER = Skill("timer", (Parameter("duration", "duration", required=True),))
PLAY = Skill("play", (Parameter("title"), Parameter("artist", repeats=True)))
LIGHTS = Skill("lights", (Parameter("state", "choice", limits=Limits(("on", "off"))), Parameter("room")))
ALARM = Skill("alarm", (Parameter("when", "datetime"),))


def tags(text: str, call: str, skill: Skill) -> str:
    return " ".join(align(text, word_spans(text), parse(call)[0], skill).tags)


def test_a_value_is_found_by_its_words() -> None:
    assert tags("play kind of blue now", 'play(title="kind of blue")', PLAY) == "O B-title I-title I-title O"


def test_case_does_not_matter() -> None:
    assert tags("play Kind Of Blue", 'play(title="kind of blue")', PLAY) == "O B-title I-title I-title"


def test_words_in_the_right_case_come_first() -> None:
    assert tags("in a bar IN", 'play(title="IN")', PLAY) == "O O O B-title"


def test_the_longest_value_is_found_first() -> None:
    wanted = "O B-title I-title O B-artist"
    assert tags("play blue moon by moon", 'play(artist="moon", title="blue moon")', PLAY) == wanted


def test_every_value_of_a_list_is_found() -> None:
    assert tags("songs by abba and queen", 'play(artist=["abba", "queen"])', PLAY) == "O O B-artist O B-artist"


def test_a_part_of_a_word_is_no_value() -> None:
    found = align("play blues", word_spans("play blues"), parse('play(title="blue")')[0], PLAY)
    assert set(found.tags) == {"O"}
    assert found.lost == (("title", "blue"),)


def test_the_s_of_a_genitive_is_apart() -> None:
    assert tags("play queen's songs", 'play(artist="queen")', PLAY) == "O B-artist O O"


@pytest.mark.parametrize("written", ["10 minutes", "ten minutes", "600 seconds"])
def test_words_that_mean_the_same_are_found(written: str) -> None:
    assert tags("wake me in ten minutes", f'timer(duration="{written}")', TIMER) == "O O O B-duration I-duration"


def test_a_moment_may_stand_apart() -> None:
    text = "wake me at seven for the meeting tomorrow"
    found = tags(text, 'alarm(when="tomorrow at seven")', ALARM).split()
    assert found[3] == "B-when"
    assert found[-1] == "B-when"
    assert found[5] == "O"


def test_a_choice_without_words_is_decided_by_the_sentence() -> None:
    said = [("lights on", 'lights(state="on")'), ("it is dark", 'lights(state="on")'), ("off", 'lights(state="off")')]
    pairs = [(call, align(text, word_spans(text), call, LIGHTS)) for text, call in ((t, parse(c)[0]) for t, c in said)]
    assert decided_by_sentence(LIGHTS, pairs) == ("state",)
    assert pairs[0][1].without(["state"]).tags == ("O", "O")
    assert pairs[1][1].without(["state"]).lost == ()


def test_a_choice_with_words_is_not() -> None:
    said = [("lights on", 'lights(state="on")'), ("lights off", 'lights(state="off")')]
    pairs = [(call, align(text, word_spans(text), call, LIGHTS)) for text, call in ((t, parse(c)[0]) for t, c in said)]
    assert decided_by_sentence(LIGHTS, pairs) == ()


def test_chunks_are_read_back_from_tags() -> None:
    assert chunks(["O", "B-a", "I-a", "B-a", "I-b", "O", "I-b"]) == [("a", 1, 3), ("a", 3, 4), ("b", 4, 5), ("b", 6, 7)]


def test_covered_words_must_end_where_the_value_ends() -> None:
    spans = word_spans("ab cd ef")
    assert covered(spans, 0, 5) == (0, 2)
    assert covered(spans, 0, 4, exact=True) is None
    assert covered(spans, 1, 2) is None
