"""Signatures: a schema as people write it, read and written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from otto.signature import find, merge, placeholder, write
from otto.skill import Parameter, Skill
from otto.values import TYPES, Limits

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
bounds = st.none() | st.integers(-50, 50) | st.floats(-9, 9, allow_nan=False).map(lambda value: round(value, 2))
words = st.text("abcdefgäöü 0123456789'\"\\()[]:,;", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(list(TYPES)))
    if kind == "choice":
        taken = draw(st.lists(words.filter(lambda text: text[0] != "["), min_size=1, max_size=4, unique=True))
        limits = Limits(tuple(taken))
    else:
        low, high = draw(bounds), draw(bounds)
        limits = Limits((), *((high, low) if low is not None and high is not None and low > high else (low, high)))
    return Parameter(draw(names), kind, limits=limits, repeats=draw(st.booleans()))


@settings(max_examples=200)
@given(names, st.lists(parameters(), max_size=4, unique_by=lambda each: each.name))
def test_writing_and_finding_are_inverses(name: str, taken: list[Parameter]) -> None:
    skill = Skill(name, tuple(taken))
    found, problems = find(f"{write(skill)} does things (or not).")
    assert not problems
    assert merge(found) == skill
    assert found[0].end == len(write(skill))


def test_the_way_a_parameter_is_shown_is_kept() -> None:
    text = 'weather(location="[city:place]", days="[days:integer 1-14]")'
    found, _ = find(text)
    assert write(merge(found)) == text
    assert merge(found).shown == {"location": "[city:place]"}


def test_limits_are_shown_with_two_dots_where_a_minus_would_confuse() -> None:
    assert placeholder(Parameter("t", "integer", limits=Limits((), -10, 40))) == "[t:integer -10..40]"
    assert placeholder(Parameter("t", "integer", limits=Limits((), 0, 40))) == "[t:integer 0-40]"
    assert placeholder(Parameter("t", "number", limits=Limits((), None, 2.5))) == "[t:number ..2.5]"


def test_parentheses_in_prose_are_no_signatures() -> None:
    found, problems = find("Switches (on or off) a lamp.\nlamp(on=true) is f(x).\nSee also help().")
    assert [signature.name for signature in found] == ["lamp"]
    assert not problems


def test_a_signature_that_never_ends_is_reported_where_it_stops_making_sense() -> None:
    found, problems = find('lamp(state="on|off')
    assert not found
    assert problems == [(0, "this signature cannot be read: it has no closing parenthesis")]


def test_a_plural_in_prose_is_no_signature() -> None:
    assert find("Switches the light(s) in a room.") == ([], [])


def test_a_text_of_signatures_is_read_in_time() -> None:
    found, problems = find('foo(a="b" (\n' * 100_000)
    assert not found
    assert len(problems) == 65
    assert problems[-1][1] == "a prompt has at most 64 signatures"
