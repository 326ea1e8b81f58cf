"""The grammar of calls: everything it can write is a call, and every example can be written."""

from __future__ import annotations

import random
import re
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from otto.call import FORBIDDEN, Call, parse, write
from otto.config import Folders, bundled
from otto.errors import ModelError
from otto.examples.file import read as read_file
from otto.grammar import MAX_CALLS, MAX_TEXT, grammar, refuse_oversized
from otto.registry.registry import Registry
from otto.registry.snapshot import Snapshot
from otto.signature import find, merge
from otto.skill import OTHER_SKILL, Parameter, Skill
from otto.values import Limits
from tests.gbnf import Class, Gbnf, Node, read

SAMPLES = 2_000
NESTED = 60_000

LIGHTS = Skill(
    "lights",
    (
        Parameter("state", "choice", required=True, limits=Limits(("on", "off", 'as "before"', "às 8\\9"))),
        Parameter("room"),
        Parameter("level", "integer"),
    ),
)
NOTE = Skill("note", (Parameter("text", required=True), Parameter("short", limits=Limits((), 2, 9))))
ORDER = Skill(
    "Order_Drink",
    (
        Parameter("size", "number"),
        Parameter("extras", repeats=True),
        Parameter("kinds", "choice", limits=Limits(("milk", "sugar")), repeats=True),
        Parameter("drink", required=True, limits=Limits((), 2, 5)),
        Parameter("iced", "boolean"),
        Parameter("when", "time", required=True),
    ),
)


@cache
def skills() -> Snapshot:
    folders = Folders((bundled("examples"),), (bundled("skills"),))
    return Registry(folders, cache=Path("/nonexistent")).snapshot


@cache
def bundled_grammar() -> str:
    return grammar(registered.skill for registered in skills().skills.values())


def accepts(text: str, *known: Skill) -> bool:
    return read(grammar(known)).accepts(text)


def test_every_example_of_every_skill_is_accepted() -> None:
    gbnf = read(bundled_grammar())
    written = {write(each.calls) for registered in skills().skills.values() for each in registered.examples}
    assert len(written) > 1000
    assert [text for text in written if not gbnf.accepts(text)] == []
    assert [text for text in sorted(written)[::50] if not gbnf.accepts(f" {text} ")] == []


def check_samples(count: int, *known: Skill) -> set[str]:
    """Draws texts, each of which must be calls of `known` as they may be made; returns the first thousand."""
    by_name = {skill.name: skill for skill in known}
    gbnf, rng, drawn = read(grammar(known)), random.Random(1), set()
    for _ in range(count):
        text = gbnf.sample(rng)
        calls = parse(text, max_length=None)
        assert calls == parse(write(calls), max_length=None)
        assert len(calls) <= MAX_CALLS
        assert all(structurally_valid(call, by_name) for call in calls), text
        if len(drawn) < 1000:
            drawn.add(text)
    return drawn


def structurally_valid(call: Call, known: dict[str, Skill]) -> bool:
    """Whether names, required parameters, order, closed choices and kinds of values are those of the skill."""
    if call.name == "other":
        return not call.arguments
    skill = known[call.name]
    order = [parameter.name for parameter in skill.parameters]
    given = [order.index(name) for name in call.arguments]
    if given != sorted(given) or any(p.required and p.name not in call.arguments for p in skill.parameters):
        return False
    return all(
        fits(parameter, item)
        for parameter in skill.parameters
        if parameter.name in call.arguments
        for argument in [call.arguments[parameter.name]]
        for item in (argument if isinstance(argument, tuple) and parameter.repeats else [argument])
    )


def fits(parameter: Parameter, value: object) -> bool:
    match parameter.type:
        case "choice":
            return value in parameter.limits.choices
        case "boolean":
            return isinstance(value, (bool, str))
        case "integer":
            return isinstance(value, str) or (type(value) is int and abs(value) <= 1e15)
        case "number":
            return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    longest = MAX_TEXT if parameter.limits.maximum is None else parameter.limits.maximum
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= longest


