from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.shapes import SHAPES, Conversation, DataError, line, lines, of_calls, read, read_text
from otto.call import parse
from otto.prompt import Message

LIGHTS = of_calls("lights on", parse('lights(state="on")'), "mine")
COACH = Conversation(
    (
        Message("system", "You coach runners."),
        Message("user", "How long is a taper?"),
        Message("assistant", "**Two** to three weeks."),
        Message("user", "Why?"),
        Message("assistant", "Muscles\nneed it."),
    ),
    source="mistral",
    about={"model": "m", "cost": 0.1},
)


def again(row: Conversation, shape: str) -> Conversation:
    [found] = read_text(line(row, shape) + "\n", "rows.jsonl")
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_a_command_comes_back_from_every_shape(shape: str) -> None:
    found = again(LIGHTS, shape)
    assert found.messages == LIGHTS.messages
    assert shape == "list" or (found.source, found.skill) == ("mine", "lights")


@pytest.mark.parametrize("shape", ["messages", "list", "prompt", "sharegpt"])
def test_a_conversation_comes_back_with_what_was_known_of_it(shape: str) -> None:
    found = again(COACH, shape)
    assert found.messages == COACH.messages
    assert shape == "list" or (found.source, found.about) == ("mistral", {"model": "m", "cost": 0.1})


_words = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)
_turns = st.lists(st.tuples(_words, _words), min_size=1, max_size=3)


@given(st.text(st.characters(codec="utf-8")), _turns, st.sampled_from(["messages", "list", "prompt", "sharegpt"]))
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back(system: str, turns: list[tuple[str, str]], shape: str) -> None:
    said = [message for one, other in turns for message in (Message("user", one), Message("assistant", other))]
    row = Conversation((*([Message("system", system)] if system else []), *said))
    assert again(row, shape).messages == row.messages


def test_each_shape_is_what_others_write() -> None:
    assert json.loads(line(LIGHTS, "messages"))["messages"][0] == {"role": "user", "content": "lights on"}
    assert json.loads(line(LIGHTS, "list"))[1] == {"role": "assistant", "content": 'lights(state="on")'}
    assert json.loads(line(LIGHTS, "prompt"))["completion"] == 'lights(state="on")'
    assert json.loads(line(LIGHTS, "calls"))["call"] == 'lights(state="on")'
    assert json.loads(line(LIGHTS, "sharegpt"))["conversations"][0] == {"from": "human", "value": "lights on"}
    assert json.loads(line(LIGHTS, "instruction"))["response"] == 'lights(state="on")'


def test_several_calls_stay_several() -> None:
    row = of_calls("lights on and stop", parse('lights(state="on"); stop()'))
    assert json.loads(line(row, "calls"))["calls"] == ['lights(state="on")', "stop()"]
    assert again(row, "calls").calls == row.calls


def test_openai_tool_calls_are_read_as_calls() -> None:
    function = {"name": "lights", "arguments": '{"state": "on", "room": null}'}
    answer = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}
    [row] = read_text(json.dumps({"messages": [{"role": "user", "content": "on"}, answer]}), "a.jsonl")
    assert row.answer == 'lights(state="on")'


def test_a_context_belongs_to_the_question() -> None:
    [row] = read_text('{"instruction": "Assess.", "context": "finish: 3:59", "response": "Good."}', "a.jsonl")
    assert row.question == "Assess.\n\nfinish: 3:59"


def test_a_json_list_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(f"\ufeff[\n{line(LIGHTS)},\n{line(COACH)}]", encoding="utf-8")
    assert [row.question for row in read(tmp_path / "rows.json")] == ["lights on", "Why?"]


def test_a_line_separator_in_a_text_does_not_end_the_line() -> None:
    row = Conversation((Message("user", "a\u2028b\x85c"), Message("assistant", "d")))
    text = lines([row, row])
    assert len(text.splitlines()) == 2
    assert [found.question for found in read_text(text, "a.jsonl")] == ["a\u2028b\x85c"] * 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"messages": [', "not valid JSON"),
        ("5", "an object or a list"),
        ('{"question": "a"}', "none of the columns"),
        ('{"prompt": "a"}', "'completion' is missing"),
        ('{"text": "a"}', "'call' is missing"),
        ('{"text": "a", "calls": []}', "calls is empty"),
        ('{"text": "a", "call": "lights("}', "expected"),
        ('{"text": 5, "call": "a()"}', "text must be a text"),
        ('{"messages": []}', "no messages"),
        ('{"messages": ["a"]}', "list of objects"),
        ('[{"role": "user", "content": "a"}]', "last message must be the assistant's"),
        ('[{"role": "assistant", "content": "a"}]', "should be the user's"),
        ('[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]', "message 2 is the user's"),
        ('[{"role": "robot", "content": "a"}]', "'robot'"),
        ('[{"role": "user", "content": " "}, {"role": "assistant", "content": "b"}]', r"message 1 \(user\) is empty"),
        ('[{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "b"}]', "half a character"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(content: str, problem: str) -> None:
    with pytest.raises(DataError, match=rf"^mine\.jsonl:3: .*{problem}"):
        read_text(f"{line(LIGHTS)}\n\n{content}\n", "mine.jsonl")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read: No such file"):
        read(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xe4")
    with pytest.raises(DataError, match="UTF-8"):
        read(tmp_path / "latin.jsonl")


def test_prose_does_not_become_a_call() -> None:
    with pytest.raises(DataError, match="is no call"):
        line(Conversation((Message("user", "why"), Message("assistant", "Because of it."))), "calls")
    with pytest.raises(DataError, match="holds more"):
        line(COACH, "instruction")
