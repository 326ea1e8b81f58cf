"""What somebody means who does not say it letter by letter."""

from __future__ import annotations

import pytest

from otto.likeness import closest, likeness

NAMES = ["buy milk", "call the dentist", "call Ada", "Visual Studio Code", "Müll rausbringen"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("milk", ["buy milk"]),
        ("the dentist", ["call the dentist"]),
        ("call the dentst", ["call the dentist"]),
        ("visual studio", ["Visual Studio Code"]),
        ("studio code visual", ["Visual Studio Code"]),
        ("mull rausbringen", ["Müll rausbringen"]),
        ("call", ["call the dentist", "call Ada"]),
        ("wash the car", []),
        ("", []),
        ("!!!", []),
    ],
)
def test_closest(said: str, found: list[str]) -> None:
    assert sorted(NAMES[place] for place in closest(said, NAMES)) == sorted(found)


def test_the_same_words_are_the_same() -> None:
    assert likeness("Buy the milk", "buy milk") == 100
    assert likeness("the", "the") == 100


def test_words_that_are_not_in_the_name_count_against_it() -> None:
    assert likeness("milk and eggs and bread", "milk") < 50
