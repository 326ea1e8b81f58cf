"""`#### Action:`: run, http, publish, reply, risk and timeout, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otto.action import METHODS, Action, Http, Publish, Run, parse, write


def read(*lines: str) -> Action:
    action, problems = parse(list(enumerate(lines, 10)), "x_examples.txt")
    assert not problems
    assert action is not None
    return action


def refused(*lines: str) -> list[str]:
    action, problems = parse(list(enumerate(lines, 10)), "x_examples.txt")
    assert action is None
    return [str(problem) for problem in problems]


def test_a_program_is_an_argument_list() -> None:
    assert read('run: ["loginctl", "lock-session"]').does == Run(("loginctl", "lock-session"))


def test_a_program_in_words_is_split_without_a_shell() -> None:
    assert read("run: notify-send 'Hello there' {text} && rm -rf ~").does == Run(
        ("notify-send", "Hello there", "{text}", "&&", "rm", "-rf", "~")
    )


def test_numbers_in_an_argument_list_become_text() -> None:
    assert read('run: ["sleep", 5]').does == Run(("sleep", "5"))


def test_a_request_has_headers_and_a_body() -> None:
    action = read(
        "http: post https://hub.local:8123/api/{entity}?x={state}",
        "header: Accept: application/json",
        "# a remark",
        "",
        'body: {"state": {state},',
        '  "note": "for {entity}"}',
        "reply: It is {/0/state}.",
        "risk: confirm",
        "timeout: 2.5",
    )
    assert action.does == Http(
        "POST",
        "https://hub.local:8123/api/{entity}?x={state}",
        (("Accept", "application/json"),),
        '{"state": {state}, "note": "for {entity}"}',
    )
    assert (action.reply, action.risk, action.timeout) == ("It is {/0/state}.", "confirm", 2.5)
    assert action.parameters == {"entity", "state"}
    assert action.origin.line == 10


def test_an_address_alone_is_a_get() -> None:
    assert read("http: https://example.org/x").does == Http("GET", "https://example.org/x")


def test_a_message_has_a_topic_and_a_payload() -> None:
    assert read("publish: home/{room}/light   switch {state}").does == Publish("home/{room}/light", "switch {state}")
    assert read("publish: doorbell").does == Publish("doorbell")


def test_a_reply_alone_is_an_action() -> None:
    action = read("reply: I am Otto, {name}.")
    assert action.does is None
    assert action.parameters == {"name"}


def test_the_output_of_a_program_is_no_parameter() -> None:
    assert read("run: uptime", "reply: {output}").parameters == set()
    assert read("http: https://example.org/", "reply: {output}").parameters == {"output"}


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["run: {program} x"], "10: the program must be written out"),
        (["run: []"], "10: the argument list names no program"),
        (['run: ["a", null]'], "10: the argument list holds texts"),
        (['run: ["a"'], "10: the argument list is not JSON"),
        (["run: say 'hello"], "10: the command cannot be split into words: no closing quotation"),
        (["run:"], "10: 'run' is empty"),
        (["http: https://{host}/x"], "10: the host must be written out"),
        (["http: https://example.{tld}/x"], "10: the host must be written out"),
        (["http: ftp://example.org/"], "10: the address begins with https://"),
        (["http: file:///etc/passwd"], "10: the address begins with https://"),
        (["http: https://me:secret@example.org/"], "10: an address holds no user name or password"),
        (["http: https://example.org:x/"], "10: the address cannot be read"),
        (["http: https://[::1/"], "10: the address cannot be read"),
        (["http: FETCH https://example.org/"], "10: expected one of GET"),
        (["http: GET https://example.org/ x"], "10: an address has no blanks"),
        (["http: https://example.org/", "body: {state}}"], "11: the body is not JSON"),
        (["http: https://example.org/", "header: no colon"], "11: a header is written"),
        (["run: x", "body: {}"], "11: header and body belong to an http request"),
        (["run: x", "reply: {/0}"], "11: {/…} looks into the answer"),
        (["run: x", "publish: y"], "11: an action is one of run, http and publish"),
        (["run: x", "run: y"], "11: 'run' was given before, in line 10"),
        (["publish: home/+/light on"], "10: the topic of a message has no +"),
        (["risk: maybe"], "10: risk is none or confirm"),
        (["run: x", "timeout: soon"], "11: timeout is a number of seconds"),
        (["run: x", "timeout: 0"], "11: timeout is a number of seconds"),
        (["run: x", "timeout: 61"], "11: timeout is a number of seconds"),
        (["run: x", "timeout: nan"], "11: timeout is a number of seconds"),
        (["shell: x"], "10: unknown key 'shell' in an action; known: run, http"),
        (["just words"], "10: expected a line such as"),
        (["risk: confirm"], "10: this action does nothing"),
        ([""], "10: this action does nothing"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(lines: list[str], complaint: str) -> None:
    problems = refused(*lines)
    assert len(problems) == 1
    assert problems[0].startswith(f"x_examples.txt:{complaint}")


words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
text = st.lists(words, min_size=1, max_size=4).map(" ".join)
programs = words.filter(lambda word: "{" not in word)
does = st.one_of(
    st.builds(lambda first, rest: Run((first, *rest)), programs, st.lists(text, max_size=3)),
    st.builds(
        Http,
        st.sampled_from(METHODS),
        st.sampled_from(["https://example.org/{word}", "http://127.0.0.1:8123/api?q={q}"]),
        st.lists(st.tuples(st.sampled_from(["Accept", "X-Key"]), text), max_size=2).map(tuple),
        st.sampled_from(["", '{"state": {state}}', "[1, {level}]"]),
    ),
    st.builds(Publish, words.filter(lambda word: not set(word) & set("+#")), st.just("") | text),
)


@settings(max_examples=100)
@given(
    st.builds(
        Action,
        does,
        st.just("") | text,
        st.sampled_from(["none", "confirm"]),
        st.floats(0.1, 60, allow_nan=False).map(lambda seconds: round(seconds, 2)),
    )
)
def test_writing_and_reading_are_inverses(action: Action) -> None:
    assert parse(list(enumerate(write(action), 1))) == (action, ())
