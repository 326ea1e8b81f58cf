"""The coach against a real server that streams: what is sent, what comes back, and how it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otto.coach.advice import Coach, Event
from otto.coach.named import CoachModel, coach_models
from otto.coach.writing import aloud
from otto.config import Settings
from otto.encoder import Encoder
from otto.errors import ConfigError, FetchError, SkillError
from otto.network.streaming import Interrupt
from otto.prompt import prompt
from tests.coachserver import Server, running


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture
def coach(encoder: Encoder, tmp_path: Path) -> Coach:
    return Coach(Settings(state_folder=tmp_path / "state"), encoder)


def model(server: Server, name: str = "tuned") -> CoachModel:
    return CoachModel(name, name, server.address)


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if event.type == "piece")


def test_an_answer_comes_bit_by_bit(coach: Coach, server: Server) -> None:
    events = list(coach.answer("How do I run my first marathon?", model(server)))
    assert [event.type for event in events] == ["piece", "piece", "piece", "end"]
    assert events[-1].text == text(events) == "Run **easy** and stay\n\n- relaxed\n- patient\n"
    (sent,) = server.sent
    assert [said["role"] for said in sent["messages"]] == ["system", "user"]
    assert sent["messages"][0]["content"] == prompt("coach")
    assert sent["stream"] is True and "tools" not in sent


def test_the_last_turns_are_sent_with_the_question(coach: Coach, server: Server) -> None:
    before = [(f"question {number}", f"answer {number}") for number in range(20)]
    list(coach.answer("And how fast?", model(server), before=before))
    said = [each["content"] for each in server.sent[0]["messages"][1:]]
    assert said[:2] == ["question 14", "answer 14"] and said[-2:] == ["answer 19", "And how fast?"]


def test_an_emergency_is_not_answered_and_no_model_hears_of_it(coach: Coach, server: Server) -> None:
    events = list(coach.answer("I have chest pain and feel dizzy, may I finish my intervals?", model(server)))
    assert [event.type for event in events] == ["care", "end"]
    assert events[0].kind == "emergency" and "112" in events[0].text
    assert server.sent == []


def test_a_medical_question_is_answered_beside_its_disclaimer(coach: Coach, server: Server) -> None:
    events = list(coach.answer("I have diabetes, how do I fuel a long run?", model(server)))
    assert events[0].kind == "medical" and "doctor" in events[0].text
    assert text(events).startswith("Run")


def test_stopping_ends_it_at_once_and_the_server_is_told(coach: Coach, server: Server) -> None:
    server.hold.set()
    interrupt = Interrupt()
    threading.Timer(0.2, interrupt.set).start()
    started = time.monotonic()
    events = list(coach.answer("How do I taper?", model(server), interrupt=interrupt))
    assert time.monotonic() - started < 10
    assert events[-1].type == "end" and events[-1].stopped and text(events) == "Run **easy**"
    assert server.left.wait(5)


def test_what_is_stopped_before_it_begins_does_not_begin(coach: Coach, server: Server) -> None:
    interrupt = Interrupt()
    interrupt.set()
    assert not text(list(coach.answer("How do I taper?", model(server), interrupt=interrupt)))


def test_a_server_that_never_ends_is_left_at_the_deadline(coach: Coach, server: Server) -> None:
    server.hold.set()
    with pytest.raises(FetchError, match="took too long"):
        list(coach.answer("How do I taper?", model(server), seconds=0.5))


@pytest.mark.parametrize(("status", "sentence"), [(401, "key"), (404, "not there"), (500, "error 500")])
def test_a_refusal_is_a_sentence(coach: Coach, server: Server, status: int, sentence: str) -> None:
    server.status = status
    with pytest.raises(SkillError, match=sentence):
        list(coach.answer("How do I taper?", model(server)))


def test_nobody_there_is_a_sentence(coach: Coach) -> None:
    with pytest.raises(SkillError, match="couldn't reach"):
        list(coach.answer("How do I taper?", CoachModel("gone", "gone", "http://127.0.0.1:9/v1")))


def test_nothing_is_no_answer(coach: Coach, server: Server) -> None:
    server.answers["tuned"] = ["<think>hm</think>", " "]
    with pytest.raises(SkillError, match="answered nothing"):
        list(coach.answer("How do I taper?", model(server)))


@pytest.mark.parametrize("size", range(1, 12))
def test_what_a_model_thinks_aloud_is_left_out_however_it_is_cut(size: int) -> None:
    whole = "<think>2 < 3, easy</think>Run <b>easy</b> <5 km. <thinking>more</thinking>Rest."
    pieces = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert "".join(aloud(pieces)) == "Run <b>easy</b> <5 km. Rest."


def test_models_are_named_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-base")
    monkeypatch.setenv("OTTO_COACH_KEY_TUNED_7B", "sk-tuned")
    entries = ("base: qwen2.5:7b", "tuned-7b: coach @ http://localhost:8001/v1", "plain @ http://localhost:8002/v1")
    base, tuned, bare = coach_models(Settings(coach_models=entries))
    assert (base.name, base.model, base.base_url, base.key) == (
        "base",
        "qwen2.5:7b",
        "http://localhost:8000/v1",
        "sk-base",
    )
    assert (tuned.name, tuned.model, tuned.origin, tuned.key) == (
        "tuned-7b",
        "coach",
        "http://localhost:8001",
        "sk-tuned",
    )
    assert (bare.name, bare.model, bare.key) == ("plain", "plain", "")
    assert "sk-" not in repr((base, tuned, bare))
    (only,) = coach_models(Settings(openai_model="tiny"))
    assert only.name == only.model == "tiny"


@pytest.mark.parametrize("entry", ["", "a b c", "x: y @ ftp://z", "x: y @ http://me:secret@z/v1", "x: @ http://z"])
def test_what_names_no_model_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="coach_models"):
        coach_models(Settings(coach_models=(entry,)))


def test_two_of_one_name_and_none_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="same name"):
        coach_models(Settings(coach_models=("a @ http://localhost/v1", "a @ http://localhost:1/v1")))
    with pytest.raises(SkillError, match="coach_models"):
        coach_models(Settings())
    with pytest.raises(SkillError, match="OPENAI_BASE_URL"):
        coach_models(Settings(coach_models=("a",)))
