"""Example files: every way of writing them, what is wrong with file and line, and writing back without a scratch."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otto.action import Action, Run
from otto.call import Call, parse
from otto.errors import SchemaError
from otto.example import Example
from otto.examples.file import ExampleFile, compose, read, read_text, with_required
from otto.skill import OTHER_SKILL, Parameter, Skill
from otto.values import Limits

LIGHTS = """\
#### Prompt:
lights(state="on|off", room="[room]") switches the lights of a room on or off.

#### Prompt Examples:

### User: turn off the kitchen lights
### Assistant: lights(state="off", room="kitchen")

#### Examples:

User: lights on please
Assistant: lights(state="on")

#### Not:
User: who invented the light bulb
"""
PATH = Path("lights_examples.txt")


def file(text: str, path: Path = PATH) -> ExampleFile:
    return read_text(text, path)


def good(text: str, path: Path = PATH) -> ExampleFile:
    found = file(text, path)
    assert not [str(problem) for problem in found.problems]
    return found


def pairs(found: ExampleFile) -> list[str]:
    return [str(example) for example in found.examples]


def complaints(text: str, path: Path = PATH) -> list[str]:
    return [str(problem) for problem in file(text, path).problems]


# What a file says


def test_a_file_describes_a_skill_and_gives_examples() -> None:
    found = good(LIGHTS)
    (skill,) = found.skills
    assert skill.name == "lights"
    assert skill.description == "switches the lights of a room on or off."
    assert skill.parameters == (
        Parameter("state", "choice", required=True, limits=Limits(("on", "off"))),
        Parameter("room", "text"),
    )
    assert pairs(found) == [
        'turn off the kitchen lights -> lights(state="off", room="kitchen")',
        'lights on please -> lights(state="on")',
        "who invented the light bulb -> other()",
    ]
    assert [example.in_prompt for example in found.examples] == [True, False, False]
    assert [example.origin.line for example in found.examples] == [6, 11, 15]


@pytest.mark.parametrize(
    "variation",
    [
        pytest.param(LIGHTS.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(LIGHTS.replace("\n", "\r"), id="CR"),
        pytest.param("\ufeff" + LIGHTS, id="byte order mark"),
        pytest.param(LIGHTS.replace("### User", "User").replace("### Assistant", "Assistant"), id="no marks"),
        pytest.param(LIGHTS.replace("\nUser", "\n### User").replace("\nAssistant", "\n### Assistant"), id="marks"),
        pytest.param(LIGHTS.replace("User:", "user :").replace("Assistant:", "ASSISTANT:"), id="capitals"),
        pytest.param(LIGHTS.replace("Assistant:", "Assistant:   "), id="blanks"),
        pytest.param("\n\n" + LIGHTS.replace("\n", "  \n"), id="blanks at the ends"),
        pytest.param(LIGHTS.replace(":\n", "\n"), id="titles without a colon"),
        pytest.param(LIGHTS.replace("#### ", "####"), id="titles without a blank"),
        pytest.param(LIGHTS.replace("\n\n", "\n"), id="no blank lines"),
        pytest.param(LIGHTS.replace("\n", "\n\n"), id="a blank line after every line"),
        pytest.param(LIGHTS.replace("please\n", "\nplease\n"), id="a sentence in two lines"),
        pytest.param(LIGHTS.replace("\nlights(state", "\n# a remark\nlights(state"), id="remark in the prompt"),
        pytest.param(LIGHTS.replace("\nUser: lights", "\n# User: x\nUser: lights"), id="an example taken out"),
        pytest.param(LIGHTS.replace("please\n", "please\n## so far\n"), id="remark in an example"),
        pytest.param("##########\n" + LIGHTS, id="a ruler"),
        pytest.param(LIGHTS.removesuffix("\n"), id="no line end at the end"),
        pytest.param(LIGHTS.replace("who inv", "who\tinv"), id="a tab"),
        pytest.param(LIGHTS.replace("Prompt:\n", "Prompt: "), id="prompt in the title's line"),
        pytest.param(LIGHTS.replace("User: who", "who"), id="a bare sentence under Not"),
        pytest.param(LIGHTS + "Assistant: other()\n", id="a sentence under Not with its answer"),
        pytest.param(
            LIGHTS.replace('"on|off"', "on|off").replace('"[room]"', "[room]"), id="no quotes in the signature"
        ),
        pytest.param(LIGHTS.replace('"off", room="kitchen"', "'off', room='kitchen'"), id="single quotes"),
        pytest.param(LIGHTS.replace(', room="[room]"', ',\n  room="[room]"'), id="a signature in two lines"),
        pytest.param(LIGHTS.removeprefix("#### Prompt:\n"), id="no title before the prompt"),
    ],
)
def test_variations_say_the_same(variation: str) -> None:
    plain, found = good(LIGHTS), good(variation)
    assert found.skills == plain.skills
    assert [(each.text, each.calls, each.in_prompt) for each in found.examples] == [
        (each.text, each.calls, each.in_prompt) for each in plain.examples
    ]
    assert str(found) == variation


def test_sections_come_in_any_order_and_more_than_once() -> None:
    found = good(
        '#### Not:\nUser: why\n#### Examples:\nUser: on\nAssistant: lamp(state="on")\n'
        '#### Prompt:\nlamp(state="on|off")\n#### Examples:\nUser: off\nAssistant: lamp(state="off")\n'
    )
    assert pairs(found) == ["why -> other()", 'on -> lamp(state="on")', 'off -> lamp(state="off")']
    assert found.skills[0].parameters == (Parameter("state", "choice", required=True, limits=Limits(("on", "off"))),)


def test_a_prompt_takes_several_lines() -> None:
    found = good("#### Prompt:\nUse this for lamps.\n- `lamp(on=true)` switches a lamp.\n\nNever\n  for candles.\n")
    assert found.skills[0].description == "Use this for lamps. switches a lamp. Never for candles."
    assert found.skills[0].parameters == (Parameter("on", "boolean"),)


def test_a_signature_may_stand_inside_a_sentence() -> None:
    found = good('#### Prompt:\nTo switch a lamp, call lamp(state="on|off") now (not later).\n')
    assert found.skills[0].name == "lamp"
    assert "(not later)" in found.skills[0].description


def test_several_signatures_of_one_skill_say_it_together() -> None:
    text = '#### Prompt:\nnotes(action="add", note="[note]") keeps a note.\nnotes(action="list") tells them.\n'
    found = good(text + '#### Examples:\nUser: x\nAssistant: notes(action="list")\n')
    assert found.skills == (
        Skill(
            "notes",
            (Parameter("action", "choice", True, Limits(("add", "list"))), Parameter("note")),
            "keeps a note. tells them.",
        ),
    )


def test_a_file_may_describe_several_skills() -> None:
    text = '#### Prompt:\nlamp(state="on|off") switches.\nblind(position="[position:integer 0-100]") moves.\n'
    found = good(text + '#### Examples:\nUser: x\nAssistant: lamp(state="on")\nUser: y\nAssistant: blind(position=5)\n')
    assert [(skill.name, skill.description) for skill in found.skills] == [("lamp", "switches."), ("blind", "moves.")]
    assert found.skills[1].parameters == (Parameter("position", "integer", True, Limits((), 0, 100)),)


def test_types_limits_and_repetition_are_written_in_the_signature() -> None:
    text = (
        '#### Prompt:\nx(a="[a:duration 1..86400]", b="[city:place]", c=["[c]"], d=["red|green"], '
        'e="[e:number -1.5..]", f="[f:integer -10-40]", g=3, h="one", i="only|")\n'
    )
    (skill,) = good(text).skills
    assert skill.parameters == (
        Parameter("a", "duration", limits=Limits((), 1, 86400)),
        Parameter("b", "place"),
        Parameter("c", repeats=True),
        Parameter("d", "choice", limits=Limits(("red", "green")), repeats=True),
        Parameter("e", "number", limits=Limits((), -1.5, None)),
        Parameter("f", "integer", limits=Limits((), -10, 40)),
        Parameter("g", "integer"),
        Parameter("h"),
        Parameter("i", "choice", limits=Limits(("only",))),
    )
    assert skill.shown["b"] == "[city:place]"


def test_without_a_prompt_the_schema_is_guessed_from_the_examples() -> None:
    found = good(
        'User: dim it\nAssistant: dimmer(level=20)\n\nUser: dim more\nAssistant: dimmer(level=2.5, room="den")\n'
        'User: dim both\nAssistant: dimmer(level=1, room=["a", "b"], slow=true)\n',
        Path("dimmer_examples.txt"),
    )
    assert found.skills == (
        Skill(
            "dimmer",
            (Parameter("level", "number", True), Parameter("room", repeats=True), Parameter("slow", "boolean")),
        ),
    )
    assert found.guessed


def test_a_choice_is_closed_only_when_that_is_stated() -> None:
    found = good('User: on\nAssistant: lamp(state="on")\nUser: off\nAssistant: lamp(state="off")\n')
    assert found.skills[0].parameters == (Parameter("state", required=True),)


def test_without_a_prompt_the_name_of_the_file_decides_between_skills() -> None:
    text = (
        "User: a\nAssistant: one()\nUser: b\nAssistant: two()\nUser: c\nAssistant: two()\nUser: d\nAssistant: other()\n"
    )
    assert good(text, Path("one_examples.txt")).skills == (Skill("one"),)
    assert good(text, Path("whatever_examples.txt")).skills == (Skill("two"),)


def test_words_without_a_signature_describe_the_skill() -> None:
    found = good(
        "#### Prompt:\nLocks the screen.\n#### Action:\nrun: loginctl lock-session\nrisk: confirm\n",
        Path("lock_examples.txt"),
    )
    assert found.skills == (Skill("lock", (), "Locks the screen.", "confirm"),)
    assert found.action == Action(Run(("loginctl", "lock-session")), risk="confirm")


def test_the_file_of_other_is_the_skill_other() -> None:
    found = good("User: hm\nAssistant: other()\n#### Not:\nwell well\n", Path("other_examples.txt"))
    assert found.skills == (OTHER_SKILL,)
    assert pairs(found) == ["hm -> other()", "well well -> other()"]


def test_one_sentence_may_mean_several_calls() -> None:
    found = good('User: lights on and a timer\nAssistant: lights(state="on"); timer(duration="ten minutes")\n')
    assert found.examples[0].calls == parse('lights(state="on"); timer(duration="ten minutes")')
    assert good('User: twice\nAssistant: lights(state="on")\nlights(state="off")\n').examples[0].calls == parse(
        'lights(state="on"); lights(state="off")'
    )


def test_the_same_example_twice_counts_once() -> None:
    found = good(
        LIGHTS + "#### Examples:\nUser: turn off the kitchen lights\nAssistant: lights(room='kitchen', state='off')\n"
    )
    assert len(found.examples) == 3
    assert found.examples[0].in_prompt


def test_values_that_mean_the_same_do_not_contradict() -> None:
    prompt = '#### Prompt:\ntimer(duration="[duration:duration]")\n#### Examples:\n'
    good(
        f'{prompt}User: ten minutes\nAssistant: timer(duration="ten minutes")\n'
        'User: Ten minutes.\nAssistant: timer(duration="10 minutes")\n'
    )


# What is wrong


EXAMPLE = '#### Examples:\n\nUser: lights on please\nAssistant: lights(state="on")'


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        ('(state="on")', '(state="dim")', "12: lights: state: 'dim' is not one of on, off"),
        ('(state="on")', '(state="on", colour="red")', "12: lights has no parameter 'colour' (it has: state, room)"),
        ('(state="on")', '(state="on"', "12: expected ',' or ')'"),
        ('(state="on")', "", "12: expected '('"),
        ('Assistant: lights(state="on")', "Assistant:", "12: expected a call such as"),
        ('Assistant: lights(state="on")\n', "", "11: this 'User:' has no 'Assistant:' after it"),
        ("User: lights on please\n", "", "11: this 'Assistant:' has no 'User:' before it"),
        ("User: lights on please", "User:", "11: the sentence is empty"),
        ("lights on please", "lights\x07on", "11: the character U+0007 cannot be part of a sentence"),
        ('Assistant: lights(state="on")', 'Asistant: lights(state="on")', "12: expected 'Assistant:', not 'Asistant'"),
        ('Assistant: lights(state="on")', '### Bot: lights(state="on")', "12: expected '### User:' or '### Assist"),
        ("lights on please", "who invented the light bulb", "15: the same sentence stands in line 11 and means lights"),
        ("lights on please", "Turn off the kitchen lights!", "12: the same sentence stands in line 6 and means lights"),
        ("#### Not:", "#### Note:", "14: there is no section 'Note'; known: Prompt, Prompt Examples, Examples"),
        ('lights(state="on")\n', 'lights(state="on"); other()\n', "12: other() stands alone"),
        ('lights(state="on")\n', 'lights(state="on")\n\nand more\n', "14: expected 'User:' or 'Assistant:' before"),
        ('lights(state="on")\n', 'lights(state="on")\nlights(state=)\n', "13: expected a value"),
        ("light bulb\n", 'light bulb\nAssistant: lights(state="on")\n', "16: a sentence under '#### Not:' cannot call"),
        ("[room]", "[room:colour]", "2: lights: room: there is no type 'colour'"),
        ("[room]", "[room", "2: lights: room: '[room' is neither \"[room]\" nor"),
        ("[room]", "[room:integer 9-1]", "2: lights: room: the limits 9 and 1 are the wrong way round"),
        ('"[room]")', '"[room]"', "2: this signature cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_with_its_line_and_the_rest_counts(written: str, instead: str, expected: str) -> None:
    assert written in LIGHTS
    found = file(LIGHTS.replace(written, instead))
    messages = [str(problem) for problem in found.problems]
    assert messages[0].startswith(f"lights_examples.txt:{expected}")
    assert found.skills[0].name == "lights"
    assert 'turn off the kitchen lights -> lights(state="off", room="kitchen")' in pairs(found) or "room" in expected


def test_a_bad_value_is_left_out() -> None:
    found = file(
        '#### Prompt:\nx(when="[when:date]", n="[n:integer 1-9]")\n#### Examples:\n'
        'User: a\nAssistant: x(when="purple")\nUser: b\nAssistant: x(n=10)\nUser: c\nAssistant: x(n=9)\n'
    )
    assert [problem.origin.line for problem in found.problems] == [5, 7]
    assert pairs(found) == ["c -> x(n=9)"]
    assert [parameter.required for parameter in found.skills[0].parameters] == [False, True]
    assert not found.broken


def test_an_action_must_know_its_parameters() -> None:
    text = '#### Prompt:\ndefine(word="[word]") explains.\n#### Action:\nhttp: https://example.org/{words}\n'
    assert complaints(text) == ["lights_examples.txt:4: {words} is no parameter of define (it has: word)"]
    assert file(text).broken


def test_a_misspelt_action_is_no_action() -> None:
    found = file("#### Prompt:\nlock() locks.\n#### Action:\nrunn: x\n")
    assert [str(problem) for problem in found.problems] == [
        "lights_examples.txt:4: unknown key 'runn' in an action; "
        "known: run, http, header, body, publish, reply, risk, timeout"
    ]
    assert found.action is None
    assert found.broken


def test_two_signatures_may_not_contradict_each_other() -> None:
    text = '#### Prompt:\nx(a="[a:date]")\nx(a="[a:time]")\n'
    assert complaints(text) == ["lights_examples.txt:2: x: a is described twice, as [a:date] and as [a:time]"]


@pytest.mark.parametrize("text", ["", " \r\n\n", "\ufeff"])
def test_an_empty_file_is_one_problem(text: str) -> None:
    assert complaints(text) == ["lights_examples.txt: is empty"]


def test_a_file_without_signature_and_examples_is_broken() -> None:
    assert complaints("just some words\n") == [
        'lights_examples.txt: holds neither a signature such as lights(state="on|off") nor an example'
    ]


def test_what_is_no_text_file_is_one_problem(tmp_path: Path) -> None:
    folder = tmp_path / "folder_examples.txt"
    folder.mkdir()
    latin = tmp_path / "latin_examples.txt"
    latin.write_bytes("User: caf\u00e9".encode("latin-1"))
    wide = tmp_path / "wide_examples.txt"
    wide.write_text(LIGHTS, encoding="utf-16")
    assert [str(problem) for problem in read(folder).problems] == [f"{folder}: is a folder, not a file"]
    assert [str(problem) for problem in read(latin).problems] == [
        f"{latin}: is not UTF-8 text (at byte 9): save it as UTF-8"
    ]
    assert read(wide).problems[0].message.startswith("is not UTF-8 text")
    assert [str(problem) for problem in read(tmp_path / "none").problems] == [
        f"{tmp_path / 'none'}: No such file or directory"
    ]


def test_a_file_without_permission_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret_examples.txt"
    secret.write_text(LIGHTS)
    secret.chmod(0)

    def refuse(path: Path) -> bytes:  # the tests may run as root, who may read everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert [str(problem) for problem in read(secret).problems] == [f"{secret}: Permission denied"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe_examples.txt"
    os.mkfifo(pipe)
    assert [str(problem) for problem in read(pipe).problems] == [f"{pipe}: is not a regular file"]


def test_a_file_that_is_something_else_is_read_in_time_and_reported_briefly() -> None:
    text = "#### Examples:\nUser: it begins\n" + "a line of a log (see x(y))\n" * 100_000
    found = file(text)
    assert found.broken
    assert len(found.problems) < 210
    assert [problem.message for problem in found.problems[1:3]] == [
        "this example is longer than 4,000 characters",
        "expected 'User:' or 'Assistant:' before 'a line of a log (see x(y))'",
    ]
    assert str(found) == text


# Writing back


def test_a_new_example_goes_to_the_end_of_its_section() -> None:
    changed = good(LIGHTS).with_example(Example("make it  bright", parse('lights(state="on")')))
    assert str(changed) == LIGHTS.replace(
        'lights(state="on")\n\n', 'lights(state="on")\n\nUser: make it bright\nAssistant: lights(state="on")\n\n'
    )
    assert pairs(changed)[2] == 'make it bright -> lights(state="on")'


def test_a_new_example_for_the_prompt_is_marked_like_the_others() -> None:
    changed = good(LIGHTS).with_example(Example("dark please", parse('lights(state="off")'), in_prompt=True))
    assert '\n\n### User: dark please\n### Assistant: lights(state="off")\n\n#### Examples:' in str(changed)


def test_a_sentence_that_must_not_reach_the_skill_goes_under_not() -> None:
    changed = good(LIGHTS).with_example(Example("a light lunch", (Call("other"),)))
    assert str(changed).endswith("#### Not:\nUser: who invented the light bulb\n\nUser: a light lunch\n")


def test_sections_are_begun_where_they_are_missing() -> None:
    changed = good("lamp(on=true) is a lamp.").with_example(Example("lamp on", parse("lamp(on=true)")))
    assert str(changed) == "lamp(on=true) is a lamp.\n\n#### Examples:\n\nUser: lamp on\nAssistant: lamp(on=true)\n"
    assert str(changed.with_example(Example("hm", (Call("other"),)))).endswith("\n\n#### Not:\n\nUser: hm\n")


def test_an_example_begins_an_empty_file() -> None:
    changed = file("#### Examples:\n").with_example(Example("on", parse('lights(state="on")')))
    assert str(changed) == '#### Examples:\n\nUser: on\nAssistant: lights(state="on")\n'
    other = file("#### Examples:\n", Path("other_examples.txt")).with_example(Example("hm", (Call("other"),)))
    assert str(other) == "#### Examples:\n\nUser: hm\nAssistant: other()\n"


def test_a_known_sentence_gets_another_meaning_and_keeps_its_place() -> None:
    changed = good(LIGHTS).with_example(Example("Lights on please!", parse('lights(state="on", room="here")')))
    assert str(changed) == LIGHTS.replace('lights(state="on")', 'lights(state="on", room="here")')


def test_a_sentence_moves_between_not_and_examples() -> None:
    there = good(LIGHTS).with_example(Example("who invented the light bulb", parse('lights(state="on")')))
    assert '\n\nUser: who invented the light bulb\nAssistant: lights(state="on")\n\n#### Not:\n' in str(there)
    back = there.with_example(Example("who invented the light bulb", (Call("other"),)))
    assert pairs(back) == pairs(good(LIGHTS))


def test_comments_and_line_ends_survive_a_change() -> None:
    text = LIGHTS.replace("\n\n#### Not", "\n# the end of the examples\n\n# soon\n#### Not").replace("\n", "\r\n")
    changed = good(text).with_example(Example("more", parse('lights(state="on")')))
    assert str(changed).replace('User: more\r\nAssistant: lights(state="on")\r\n', "", 1).count("\r\n") >= text.count(
        "\r\n"
    )
    assert "\n" not in str(changed).replace("\r\n", "")
    assert [line for line in str(changed).splitlines() if line.startswith("# ")] == [
        "# the end of the examples",
        "# soon",
    ]


def test_an_example_is_taken_out() -> None:
    assert str(good(LIGHTS).without_example("lights on, please")) == str(good(LIGHTS))
    changed = good(LIGHTS).without_example("LIGHTS ON PLEASE")
    assert str(changed) == LIGHTS.replace('User: lights on please\nAssistant: lights(state="on")\n\n', "")


def test_an_example_that_the_file_would_refuse_is_not_added() -> None:
    with pytest.raises(SchemaError, match="'dim it' cannot be an example of lights_examples.txt: lights: state: 'dim'"):
        good(LIGHTS).with_example(Example("dim it", parse('lights(state="dim")')))


def test_saving_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lights_examples.txt"
    text = "\ufeff" + LIGHTS.replace("\n", "\r\n")
    good(text, path).save()
    assert path.read_bytes() == text.encode()
    assert str(read(path)) == text
    assert list(path.parent.iterdir()) == [path]


# Inverses


lines = st.sampled_from(
    [
        *LIGHTS.splitlines(),
        "",
        "# remark",
        "### note",
        "words",
        "User:",
        "Assistant: x()",
        "#### Foo",
        "#### Action:",
        "run: x",
    ]
)
ends = st.sampled_from(["\n", "\r\n", "\r", ""])


@settings(max_examples=200)
@given(st.lists(st.tuples(lines | st.text(max_size=30), ends), max_size=30))
def test_any_text_is_read_and_written_back_byte_for_byte(parts: list[tuple[str, str]]) -> None:
    text = "".join(line + end for line, end in parts)
    found = file(text)
    assert str(found) == text
    assert found.skills or found.problems


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("other", "user", "assistant")
)
word = st.text("abcdefghijklmnopqrstuvwxyzäß0123456789'é", min_size=1, max_size=8).filter(
    lambda text: not text.isspace()
)
phrase = st.lists(word, min_size=1, max_size=5).map(" ".join)
written = {
    "text": phrase,
    "integer": st.integers(0, 99),
    "number": st.floats(0, 9, allow_nan=False).map(lambda value: round(value, 2)),
    "boolean": st.booleans(),
    "duration": st.integers(1, 50).map("{} minutes".format),
}


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from([*written, "choice"]))
    limits = Limits(tuple(draw(st.lists(names, min_size=1, max_size=3, unique=True)))) if kind == "choice" else Limits()
    if kind == "integer" and draw(st.booleans()):
        limits = Limits((), draw(st.sampled_from([None, 0, -5])), draw(st.sampled_from([None, 100])))
    return Parameter(draw(names), kind, limits=limits, repeats=draw(st.booleans()), description="")


@st.composite
def files(draw: st.DrawFn) -> tuple[Skill, list[Example], Action | None]:
    taken = draw(st.lists(parameters(), max_size=3, unique_by=lambda each: each.name))
    skill = Skill(draw(names), tuple(taken), draw(st.just("") | phrase))

    def call() -> Call:
        arguments = {}
        for each in taken:
            if draw(st.booleans()):
                value = st.sampled_from(each.limits.choices) if each.type == "choice" else written[each.type]
                arguments[each.name] = (
                    tuple(draw(st.lists(value, min_size=1, max_size=2))) if each.repeats else draw(value)
                )
        return Call(skill.name, arguments)

    sentences = draw(st.lists(phrase, max_size=6, unique_by=lambda text: text.strip("'")))
    kinds = sorted(draw(st.sampled_from("pen")) for _ in sentences)
    order = {"p": 0, "e": 1, "n": 2}
    examples = [
        Example(text, (Call("other"),) if kind == "n" else (call(),) * draw(st.integers(1, 2)), in_prompt=kind == "p")
        for text, kind in zip(sentences, sorted(kinds, key=order.__getitem__), strict=True)
    ]
    action = Action(Run(("say", *(f"{{{each.name}}}" for each in taken)))) if draw(st.booleans()) else None
    return with_required(skill, examples), examples, action


@settings(max_examples=150)
@given(files())
def test_what_is_composed_is_read_back(made: tuple[Skill, list[Example], Action | None]) -> None:
    skill, examples, action = made
    found = good(compose([skill], examples, action))
    assert found.skills == (skill,)
    assert [replace(each, origin=Example("", ()).origin) for each in found.examples] == examples
    assert found.action == action
    assert str(good(compose(found.skills, found.examples, found.action))) == str(found)


@settings(max_examples=100)
@given(files(), st.lists(phrase, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_adding_examples_touches_nothing_else(
    made: tuple[Skill, list[Example], Action | None], sentences: list[str], end: str, refused: bool
) -> None:
    skill, examples, action = made
    call = examples[0].calls[0] if examples and not refused else Call("other")
    before = good(compose([skill], examples, action).replace("\n", end))
    after = before
    for sentence in sentences:
        after = after.with_example(Example(sentence, (call,)))
    assert not after.problems
    lines_before, lines_after = (str(each).splitlines(keepends=True) for each in (before, after))
    matcher = difflib.SequenceMatcher(None, lines_before, lines_after, autojunk=False)
    touched = [line for kind, a, b, _, _ in matcher.get_opcodes() if kind != "equal" for line in lines_before[a:b]]
    assert all(re.match(r"(### )?(User|Assistant):|\s*$", line) for line in touched)
