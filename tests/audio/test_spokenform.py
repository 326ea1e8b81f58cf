"""Written sentences as the words that are said."""

from __future__ import annotations

import pytest

from otto.audio.spokenform import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Set a timer for 10 minutes, please!", "set a timer for ten minutes please"),
        ("wake me at 7:05 a.m. on the 21st", "wake me at seven oh five a m on the twenty first"),
        ("wake me at 7pm", "wake me at seven p m"),
        ("what's 9*9", "what's nine times nine"),
        ("add 2,500 € to it", "add two thousand five hundred euros to it"),
        ("3.14", "three point one four"),
        ("the year 1984", "the year nineteen eighty four"),
        ("call 0049", "call zero zero four nine"),
        ("the 12th, the 30th, the 3rd", "the twelfth the thirtieth the third"),
        ("turn-up the volume to 50%", "turn up the volume to fifty percent"),
        ("weather in Zürich and Łódź", "weather in zurich and lodz"),
        ("1,000,001 nights", "one million and one nights"),
        ("don’t", "don't"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_said_as_a_person_would(written: str, said: str) -> None:
    assert " ".join(spoken(written)) == said


def test_only_letters_and_apostrophes_are_left() -> None:
    odd = "a\x00b ☕ 日本語 <s> </s> x_y 12:99 \u202e"
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz'") for word in spoken(odd))
