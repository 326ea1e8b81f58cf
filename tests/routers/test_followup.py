"""Sentences that hang on the ones before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from otto.call import parse
from otto.route import Context, Question, Route
from otto.routers.followup import FollowUpRouter
from otto.skill import same_calls

Say = Callable[..., Route]
FIVE = 'timer(duration="5 minutes")'
CALL_MUM = 'reminder(text="call mum", when="2026-03-05 18:00")'


@pytest.mark.parametrize(
    ("after", "text", "calls"),
    [
        ('weather(location="Berlin")', "and in paris?", 'weather(location="Paris")'),
        ('weather(location="Berlin")', "what about rome", 'weather(location="Rome")'),
        ('weather(location="Berlin")', "and the time there", 'timecheck(location="Berlin")'),
        ('timecheck(location="Tokyo")', "and here", "timecheck()"),
        (FIVE, "make it ten", 'undo(); timer(duration="10 minutes")'),
        (FIVE, "no, twenty minutes", 'undo(); timer(duration="20 minutes")'),
        (FIVE, "and another one for an hour", 'timer(duration="1 hour")'),
        (CALL_MUM, "make it seven", 'undo(); reminder(text="call mum", when="2026-03-05 19:00")'),
        (CALL_MUM, "no, on friday", 'undo(); reminder(text="call mum", when="2026-03-06 18:00")'),
        ('todo(action="add", item="milk")', "and eggs", 'todo(action="add", item="eggs")'),
        ('todo(action="add", item="milk")', "no, oat milk", 'undo(); todo(action="add", item="oat milk")'),
        ('volume(action="up")', "again", 'volume(action="up")'),
        ('volume(action="down"); timer(duration="5 minutes")', "make it ten", 'undo(); timer(duration="10 minutes")'),
        (FIVE, "cancel that", "undo()"),
        (FIVE, "never mind, undo", "undo()"),
    ],
)
def test_what_a_follow_up_means(
    talker: FollowUpRouter, say: Say, now: datetime, after: str, text: str, calls: str
) -> None:
    known = {"undoable": not after.startswith(("weather", "timecheck"))}
    said = "put milk on my list" if "todo" in after else ""
    route = say(text, after, said=said, **known)
    assert same_calls(parse(calls), route.calls, talker.skills, now), route


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("set a timer for ten minutes", 'timer(duration="10 minutes")'),
        ("what's the weather in rome", 'weather(location="Rome")'),
        ("can you set a timer for ten minutes", 'timer(duration="10 minutes")'),
        ("turn it up", 'volume(action="up")'),
        ("he went home an hour ago", "other()"),
    ],
)
@pytest.mark.parametrize("after", [FIVE, CALL_MUM, 'weather(location="Berlin")'])
def test_a_command_of_its_own_stays_one(
    talker: FollowUpRouter, say: Say, now: datetime, after: str, text: str, call: str
) -> None:
    assert same_calls(parse(call), say(text, after).calls, talker.skills, now)


def test_nothing_hangs_on_what_is_long_ago(talker: FollowUpRouter, now: datetime) -> None:
    before = Context(now, last=parse(FIVE), until=now - timedelta(seconds=1), undoable=True)
    assert talker.route("make it ten", before).calls == talker.route("make it ten", Context(now)).calls


def test_undo_is_understood_without_anything_before(talker: FollowUpRouter, now: datetime) -> None:
    assert talker.route("undo that", Context(now)).calls == parse("undo()")


def when(*rest: str) -> Question:
    return Question(parse("; ".join(('reminder(text="call mum")', *rest))), "when")


@pytest.mark.parametrize(
    ("text", "asked", "calls"),
    [
        ("at six", when(), 'reminder(text="call mum", when="six")'),
        ("um, let's say tomorrow at nine please", when(), 'reminder(text="call mum", when="tomorrow at nine")'),
        ("in an hour", when(FIVE), 'reminder(text="call mum", when="in an hour"); timer(duration="5 minutes")'),
        ("never mind", when(), "other()"),
        ("what's the weather in rome", when(), 'weather(location="Rome")'),
        ("ten", Question(parse('volume(action="set")'), "level"), 'volume(action="set", level=10)'),
        ("oat milk please", Question(parse('todo(action="add")'), "item"), 'todo(action="add", item="oat milk")'),
    ],
)
def test_answers_to_a_question(
    talker: FollowUpRouter, say: Say, now: datetime, text: str, asked: Question, calls: str
) -> None:
    route = say(text, asked=asked)
    assert same_calls(parse(calls), route.calls, talker.skills, now), route


ALARM, TIMER = 'alarm(when="7:00")', 'timer(duration="7 minutes")'


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("yes", ALARM),
        ("the first one", ALARM),
        ("the timer", TIMER),
        ("the second one please", TIMER),
        ("the latter", TIMER),
        ("neither", "other()"),
        ("no", "other()"),
        ("no, what's the weather in rome", 'weather(location="Rome")'),
    ],
)
def test_which_of_two_was_meant(talker: FollowUpRouter, say: Say, now: datetime, text: str, calls: str) -> None:
    route = say(text, asked=Question(options=(parse(ALARM), parse(TIMER))))
    assert same_calls(parse(calls), route.calls, talker.skills, now), route
