"""`otto ask`, from a text to something done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Otto = Callable[..., Any]

LIGHTS = (Path(__file__).resolve().parents[1] / "data" / "lights_examples.txt").read_text(encoding="utf-8")
"""The skill that the demo drops in, too."""


def test_a_timer_is_set_and_remembered(otto: Otto) -> None:
    done = otto("ask", "set a timer for ten minutes")
    assert (done.code, done.err) == (0, "")
    assert "10 minutes" in done.out
    assert "minutes" in otto("ask", "which timers are running").out
    assert otto("ask", "cancel all timers").code == 0


def test_json_has_everything_that_programs_read(otto: Otto) -> None:
    answer = otto("ask", "--json", "what is nine times nine").json
    assert set(answer) == {
        "text", "calls", "confidence", "router", "alternatives", "results", "reply", "asks", "timings_ms",
    }  # fmt: skip
    assert answer["text"] == "what is nine times nine"
    assert answer["calls"] == ['math(question="9*9")']
    assert 0.5 < answer["confidence"] <= 1
    assert [(result["ok"], result["error"]) for result in answer["results"]] == [(True, "")]
    assert "81" in answer["reply"]
    assert all(milliseconds >= 0 for milliseconds in answer["timings_ms"].values())


def test_a_dry_run_carries_nothing_out(otto: Otto) -> None:
    answer = otto("ask", "--json", "--dry-run", "set a timer for ten minutes").json
    assert answer["calls"] == ['timer(duration="10 minutes")']
    assert answer["results"] == []
    assert otto("history", "--json").out == ""


def test_lines_are_answered_one_object_a_line_in_one_process(otto: Otto) -> None:
    said = "what is two plus two\n\nset a timer for five minutes\n\x1b[2J\nasdf qwer uiop\n"
    done = otto("ask", "--json", "--dry-run", stdin=said)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["calls"] for row in rows] == [
        ['math(question="2+2")'], ['timer(duration="5 minutes")'], [], ["other()"],
    ]  # fmt: skip
    assert "control character" in rows[2]["reply"]
    assert done.code == 0


def test_what_is_not_understood_says_so(otto: Otto) -> None:
    done = otto("ask", "the weather girl on channel five was wearing a red dress")
    assert done.code == 1
    assert done.out.count("\n") == 1


def test_a_skill_is_an_example_file(otto: Otto, own_folders: Path) -> None:
    folder = own_folders / "xdg" / "config" / "otto" / "examples"
    folder.mkdir(parents=True)
    (folder / "lights_examples.txt").write_text(LIGHTS)
    answer = otto("ask", "--json", "turn the living room lights off").json
    assert answer["calls"] == ['lights(state="off", room="living room")']
    assert answer["reply"] == "Done: the living room lights are off."


def test_other_folders_replace_the_bundled_ones(otto: Otto, tmp_path: Path) -> None:
    (tmp_path / "lights_examples.txt").write_text(LIGHTS)
    (tmp_path / "none").mkdir()
    only = ("--examples", str(tmp_path), "--skills", str(tmp_path / "none"))
    assert otto("ask", *only, "bathroom lights on please").out == "Done: the bathroom lights are on.\n"
    said = "what is the weather in berlin\nset a timer for ten minutes\nplay some jazz\nthe lights of paris were pretty"
    rows = [json.loads(line) for line in otto("ask", *only, "--json", stdin=said).out.splitlines()]
    assert [row["calls"] for row in rows] == 4 * [["other()"]]
    # Sentences of one's own that no skill is for leave it to the skills what is like theirs.
    (tmp_path / "other_examples.txt").write_text("User: the light at the end of the tunnel\nAssistant: other()\n")
    (row,) = map(json.loads, otto("ask", *only, "--json", stdin="turn on the lights\n").out.splitlines())
    assert row["calls"][0].startswith("lights(")
    assert [row["name"] for row in otto("skills", "list", *only, "--json").json["skills"]] == ["lights", "other"]


def test_a_risky_skill_needs_a_yes(otto: Otto, own_folders: Path) -> None:
    folder = own_folders / "xdg" / "config" / "otto" / "examples"
    folder.mkdir(parents=True)
    (folder / "lights_examples.txt").write_text(LIGHTS + "risk: confirm\n")
    refused = otto("ask", "--json", "turn the living room lights off")
    assert refused.code == 1
    assert [result["ok"] for result in refused.json["results"]] == [False]
    allowed = otto("ask", "--yes", "turn the living room lights off")
    assert allowed.out == "Done: the living room lights are off.\n"
    trail = [json.loads(line)["event"] for line in otto("history", "--audit", "--json").out.splitlines()]
    assert trail == ["asked", "declined", "asked", "confirmed", "ran"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", "nothing"),
        ("   ", "nothing"),
        ("a" * 10_000, "too long"),
        ("set a timer\x07", "control character U+0007"),
        ("weather \u202eniltreb", "control character U+202E"),
    ],
)
def test_bad_input_gets_one_sentence(otto: Otto, said: str, sentence: str) -> None:
    done = otto("ask", said)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert sentence in done.err


@pytest.mark.parametrize("said", ["какая погода в берлине", "今何時ですか", "كم الساعة", "🎉🎉🎉", "ñandú ¿qué?"])
def test_other_scripts_are_no_commands(otto: Otto, said: str) -> None:
    done = otto("ask", said)
    assert done.code == 1
    assert done.err == ""


def test_bytes_that_are_no_text_are_answered(otto: Otto) -> None:
    done = otto("ask", "--dry-run", "--json", stdin=b"\xff\xfe\xff\nstop\n")
    assert [row["calls"] for row in map(json.loads, done.out.splitlines())] == [["other()"], ["stop()"]]


def test_a_folder_that_is_none_is_named(otto: Otto, tmp_path: Path) -> None:
    done = otto("ask", "--examples", str(tmp_path / "nowhere"), "stop")
    assert (done.code, done.err) == (2, f"otto: {tmp_path / 'nowhere'} is not a folder\n")


def test_a_wrong_setting_is_named(otto: Otto) -> None:
    done = otto("ask", "stop", OTTO_MEMORY_MB="lots")
    assert done.code == 2
    assert "OTTO_MEMORY_MB" in done.err


def test_a_state_folder_that_cannot_be_written_loses_no_answer(otto: Otto, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in place of the folder")
    done = otto("ask", "what is nine times nine", XDG_STATE_HOME=str(tmp_path / "state"))
    assert done.code == 0
    assert "81" in done.out
    assert done.err.count("\n") == 1
    timer = otto("ask", "set a timer for ten minutes", XDG_STATE_HOME=str(tmp_path / "state"))
    assert timer.code == 1
    assert "couldn't save" in timer.out


def test_a_missing_encoder_is_one_sentence(otto: Otto, tmp_path: Path) -> None:
    done = otto("ask", "stop", OTTO_ENCODER=str(tmp_path))
    assert done.code == 2
    assert str(tmp_path) in done.err
    assert "Traceback" not in done.err


def test_help_has_examples(otto: Otto) -> None:
    for command in (["ask"], ["history"], ["fix"], ["bench"], ["doctor"], ["skills", "check"]):
        assert "otto " + " ".join(command) in otto(*command, "--help").out
