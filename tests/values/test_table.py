"""What holds for every entry of the value table alike."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.errors import OttoError, ValueReadError
from otto.skill import Parameter, Skill, from_json, to_json
from otto.values import TYPES, Limits
from tests import processor
from tests.conftest import NOW

CHOICES = Limits(choices=("on", "off"))

GARBAGE = [
    "turn on the kitchen light please", "seven bananas and three oranges on monday morning in may", "a " * 200,
    "9" * 400,
    "(" * 400, "one " * 100, "march " * 60, "tomorrow at seven and then some more of it", "- " * 200,
    "and a half " * 35,
    "12:30 " * 60, "the 3rd of " * 36, "x" * 10_000, "٣" * 300, "½" * 300, "\u202e" * 50, "1e" * 150, "." * 400,
    "a" * 400,
    "P" + "1" * 399, "²" * 400, "'" * 400, "T" * 400, "0" * 399 + "x",
]  # fmt: skip


def limits_of(name: str) -> Limits:
    return CHOICES if name == "choice" else Limits()


def test_the_table_holds_every_type_of_the_design() -> None:
    assert list(TYPES) == [
        "text", "choice", "integer", "number", "boolean", "duration", "time", "date", "datetime", "expression", "place",
    ]  # fmt: skip
    assert all(kind.name == name for name, kind in TYPES.items())


def test_every_python_type_leads_back_to_one_entry() -> None:
    assert len({kind.python for kind in TYPES.values()}) == len(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_the_sample_is_a_value_of_the_type(name: str, now: datetime) -> None:
    kind = TYPES[name]
    value = kind.read(kind.sample, limits_of(name), now)
    assert isinstance(value, kind.python) or name == "choice"
    assert kind.same(kind.read(kind.write(value), limits_of(name), now), value)


@pytest.mark.parametrize("name", TYPES)
def test_the_schema_leads_back_to_the_type(name: str) -> None:
    skill = Skill("ask", (Parameter("value", name, limits=limits_of(name)),))
    assert from_json(to_json(skill)) == skill


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: ascii(garbage)[:20])
@pytest.mark.parametrize("name", [name for name in TYPES if name != "text"])
def test_garbage_is_refused_at_once(name: str, garbage: str, now: datetime) -> None:
    kind, limits = TYPES[name], limits_of(name)
    if name == "place":
        kind.read("berlin", limits, now)  # opens the index

    def check() -> None:
        try:
            value = kind.read(garbage, limits, now)
        except ValueReadError:
            pass
        else:  # an unknown place, or figures that happen to be a value
            assert name == "place" or kind.same(kind.read(kind.write(value), limits, now), value)

    assert processor.seconds(check, enough=0.05) < 0.05  # 2 ms on a quiet machine


@pytest.mark.parametrize("name", TYPES)
@given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.booleans()))
def test_anything_is_read_or_refused_with_a_sentence(name: str, scalar: Any) -> None:
    kind, limits = TYPES[name], limits_of(name)
    try:
        value = kind.read(scalar, limits, NOW)
    except ValueReadError as error:
        assert str(error)
    else:
        assert kind.same(kind.read(kind.write(value), limits, NOW), value)


NUMBERS = "a an the one two seven twelve twenty thirty hundred thousand and half quarter third minus point 12 30 7 2027"
DAYS = "next last friday march may first day days week weeks tomorrow tonight noon morning evening ago from now"
OTHERS = "past to of in at on minute minutes hour hours am pm : / % times plus squared root berlin texas new york"
WORDS = f"{NUMBERS} {DAYS} {OTHERS}".split()


@pytest.mark.parametrize("name", TYPES)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join))
def test_any_run_of_the_table_s_own_words_is_read_or_refused(name: str, text: str) -> None:
    kind, limits = TYPES[name], limits_of(name)
    try:
        value = kind.read(text, limits, NOW)
    except OttoError as error:
        assert isinstance(error, ValueReadError)
    else:
        assert kind.same(kind.read(kind.write(value), limits, NOW), value)


@pytest.mark.parametrize("name", [name for name in TYPES if name != "place"])
def test_an_ordinary_value_is_read_quickly_and_without_heavy_libraries(name: str, now: datetime) -> None:
    kind, limits = TYPES[name], limits_of(name)
    before = set(sys.modules)  # other tests may have loaded anything
    kind.read(kind.sample, limits, now)
    assert processor.seconds(lambda: kind.read(kind.sample, limits, now)) < 0.003  # 0.3 ms on a quiet machine
    assert "torch" not in set(sys.modules) - before
