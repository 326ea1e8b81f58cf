"""The call syntax: reading and writing are inverses, and nothing makes the reader misbehave (docs/reliability.md)."""

from __future__ import annotations

import contextlib
import random
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.call import FORBIDDEN, MAX_LENGTH, Argument, Call, parse, write
from otto.errors import CallSyntaxError
from tests import processor

CALLS = Path(__file__).parent / "data" / "calls.txt"
"""Texts that were once read wrongly; each must be read, or refused with a `CallSyntaxError`."""

AT_ONCE = 0.05
"""Seconds of processor time that no text may take."""

VALID = [
    'weather(location="Berlin", days=2)',
    "openai(prompt='what's the meaning of life')",
    'notes(action="add", note="say \\"hi\\" to Zoë\\n"); timer(duration="10 minutes")',
    'play(rooms=["kitchen", "hall"], level=0.5, loop=true)',
    "other()",
]

texts = st.text(max_size=30).filter(
    lambda text: not FORBIDDEN.search(text.replace("\n", "").replace("\t", "").replace("\r", ""))
)
scalars = (
    st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
    | texts
)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
arguments = st.dictionaries(names, scalars | st.lists(scalars, max_size=4).map(tuple), max_size=4)
calls = st.builds(Call, names, arguments)


@given(st.lists(calls, min_size=1, max_size=3).map(tuple))
def test_what_is_written_reads_back(written: tuple[Call, ...]) -> None:
    assert parse(write(written), max_length=None) == written


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("weather(location='Berlin')", 'weather(location="Berlin")'),
        ("  weather ( location = 'Berlin' , )  ", 'weather(location="Berlin")'),
        ("openai(prompt='what's the meaning of life')", 'openai(prompt="what\'s the meaning of life")'),
        ("say(text='the dogs', loud=True)", 'say(text="the dogs", loud=true)'),
        ("say(text='it's, well, (ok)', loud=False)", 'say(text="it\'s, well, (ok)", loud=false)'),
        ("lights(room=[room])", 'lights(room="[room]")'),
        ("lights(room=[room:place])", 'lights(room="[room:place]")'),
        ("weather(location=New York, days=3)", 'weather(location="New York", days=3)'),
        ("weather(location=Berlin, days=None)", 'weather(location="Berlin")'),
        ("door(code=007)", 'door(code="007")'),
        ("wake(at=7:30)", 'wake(at="7:30")'),
        ("play(rooms=['a', 'b', ])", 'play(rooms=["a", "b"])'),
        ("play(rooms=[])", "play(rooms=[])"),
        ("set(x=-2.50, y=1e3, z=-0)", "set(x=-2.5, y=1000.0, z=0)"),
        ('say(text="\\u00e9\\t\\/")', 'say(text="é\\t/")'),
        ("a()\nb();c() ; ", "a(); b(); c()"),
    ],
)
def test_sloppy_writing_is_understood(text: str, canonical: str) -> None:
    assert write(parse(text)) == canonical
    assert write(parse(canonical)) == canonical


BAD = [
    ("", 0, "expected a call"),
    ("  ;\n", 4, "expected a call"),
    ("weather", 7, "expected '('"),
    ("weather(", 8, "expected a parameter's name"),
    ("weather(location", 16, "expected '='"),
    ("weather(location=", 17, "expected a value"),
    ('weather(location="Berlin"', 25, "expected ',' or ')'"),
    ('weather(location="Berlin")!', 26, "expected ';', a new line or the end"),
    ("weather() weather()", 10, "expected ';', a new line or the end"),
    ('weather(location="Berlin)', 17, "this quote is never closed"),
    ("weather(location='Berlin)", 17, "this quote is never closed"),
    ('weather("Berlin")', 8, "expected a parameter's name"),
    ('weather(location="Berlin" days=2)', 26, "expected ',' or ')'"),
    ('weather(location="Berlin", location="Bonn")', 27, "'location' is given twice"),
    ("weather(location=a=b)", 18, "expected ',' or ')'"),
    ("weather(location==b)", 17, "expected a value"),
    ('weather(location="Ber\nlin")', 21, "a line break in a text is written \\n"),
    ('weather(location="Ber\x00lin")', 21, "U+0000 is not allowed"),
    ('weather(location="Ber\ud800lin")', 21, "U+D800 is not allowed"),
    ('weather(location="Ber\u202elin")', 21, "U+202E is not allowed"),
    ('weather(location="Ber\u200flin")', 21, "U+200F is not allowed"),
    ("weather(location=Ber\u2067lin)", 20, "U+2067 is not allowed"),
    ('weather(location="\\u202e")', 18, "U+202E is not allowed"),
    ('weather(location="\\x41")', 18, "unknown escape \\x"),
    ('weather(location="\\u00g1")', 18, "unknown escape \\u"),
    ('weather(location="Berlin\\', 24, "unknown escape \\"),
    ("weather(location=[[1]])", 18, "expected a value"),
    ("weather(location=[1, None])", 25, "a list cannot hold nothing"),
    ('weather(location=["a" "b"])', 22, "expected ',' or ']'"),
    ("weather(days=1e999)", 13, "a number must be finite"),
    (f"weather(days={'9' * 41})", 13, "a number has at most 40 digits"),
    ("9lives()", 0, "expected a skill's name"),
    (f"{'a' * 65}()", 0, "expected a skill's name"),
    ("weather.now()", 7, "expected '('"),
    ("__import__('os').system('ls')", 11, "expected a parameter's name"),
    ("weather(location=lambda: 1, **{})", 28, "expected a parameter's name"),
    ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "at most 512 characters"),
]