def test_everything_that_it_writes_is_a_call_that_may_be_made() -> None:
    check_samples(SAMPLES // 2, *(registered.skill for registered in skills().skills.values()))
    drawn = check_samples(SAMPLES // 2, LIGHTS, ORDER)
    assert any("; " in text for text in drawn)
    assert any("[" in text for text in drawn)
    assert any(not text.isascii() for text in drawn)


@pytest.mark.nightly
def test_everything_that_it_writes_is_a_call_in_large() -> None:
    check_samples(50_000, *(registered.skill for registered in skills().skills.values()))
    check_samples(50_000, LIGHTS, ORDER)


@pytest.mark.parametrize(
    "text",
    [
        'lights(state="on")',
        ' lights(state="on", room="Küche 厨房 🍳", level=-5) ',
        'lights(state="as \\"before\\"", level="fifty percent")',
        'lights(state="às 8\\\\9"); other_not_here()',
        'Order_Drink(drink="tea", when="at 7")',
        'Order_Drink(size=0.5, extras=["a", "b"], kinds="milk", drink="tea", iced=true, when="noon")',
        'lights(state="on"); lights(state="off"); Order_Drink(drink="tea", when="5")',
        "other()",
    ],
)
def test_what_is_written_for_a_person(text: str) -> None:
    assert accepts(text, LIGHTS, ORDER) is ("not_here" not in text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lights()",
        'lights(state="dim")',
        'lights(room="hall", state="on")',
        'lights(state="on", state="on")',
        'lights(state="on", colour="red")',
        'lights(state="on",room="hall")',
        "lights(state='on')",
        'lights(state="on", room="")',
        'lights(state="on", room=" ")',
        'lights(state="on", room="a\nb")',
        'lights(state="on", room="a\\u0041")',
        'lights(state="on", room="\u202eab")',
        'lights(state="on", room="a\x00")',
        'lights(state="on", level=007)',
        'lights(state="on", level=1.5)',
        'lights(state="on", room=["hall"])',
        'lights(state="on"); other()',
        'lights(state="on")\nlights(state="on")',
        "; ".join(['lights(state="on")'] * (MAX_CALLS + 1)),
        'Order_Drink(drink="t", when="5")',
        'Order_Drink(drink="latte!", when="5")',
        'Order_Drink(drink="tea")',
        'Order_Drink(extras=[], drink="tea", when="5")',
        "timer()",
    ],
)
def test_what_no_model_can_write(text: str) -> None:
    assert not accepts(text, LIGHTS, ORDER)


def test_texts_hold_every_character_that_a_call_may_hold() -> None:
    text = next(body for name, body in read(bundled_grammar()).rules.items() if name.startswith("t"))
    first, rest = classes(text)
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        plain = character not in '"\\' and not FORBIDDEN.match(character)
        assert holds(rest, code) is plain, hex(code)
        if plain and (code < 0x3100 or code % 97 == 0):
            assert holds(first, code) is bool(character.strip()), hex(code)


def classes(node: Node) -> list[Class]:
    """The large character classes in a rule, in order."""
    if isinstance(node, Class):
        return [node] if len(node.ranges) > 5 else []
    return [each for part in vars(node).values() for each in parts(part)]


def parts(value: object) -> list[Class]:
    if isinstance(value, tuple):
        return [each for part in value for each in parts(part)]
    return classes(value) if hasattr(value, "__dataclass_fields__") else []  # type: ignore[arg-type]


def holds(found: Class, code: int) -> bool:
    return any(low <= code <= high for low, high in found.ranges)


def fifty() -> list[Skill]:
    """As many skills as people have, with names and parameters as long as theirs."""
    own = [registered.skill for registered in skills().skills.values() if registered.skill.name != "other"]
    made = [
        Skill(
            f"calendar_{verb}_{place}",
            (
                Parameter(f"{place}_name", required=verb == "add"),
                Parameter("starting_time", "datetime"),
                Parameter(f"{place}_kind", "choice", limits=Limits(("private", "business", "family", "other"))),
                Parameter("number_of_people", "integer"),
            ),
        )
        for verb in ("add", "remove", "query", "move")
        for place in ("event", "meeting", "journey", "lesson", "concert", "game", "visit")
    ]
    return (own + made)[:50]


def test_texts_are_words_of_the_sentence_one_after_the_other() -> None:
    gbnf = read(grammar([NOTE, LIGHTS], 'note the last "tree"\\ on\tc++ isn\'t tall'))
    for text in ("the last", "tree", "on c++", "isn't tall", r"last \"tree\"\\ on", "t"):
        assert gbnf.accepts(f'note(text="{text}")'), text
    for text in ("the tree", "the last one", "tall isn't", "a", "last tree", "", " last", "note the last  "):
        assert not gbnf.accepts(f'note(text="{text}")'), text
    assert gbnf.accepts('lights(state="on", room="tall"); note(text="tall")')
    assert gbnf.accepts('note(text="on", short="unheard")')  # a text with limits is free


def test_every_examples_texts_are_in_its_sentence() -> None:
    known = [registered.skill for registered in skills().skills.values()]
    rows = [each for registered in skills().skills.values() for each in registered.examples]
    asked = [each for each in rows if any(call.arguments for call in each.calls)][::9]
    assert len(asked) > 200
    assert [each.text for each in asked if not read(grammar(known, each.text)).accepts(write(each.calls))] == []


@pytest.mark.parametrize(
    "said", ["", "   ", "\u202e\x00", '"' * 500, "\\" * 500, "a " * 250, "ä\u0301 \u200d 日本語 🙂", '" ::= root']
)
def test_no_sentence_makes_a_grammar_that_writes_anything_but_calls(said: str) -> None:
    made = grammar([NOTE, LIGHTS], said)
    refuse_oversized(made)
    gbnf, rng = read(made), random.Random(4)
    for _ in range(50):
        text = gbnf.sample(rng)
        assert parse(text, max_length=None)


def test_it_stays_small_and_flat() -> None:
    many = fifty()
    assert len(many) == 50
    text = grammar(many)
    assert len(text.encode()) <= 16_000
    assert read(text).depth() + 1 <= 5  # the root is the first
    assert not re.search(r"[*+](?![^\[]*\])(?![^\"]*\" )", re.sub(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', "", text))
    assert "{0,}" not in text


def test_it_depends_on_nothing_but_the_skills() -> None:
    assert grammar([LIGHTS, ORDER]) == grammar([LIGHTS, OTHER_SKILL, ORDER])
    assert grammar([LIGHTS]) != grammar([ORDER])
    assert read(grammar([])).accepts("other()")


def test_a_dropped_in_file_is_spoken_at_once(tmp_path: Path) -> None:
    signatures, _ = find('kettle(state="on|off", names=["[name]"]) boils water.')
    kettle = merge(signatures)
    assert accepts('kettle(state="on", names=["a", "b"])', kettle)
    assert not accepts('kettle(state="warm")', kettle)


def test_the_example_file_of_the_tests_is_accepted() -> None:
    file = read_file(Path(__file__).parent / "data" / "lights_examples.txt")
    gbnf = read(grammar(file.skills))
    assert len(file.examples) > 3
    assert [write(each.calls) for each in file.examples if not gbnf.accepts(write(each.calls))] == []


def test_grammars_that_harm_are_refused_unread() -> None:
    began = time.monotonic()
    nested = "root ::= " + "(" * NESTED + '"a"' + ")" * NESTED
    with pytest.raises(ModelError, match="nests at most"):
        refuse_oversized(nested)
    with pytest.raises(ModelError, match="characters"):
        refuse_oversized('root ::= "' + "a" * 1_000_000 + '"')
    assert time.monotonic() - began < 5
    for known in ([LIGHTS, ORDER], fifty()):
        refuse_oversized(grammar(known))
    refuse_oversized('root ::= "' + "(" * NESTED + '\\"((" [(\\](]')  # brackets that are only characters


@pytest.mark.heavy
def test_llguidance_reads_the_same_grammar() -> None:
    llguidance = pytest.importorskip("llguidance")
    source = llguidance.grammar_from("gbnf", bundled_grammar())
    tokenizer = llguidance.LLTokenizer("byte")

    def accepted(text: str) -> bool:
        matcher = llguidance.LLMatcher(tokenizer, source)
        assert not matcher.get_error()
        whole = matcher.consume_tokens(list(text.encode())) and matcher.is_accepting()
        return bool(whole)

    written = sorted({write(each.calls) for found in skills().skills.values() for each in found.examples})
    assert [text for text in written[::7] if not accepted(text)] == []
    assert not accepted('timer(duration="")')
    gbnf: Gbnf = read(bundled_grammar())
    rng = random.Random(2)
    drawn = [gbnf.sample(rng) for _ in range(100)]
    assert [text for text in drawn if not accepted(text)] == []
    source = llguidance.grammar_from("gbnf", grammar([NOTE], 'tell "joe"\\s ünder 🙂 c++'))
    assert [accepted(f'note(text="{text}")') for text in (r"tell \"joe", "ünder 🙂 c+", "joe c++")] == [
        True,
        True,
        False,
    ]
