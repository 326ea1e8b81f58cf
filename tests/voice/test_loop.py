"""The voice loop, from sound to what is done, with fakes at both ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from otto.commandqueue import BUSY, DROPPED
from tests.voicefakes import LiveSource, rig


def test_what_begins_with_the_wake_phrase_is_done_and_nothing_else() -> None:
    voice = rig("otto say one", "say two", "the weather girl", "hey otto say three")
    voice.loop.run()
    assert voice.otto.done == ["say one", "say three"]
    assert [heard.command for heard in voice.audience.utterances] == ["say one", None, None, "say three"]


def test_after_the_wake_phrase_alone_the_command_follows() -> None:
    voice = rig("otto", "say one")
    voice.loop.run()
    assert voice.otto.done == ["say one"]


def test_always_listening_overlooks_what_is_no_command() -> None:
    voice = rig("say one", "the weather girl", mode="always")
    voice.loop.run()
    assert voice.otto.done == ["say one"]
    assert len(voice.audience.turns) == 1


def test_addressed_but_not_understood_is_answered() -> None:
    voice = rig("otto the weather girl")
    voice.loop.run()
    assert len(voice.audience.turns) == 1


def test_once_ends_after_one_command() -> None:
    voice = rig("say one", "say two", mode="always", once=True)
    voice.loop.run()
    assert voice.otto.done == ["say one"]


@pytest.mark.parametrize(("answer", "done"), [("yes", True), ("sure", True), ("no", False), ("banana", False)])
def test_a_risky_command_needs_a_spoken_yes(answer: str, done: bool) -> None:
    voice = rig("otto ask something", answer)
    voice.loop.run()
    assert voice.otto.done == (["ask something"] if done else [])
    assert [turn.text for turn in voice.audience.turns] == ["ask something"]


def test_silence_is_a_no() -> None:
    voice = rig("otto ask something", answer_seconds=0.3)
    voice.loop.run()
    assert voice.otto.done == []


def test_speech_that_goes_on_is_transcribed_anew_and_carried_out_once() -> None:
    voice = rig("otto say one", "otto say one", silence=0.3)
    voice.loop.run()
    assert voice.engine.finished >= 2
    assert voice.otto.done == ["say one"]


def test_the_early_work_is_what_is_carried_out() -> None:
    voice = rig("otto say one")
    voice.loop.run()
    assert voice.engine.finished == voice.otto.understood == 1


@pytest.mark.parametrize("at_most", [10_000, pytest.param(760, marks=pytest.mark.nightly)])
def test_the_call_comes_soon_after_the_hangover(at_most: float) -> None:
    voice = rig("otto say one", live=1.0, slow=0.2)
    voice.loop.run()
    (turn,) = voice.audience.turns
    assert 560 <= turn.timings_ms["speech_to_call"] <= at_most  # 600 ms of hangover; transcribing ran meanwhile
    assert turn.timings_ms["transcribe"] >= 200


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_nothing_is_lost_in_silence() -> None:
    said = [f"otto say {number}" for number in range(12)]
    voice = rig(*said, live=5.0, seconds=3600, silence=0.8)
    thread = threading.Thread(target=voice.loop.run)
    thread.start()
    wait_until(lambda: len(voice.audience.utterances) == len(said))
    wait_until(lambda: len(voice.audience.refusals) == len(said) - 3)
    assert voice.loop.commands.waiting == 2
    voice.otto.let_go()
    thread.join(60)
    assert not thread.is_alive()
    answered = [turn.text for turn in voice.audience.turns]
    refused = [text for text, sentence in voice.audience.refusals if sentence == BUSY]
    assert answered == ["say 0", "say 1", "say 2"]
    assert answered + refused == [text.removeprefix("otto ") for text in said]


@pytest.mark.parametrize("word", ["otto stop", "otto never mind"])
@pytest.mark.parametrize("at_most", [10.0, pytest.param(0.3, marks=pytest.mark.nightly)])
def test_stop_overtakes(word: str, at_most: float) -> None:
    voice = rig("otto say one", "otto say two", "otto say three", word, live=5.0, seconds=3600, silence=0.8)
    thread = threading.Thread(target=voice.loop.run)
    thread.start()
    wait_until(lambda: len(voice.audience.refusals) == 2)
    hangover = 0.6
    assert voice.audience.refused_at[-1] - voice.audience.utterances[-1].spoken_until < hangover + at_most
    thread.join(60)
    assert not thread.is_alive()
    assert [text for text, sentence in voice.audience.refusals if sentence == DROPPED] == ["say two", "say three"]
    assert voice.otto.done == (["stop"] if word == "otto stop" else [])


def test_cancel_that_undoes_where_nothing_is_under_way() -> None:
    voice = rig("otto say one", "otto cancel that")
    voice.loop.run()
    assert voice.otto.done == ["say one", "cancel that"]
    assert voice.otto.cancelled.is_set()  # whatever might have been under way was ended first


def test_an_answer_needs_no_wake_phrase_after_a_question() -> None:
    voice = rig("otto wonder", "say one")
    voice.loop.run()
    assert voice.otto.done == ["wonder", "say one"]


def test_push_to_talk_needs_neither_phrase_nor_silence() -> None:
    voice = rig("say one", live=1.0, silence=3.0, mode="push")
    assert isinstance(voice.source, LiveSource)
    thread = threading.Thread(target=voice.loop.run)
    thread.start()
    voice.loop.begin()
    wait_until(lambda: voice.source.heard > 2.0)  # half a second of silence, the command, and more than the hangover
    assert voice.otto.done == []
    voice.loop.end()
    wait_until(lambda: voice.otto.done == ["say one"])
    voice.loop.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("at_most", [10.0, pytest.param(1.0, marks=pytest.mark.nightly)])
def test_it_stops_when_it_is_told_to_and_leaves_no_thread(at_most: float) -> None:
    before = threading.active_count()
    voice = rig("otto say one", live=1.0, silence=20)
    assert isinstance(voice.source, LiveSource)
    thread = threading.Thread(target=voice.loop.run)
    thread.start()
    wait_until(lambda: voice.source.heard > 0.3)
    started = time.monotonic()
    voice.loop.stop()
    thread.join(10)
    assert time.monotonic() - started < at_most
    wait_until(lambda: threading.active_count() == before)