@pytest.mark.parametrize(("text", "position", "problem"), BAD)
def test_a_bad_call_is_refused_with_its_position(text: str, position: int, problem: str) -> None:
    with pytest.raises(CallSyntaxError) as refused:
        parse(text)
    assert problem in refused.value.problem
    assert refused.value.position == position
    assert f"at character {position + 1}" in str(refused.value)


@pytest.mark.parametrize("value", ["a\x00b", "\u202e", float("nan"), float("inf"), ("ok", "\x1b[2J")])
def test_a_call_that_could_not_be_written_cannot_be_made(value: Argument) -> None:
    with pytest.raises(CallSyntaxError):
        Call("say", {"text": value})


def test_equality_is_as_written() -> None:
    assert parse("a(x=1, y=2)") == parse("a(y=2, x=1)")
    assert len({*parse("a(x=1, y=2)"), *parse("a(y=2, x=1)")}) == 1
    assert parse("a(x=1)") != parse("a(x=1.0)") != parse("a(x=true)") != parse('a(x="1")')


def test_a_call_cannot_be_changed() -> None:
    given_arguments: dict[str, Argument] = {"location": "Berlin"}
    call = Call("weather", given_arguments)
    given_arguments["location"] = "Bonn"
    assert str(call) == 'weather(location="Berlin")'
    with pytest.raises(TypeError):
        call.arguments["location"] = "Bonn"  # type: ignore[index]


def mutated(seed: int, count: int) -> list[str]:
    """Valid calls with one to six characters put in, taken out, doubled or swapped."""
    chance = random.Random(seed)
    alphabet = "()[]{}=,;'\"\\ \n\t\x00\u202e\ud800abcAZ019.-+eEuxn:_é💥"
    made = []
    for _ in range(count):
        text = list(chance.choice(VALID))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(text) + 1)
            match chance.randrange(4):
                case 0:
                    text.insert(at, chance.choice(alphabet))
                case 1:
                    del text[at : at + chance.randint(1, 5)]
                case 2:
                    text[at:at] = text[at : at + chance.randint(1, 20)]
                case _:
                    other = chance.randrange(len(text) + 1)
                    text[at:at], text[other:other] = text[other : other + 3], text[at : at + 3]
        made.append("".join(text))
    return made


def slowest_reading(texts: list[str]) -> float:
    """Seconds of processor time for the slowest text. Anything but a refusal in due form fails the test."""

    def check(text: str) -> None:
        try:
            read = parse(text)
        except CallSyntaxError as error:
            assert 0 <= error.position <= len(text)
        else:
            assert parse(write(read), max_length=None) == read

    return max(processor.seconds(partial(check, text), enough=AT_ONCE) for text in texts)


def test_100_000_mutations_are_read_or_refused() -> None:
    assert slowest_reading(mutated(1, 100_000)) < AT_ONCE


@pytest.mark.nightly
def test_10_million_mutations_are_read_or_refused() -> None:
    for seed in range(100):
        assert slowest_reading(mutated(1000 + seed, 100_000)) < AT_ONCE


@pytest.mark.parametrize(
    "pattern",
    [
        'say(text="{}")'.replace("{}", "a" * 1000),
        "'",
        "' ",
        "',a",
        "', a=",
        "')",
        "a(b='",
        "[a ",
        "a ",
        "x=1,",
        "a();",
        "9",
        "\\",
        "a(b=[",
    ],
)
def test_time_is_linear_in_length(pattern: str) -> None:
    def reading(length: int) -> float:
        text = "say(text='" + (pattern * (length // len(pattern) + 1))[:length]

        def read() -> None:
            with contextlib.suppress(CallSyntaxError):
                parse(text, max_length=None)

        return processor.seconds(read)

    # A millisecond of slack: the shortest runs are too fast to compare. Quadratic time would fail all three.
    assert any(reading(65536) < 3 * reading(32768) + 0.001 for _ in range(3))


def test_whatever_ever_failed_stays_mended() -> None:
    lines = [line for line in CALLS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines
    slowest_reading([line.encode().decode("unicode_escape") for line in lines])
