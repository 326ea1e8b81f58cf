from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.call import FORBIDDEN
from otto.errors import ValueReadError
from otto.values import TYPES, Limits
from tests.conftest import NOW

TEXT = TYPES["text"]

SAID = {
    "milk": "milk",
    "  milk and eggs  ": "milk and eggs",
    "Call Mom!": "Call Mom!",
    "what's the meaning of life": "what's the meaning of life",
    "über straße": "über straße",
    "日本語": "日本語",
    "a\tb\nc": "a\tb\nc",
    5: "5",
    2.5: "2.5",
    True: "true",
    False: "false",
    "x" * 400: "x" * 400,
}

SAME = [
    ("Milk", "milk"), ("milk.", "milk"), ("milk  and eggs", "milk and eggs"), ("STRASSE", "straße"), ("ﬁsh", "fish"),
    ("Call Mom!", "call mom"), ("what?!", "what"), ("milk ,", "milk"),
]  # fmt: skip
DIFFERENT = [("milk", "eggs"), ("call mom", "callmom"), ("mom call", "call mom"), ("resume", "résumé"), ("2", "two")]

AT_AND_OVER = [
    "", " ", "\t\n", "x" * 401, "x" * 10_000, "x" * 400 + "y", "\x00", "a\x00b", "a\x1b[31m", "a\x7f", "\u202eabc",
    "\u2066x",
    "a\u2028b", "\ud800", "a\x85b", "\u200fx", float("nan"), float("inf"), float("-inf"), "ä" * 401,
]  # fmt: skip


@pytest.mark.parametrize(("said", "text"), SAID.items(), ids=lambda value: str(value)[:20])
def test_keeps_what_was_said(said: str | float, text: str, now: datetime) -> None:
    assert TEXT.read(said, Limits(), now) == text


@pytest.mark.parametrize("scalar", AT_AND_OVER, ids=lambda scalar: repr(scalar)[:20])
def test_limits_of_texts_hold(scalar: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        TEXT.read(scalar, Limits(), now)


def test_limits_of_a_parameter_go_before_the_usual_ones(now: datetime) -> None:
    limits = Limits(minimum=3, maximum=5)
    assert TEXT.read(" abc ", limits, now) == "abc"
    for text in ("ab", "abcdef"):
        with pytest.raises(ValueReadError, match="3 to 5 characters"):
            TEXT.read(text, limits, now)
    assert len(TEXT.read("x" * 500, Limits(maximum=500), now)) == 500


@pytest.mark.parametrize(("one", "other"), SAME)
def test_texts_that_mean_the_same(one: str, other: str) -> None:
    assert TEXT.same(one, other)
    assert TEXT.same(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_differ(one: str, other: str) -> None:
    assert not TEXT.same(one, other)


@given(st.text(min_size=1, max_size=400).map(str.strip).filter(lambda text: text and not FORBIDDEN.search(text)))
def test_what_is_written_reads_back(text: str) -> None:
    assert TEXT.read(TEXT.write(text), Limits(), NOW) == text
