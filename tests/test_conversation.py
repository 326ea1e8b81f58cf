"""What is remembered between two sentences, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from otto.call import parse
from otto.conversation import HOLDS, Conversation
from otto.dispatch import Result
from otto.route import Question, Route
from otto.undo import KEPT, Done

TIMER, WEATHER = parse('timer(duration="5 minutes")')[0], parse('weather(location="Berlin")')[0]
UNDO = parse("undo()")[0]


def ran(call: object = TIMER, undo: dict[str, object] | None = None) -> Result:
    assert isinstance(call, type(TIMER))
    return Result(call, "ran", value="Done.", undo=undo)


def route(*calls: str, **trace: str) -> Route:
    return Route(tuple(call for each in calls for call in parse(each)), 0.9, "fewshot", trace=dict(trace))


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


def test_at_the_beginning_there_is_nothing(talk: Conversation, now: datetime) -> None:
    context = talk.context(now)
    assert not context.fresh and context.last == () and talk.done == ()


def test_what_was_done_holds_for_two_minutes(talk: Conversation, now: datetime) -> None:
    talk.remember("weather in berlin", route(str(WEATHER)), [ran(WEATHER)], None, now)
    context = talk.context(now + HOLDS)
    assert context.fresh and context.last == (WEATHER,) and context.said == "weather in berlin"
    assert not talk.context(now + HOLDS + timedelta(seconds=1)).fresh


def test_what_can_be_undone_is_kept_longer_and_in_order(talk: Conversation, now: datetime) -> None:
    talk.remember("a", route(str(TIMER)), [ran(undo={"id": 1}), ran(undo={"id": 2})], None, now)
    talk.remember("b", route(str(TIMER)), [ran(undo={"id": 3})], None, now)
    assert talk.done == (Done(TIMER, {"id": 3}),)
    talk.remember("undo", route("undo()"), [ran(UNDO)], None, now)
    assert talk.done == (Done(TIMER, {"id": 1}), Done(TIMER, {"id": 2}))
    talk.remember("undo", route("undo()"), [ran(UNDO)], None, now)
    assert talk.done == ()


def test_a_correction_takes_the_place_of_what_it_undoes(talk: Conversation, now: datetime) -> None:
    talk.remember("a", route(str(TIMER)), [ran(undo={"id": 1})], None, now)
    talk.remember("make it ten", route("undo()", str(TIMER)), [ran(UNDO), ran(undo={"id": 2})], None, now)
    assert talk.done == (Done(TIMER, {"id": 2}),) and talk.context(now).undoable


def test_only_what_was_done_just_now_is_undone_by_a_bare_no(talk: Conversation, now: datetime) -> None:
    talk.remember("a", route(str(TIMER)), [ran(undo={"id": 1})], None, now)
    assert talk.context(now).undoable
    talk.remember("b", route(str(WEATHER)), [ran(WEATHER)], None, now)
    assert not talk.context(now).undoable and talk.done


def test_a_question_stays_open_until_it_is_answered_or_dropped(talk: Conversation, now: datetime) -> None:
    asked = Question(parse("timer()"), "duration")
    talk.remember("set a timer", route("timer()"), [], asked, now)
    assert talk.context(now).asked == asked
    talk.remember("mumble", route("other()"), [], None, now)
    assert talk.context(now).asked == asked
    talk.remember("never mind", route("other()", **{"follow-up": "dropped"}), [], None, now)
    assert talk.context(now).asked is None


def test_what_was_not_reached_is_not_what_was_done(talk: Conversation, now: datetime) -> None:
    results = [Result(TIMER, "failed", error="No."), Result(WEATHER, "refused", reached=False)]
    talk.remember("a", route(str(TIMER), str(WEATHER)), results, None, now)
    assert talk.context(now).last == (TIMER,)


def test_it_does_not_grow_for_ever(talk: Conversation, now: datetime) -> None:
    for number in range(3 * KEPT):
        talk.remember("a", route(str(TIMER)), [ran(undo={"id": number})], None, now)
    for _ in range(KEPT):
        assert talk.done
        talk.remember("undo", route("undo()"), [ran(UNDO)], None, now)
    assert talk.done == ()
