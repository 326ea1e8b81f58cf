"""From skills to what may be said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from otto.audio.language import common_words, dictionary, prepared, sentences
from otto.call import parse
from otto.errors import ModelFileError
from otto.example import Example
from otto.skill import Parameter, Skill
from otto.values import Limits

pytest.importorskip("pocketsphinx")

LIGHTS = Skill(
    "lights",
    (
        Parameter("state", "choice", limits=Limits(choices=("on", "off"))),
        Parameter("room", "choice", limits=Limits(choices=("kitchen", "living room", "hall"))),
    ),
)
TIMER = Skill("timer", (Parameter("duration", "duration"),))
NOTES = Skill("notes", (Parameter("note"),))


def example(text: str, call: str) -> Example:
    return Example(text, parse(call))


ON = example("turn on the kitchen light", 'lights(state="on", room="kitchen")')
TEN = example("timer for ten minutes", 'timer(duration="10 minutes")')


def test_values_of_a_choice_become_a_class_of_joined_words() -> None:
    said = sentences([LIGHTS], [ON])
    assert ("turn", "@lights.state", "the", "@lights.room", "light") in said.templates
    assert set(said.classes["@lights.room"]) == {"kitchen", "living_room", "hall"}
    assert sum(said.classes["@lights.room"].values()) == pytest.approx(1.0)


def test_numbers_weekdays_and_months_can_be_any() -> None:
    said = sentences([TIMER], [TEN, example("timer until friday in june", 'timer(duration="10 minutes")')])
    assert ("timer", "for", "@number", "minutes") in said.templates
    assert ("timer", "until", "@weekday", "in", "@month") in said.templates
    assert {"ten", "twenty_five", "ninety_nine"} <= set(said.classes["@number"])


def test_values_of_open_parameters_stand_in_for_one_another() -> None:
    play = Skill("play", (Parameter("artist"),))
    said = sentences([play], [example("play miles davis now", 'play(artist="Miles Davis")'),
                              example("some abba please", 'play(artist="ABBA")')])  # fmt: skip
    assert ("play", "@play.artist", "now") in said.templates
    assert set(said.classes["@play.artist"]) == {"miles_davis", "abba"}
    assert said.open


def test_the_wake_phrase_comes_before_commands_and_alone() -> None:
    said = sentences([LIGHTS], [ON], ["hey otto"])
    assert ("hey", "otto") in said.templates
    assert any(gram[:3] == ("hey", "otto", "turn") for gram in said.templates)


def test_a_choice_that_no_example_shows_can_be_said_all_the_same() -> None:
    said = sentences([LIGHTS], [example("light it up", "lights()")])
    assert "living_room" in said.classes["@lights.room"]


def test_files_are_kept_until_the_skills_change(tmp_path: Path) -> None:
    said = sentences([LIGHTS, TIMER], [ON, TEN])
    files = prepared(said, tmp_path / "speech")
    before = files.model.stat().st_mtime_ns
    assert prepared(sentences([LIGHTS, TIMER], [TEN, ON]), tmp_path / "speech") == files
    assert files.model.stat().st_mtime_ns == before
    changed = prepared(sentences([LIGHTS, TIMER], [ON]), tmp_path / "speech")
    assert changed != files
    assert "twenty_five" in files.dictionary.read_text()
    assert "twenty_five" not in changed.dictionary.read_text()


def test_a_word_can_be_left_out_of_the_files(tmp_path: Path) -> None:
    said = sentences([LIGHTS, TIMER], [ON, TEN], ["hey otto"])
    whole, rest = prepared(said, tmp_path), prepared(said, tmp_path, without={"otto"})
    assert rest.model != whole.model
    for heard, expected in ((whole, True), (rest, False)):
        assert (" otto" in heard.model.read_text()) is expected
        assert ("otto " in heard.dictionary.read_text()) is expected
    assert " hey" in rest.model.read_text()


def test_old_files_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(12):
        files = prepared(
            sentences([LIGHTS], [example(f"turn it {'very ' * number}on", 'lights(state="on")')]), tmp_path
        )
        os.utime(files.model, (number, number))
        os.utime(files.dictionary, (number, number))
    assert len(list(tmp_path.glob("*.arpa"))) <= 9


def test_the_dictionary_has_every_word_and_each_sound_once() -> None:
    lines = dictionary(["a_lot", "blorft", "either"]).splitlines()
    words = [line.split()[0] for line in lines]
    assert {"a_lot", "a_lot(2)", "blorft", "either", "either(2)"} <= set(words)
    assert len(set(words)) == len(words)


def test_common_words_are_there_for_skills_that_take_any_text(tmp_path: Path) -> None:
    assert sum(common_words().values()) == pytest.approx(1.0)
    open_files = prepared(sentences([NOTES], [example("note this", "notes()")]), tmp_path)
    closed_files = prepared(sentences([LIGHTS], [ON]), tmp_path)
    assert "window " in open_files.dictionary.read_text()
    assert "window " not in closed_files.dictionary.read_text()


@pytest.mark.bench_sets
def test_hundreds_of_sentences_are_ready_at_once(tmp_path: Path) -> None:
    folder = Path("../shared/bench/barista_audio")
    if not folder.exists():
        pytest.skip("needs ../shared/bench/barista_audio")
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    from otto.bench.testset import read_skills

    skills = list(read_skills(folder).values())
    said = sentences(skills, [example(row["text"], row["call"]) for row in rows])
    assert len(said.templates) <= len(rows)
    files = prepared(said, tmp_path)
    assert files.model.stat().st_size < 1_000_000


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands in the way")
    with pytest.raises(ModelFileError, match="cannot be written to .*cache.*cache_folder"):
        prepared(sentences([LIGHTS], [ON]), tmp_path / "cache" / "speech")
