from __future__ import annotations

from datetime import datetime

import pytest

from otto.call import Argument
from otto.evidence import supported
from otto.skill import Parameter
from otto.values import Limits

FOUND: list[tuple[str, Argument, str]] = [
    ("duration", "10 minutes", "wake me in ten minutes"),
    ("duration", "ten minutes", "a 10-minute timer"),
    ("duration", "90 seconds", "a minute and a half please"),
    ("text", "call mom", "remind me to call mom"),
    ("text", "call mom", "remind me to call my mom"),
    ("text", "Call Mom!", "call mom"),
    ("text", "2 eggs", "put two eggs on my list"),
    ("text", "twenty three", "the number 23"),
    ("text", "john", "what is john's number"),
    ("datetime", "tomorrow at seven", "wake me tomorrow at 7"),
    ("datetime", "tomorrow at seven", "wake me at seven for the meeting tomorrow"),
    ("datetime", "2026-03-05 07:00", "wake me at seven for the meeting tomorrow"),
    ("datetime", "2026-03-04 12:10", "in ten minutes"),
    ("date", "2026-03-06", "how far away is friday"),
    ("time", "06:30", "at half past six"),
    ("integer", 50, "volume to fifty percent"),
    ("integer", "50", "volume at 50"),
    ("number", 2.5, "two and a half cups"),
    ("expression", "9*9", "what is nine times nine"),
    ("expression", "81", "what is nine times nine"),
    ("place", "New York", "the weather in nyc"),
    ("place", "grandma's house", "how is it at grandma's house"),
    ("choice", "list", "what is on my list of things"),
    ("choice", "add", "milk"),
    ("boolean", True, "make it so"),
    ("text", ("milk", "eggs"), "buy milk and eggs"),
]

MISSING: list[tuple[str, Argument, str]] = [
    ("duration", "10 minutes", "set a timer"),
    ("duration", "10 minutes", "five to eleven minutes"),
    ("duration", "20 minutes", "wake me in ten minutes"),
    ("duration", "bananas", "bananas"),
    ("text", "call mom", "set a timer"),
    ("text", "mom call", "call mom"),
    ("text", "milk and bread", "buy milk and eggs"),
    ("text", "...", "..."),
    ("datetime", "2026-03-05 08:00", "wake me at seven for the meeting tomorrow"),
    ("date", "2026-03-07", "how far away is friday"),
    ("time", "07:30", "at half past six"),
    ("integer", 5, "volume to fifty percent"),
    ("expression", "9*8", "what is nine times nine"),
    ("place", "Berlin", "the weather in paris"),
    ("place", "grandma's house", "how is it at home"),
    ("choice", "purple", "purple"),
    ("text", ("milk", "bread"), "buy milk and eggs"),
    ("text", (), "buy milk and eggs"),
]


def parameter(name: str) -> Parameter:
    return Parameter(
        "value", name, limits=Limits(choices=("add", "list")) if name == "choice" else Limits(), repeats=True
    )


@pytest.mark.parametrize(("name", "argument", "text"), FOUND)
def test_a_sentence_supports_what_it_says(name: str, argument: Argument, text: str, now: datetime) -> None:
    assert supported(argument, parameter(name), text, now)


@pytest.mark.parametrize(("name", "argument", "text"), MISSING)
def test_a_sentence_supports_nothing_else(name: str, argument: Argument, text: str, now: datetime) -> None:
    assert not supported(argument, parameter(name), text, now)
