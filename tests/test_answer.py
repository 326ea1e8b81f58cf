"""Yes and no in the words that people use. In doubt it is no yes."""

from __future__ import annotations

import pytest

from otto.answer import yes_or_no


@pytest.mark.parametrize(
    "said",
    ["yes", "Yes.", "yeah", "yep", "yes please", "sure", "sure, go ahead", "go ahead", "okay", "OK!", "do it",
     "of course", "yes yes do it", "um yes", "well, okay then", "please do", "that's right", "yes please otto"],
)  # fmt: skip
def test_yes(said: str) -> None:
    assert yes_or_no(said) is True


@pytest.mark.parametrize(
    "said",
    ["no", "No!", "nope", "no thanks", "don't", "do not do it", "cancel", "stop", "never mind", "no no no", "um no",
     "not now", "better not", "yes no", "yes but not now", "okay stop", "please don't", "no otto", "of course not"],
)  # fmt: skip
def test_no(said: str) -> None:
    assert yes_or_no(said) is False


@pytest.mark.parametrize(
    "said", ["", "the weather is nice", "what", "yesterday", "yes the train leaves at nine", "maybe"]
)
def test_neither(said: str) -> None:
    assert yes_or_no(said) is None
