from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.values import TYPES, Limits
from otto.values.span import spans
from tests import processor
from tests.conftest import NOW
from tests.values import test_date, test_datetime, test_duration, test_expression, test_number, test_place, test_time

LIMITS = Limits(choices=("up", "down", "living room"))


def found(sentence: str, name: str, limits: Limits = LIMITS) -> list[str]:
    return [span.text for span in spans(sentence, name, limits, NOW)]


@pytest.mark.parametrize(
    ("name", "sentence", "longest"),
    [
        ("duration", "set a timer for ten minutes please", "ten minutes"),
        ("duration", "a 10-minute timer, please", "10-minute"),
        ("duration", "wake me in an hour and a half, will you?", "an hour and a half"),
        ("time", "is it half past six already", "half past six"),
        ("date", "what day is the third of march?", "the third of march"),
        ("date", "remind me on friday", "friday"),
        ("datetime", "wake me up tomorrow at half past six.", "tomorrow at half past six"),
        ("datetime", "remind me in ten minutes to call mom", "in ten minutes"),
        ("datetime", "alarm at seven thirty in the morning on friday", "seven thirty in the morning on friday"),
        ("integer", "set the volume to fifty percent now", "fifty percent"),
        ("number", "two and a half spoons", "two and a half"),
        ("expression", "what's twenty three times four plus nine?", "twenty three times four plus nine"),
        ("place", "what is the weather in new york city tomorrow", "new york city"),
        ("place", "how warm is it in Paris, Texas today", "Paris, Texas"),
        ("choice", "turn the Living-Room light up", "Living-Room"),
        ("choice", "it is living room time", "living room"),
        ("boolean", "yes please do that", "yes please"),
    ],
)  # fmt: skip
def test_the_longest_span_is_the_value(name: str, sentence: str, longest: str) -> None:
    assert found(sentence, name)[0] == longest


@pytest.mark.parametrize("name", [name for name in TYPES if name not in ("text", "place")])
def test_a_sentence_without_a_value_has_no_spans(name: str) -> None:
    assert found("please play some music by queen", name) == []


def test_a_text_has_no_spans_and_an_unknown_place_neither() -> None:
    assert found("call mom", "text") == []
    assert found("meet me in mordor", "place") == []


def test_spans_are_listed_longest_first_with_their_offsets() -> None:
    sentence = "say:  'twenty three',  or seven"
    listed = spans(sentence, "integer", Limits(), NOW)
    assert [(span.text, span.value) for span in listed] == [
        ("twenty three", 23),
        ("twenty", 20),
        ("three", 3),
        ("seven", 7),
    ]
    assert all(sentence[span.start : span.end] == span.text for span in listed)


def test_limits_hold_for_spans() -> None:
    assert found("between five and five thousand", "integer", Limits(minimum=0, maximum=100)) == ["five", "five"]
    assert found("in thirty hours or ten minutes", "duration") == ["ten minutes"]


def test_a_place_with_a_control_character_is_none() -> None:
    assert found("weather in ber\x1flin", "place") == []


def test_moments_that_are_over_are_no_spans() -> None:
    assert found("what was yesterday", "datetime") == []


SAID = {
    "duration": test_duration.SAID,
    "time": test_time.SAID,
    "date": test_date.SAID,
    "datetime": test_datetime.SAID,
    "integer": test_number.WHOLE,
    "number": test_number.BROKEN,
    "expression": test_expression.SAID,
    "place": test_place.SAID,
}


@pytest.mark.parametrize(("name", "words"), [(name, words) for name, said in SAID.items() for words in said])
def test_whatever_is_read_is_also_found_in_a_sentence(name: str, words: str) -> None:
    kind = TYPES[name]
    wanted = kind.read(words, Limits(), NOW)
    assert any(kind.same(span.value, wanted) for span in spans(f"xyzzy {words} xyzzy", name, Limits(), NOW))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "sentence",
    [
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen",
        "at ten past eight in the evening on the fifth of november in two thousand and thirty",
        "set a timer for ten minutes and a half please and then call me back later",
        "half " * 100,
        "x" * 600,
        "( " * 200,
    ],
    ids=lambda sentence: sentence[:20],
)
def test_spans_are_found_in_bounded_time(name: str, sentence: str) -> None:
    spans("berlin", "place", LIMITS, NOW)  # opens the index
    # 3 ms for a spoken sentence on a quiet machine
    assert processor.seconds(lambda: spans(sentence, name, LIMITS, NOW), enough=0.25) < 0.25


@pytest.mark.parametrize("name", TYPES)
@given(st.text(max_size=80))
def test_spans_lie_in_any_text(name: str, text: str) -> None:
    for span in spans(text, name, LIMITS, NOW):
        assert text[span.start : span.end] == span.text
        assert TYPES[name].same(TYPES[name].read(span.text, LIMITS, NOW), span.value)
