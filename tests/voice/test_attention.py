"""Who is spoken to."""

from __future__ import annotations

import pytest

from otto.voice.attention import Attention, names

PHRASES = ("otto", "hey otto")


@pytest.mark.parametrize(
    ("said", "command"),
    [
        ("otto set a timer", "set a timer"),
        ("Hey Otto, what time is it?", "what time is it?"),
        ("Auto, stop.", "stop."),
        ("hey auto next song", "next song"),
        ("otto", ""),
        ("Otto!", ""),
        ("okay otto lights on", "lights on"),
        ("otto otto lights on", "lights on"),
    ],
)
def test_the_wake_phrase_is_taken_off(said: str, command: str) -> None:
    assert Attention("wake", PHRASES).addressed(said) == command


@pytest.mark.parametrize(
    "said", ["set a timer", "I told otto to set a timer", "ottoline set a timer", "automatic doors", ""]
)
def test_without_it_nothing_is_meant_for_otto(said: str) -> None:
    assert Attention("wake", PHRASES).addressed(said) is None


def test_other_phrases() -> None:
    attention = Attention("wake", ("computer", "dear machine"))
    assert attention.addressed("computer stop") == "stop"
    assert attention.addressed("dear machine, stop") == "stop"
    assert attention.addressed("otto stop") is None


def test_after_a_question_no_phrase_is_needed_for_a_while() -> None:
    now = 100.0
    attention = Attention("wake", PHRASES, lambda: now)
    attention.open(6.0)
    assert attention.addressed("ten minutes") == "ten minutes"
    assert attention.addressed("otto ten minutes") == "ten minutes"
    now = 106.1
    assert attention.addressed("ten minutes") is None
    attention.open(6.0)
    attention.shut()
    assert attention.addressed("ten minutes") is None


def test_always_means_always() -> None:
    attention = Attention("always", PHRASES)
    assert attention.addressed("stop") == "stop"
    assert attention.addressed("otto stop") == "stop"


def test_without_its_name_there_is_no_wake_phrase() -> None:
    found = names(("otto", "hey otto", "computer"))
    assert {"otto", "auto", "computer"} <= found
    assert "hey" not in found
    for text in ("hey there set a timer", "hey set a timer"):
        assert Attention("wake", PHRASES).addressed(text) is None
