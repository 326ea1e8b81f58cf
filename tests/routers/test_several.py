"""Several commands in one sentence, and sentences with "and" that are one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from otto.call import parse
from otto.route import Context, Route
from otto.routers.followup import FollowUpRouter
from otto.routers.several import SeveralRouter
from otto.skill import same_calls

Say = Callable[..., Route]


def means(talker: FollowUpRouter, route: Route, calls: str, now: datetime) -> bool:
    return same_calls(parse(calls), route.calls, talker.skills, now)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("turn the volume down and set a timer for five minutes", 'volume(action="down"); timer(duration="5 minutes")'),
        ("set a timer for ten minutes, then pause the music", 'timer(duration="10 minutes"); media(action="pause")'),
        ("remind me to call mum at six, oh and what's the weather", 'reminder(text="call mum", when="six"); weather()'),
        (
            "set a timer for one minute and turn it up and then what time is it",
            'timer(duration="1 minute"); volume(action="up"); timecheck()',
        ),
        ("set timers for five and ten minutes", 'timer(duration="5 minutes"); timer(duration="10 minutes")'),
        ("what's the weather in paris and in rome", 'weather(location="paris"); weather(location="rome")'),
        (
            "what time is it in tokyo and what's the weather there",
            'timecheck(location="tokyo"); weather(location="tokyo")',
        ),
    ],
)
def test_several_commands(talker: FollowUpRouter, say: Say, now: datetime, text: str, calls: str) -> None:
    assert means(talker, say(text), calls, now), say(text)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("set a timer for an hour and a half", 'timer(duration="90 minutes")'),
        ("set a timer for two hours and thirty minutes", 'timer(duration="150 minutes")'),
        ("remind me to call mum and dad at six", 'reminder(text="call mum and dad", when="six")'),
        ("turn the volume up and up", 'volume(action="up")'),
        ("he went to bed and slept", "other()"),
        ("what's the weather in trinidad and tobago", 'weather(location="trinidad and tobago")'),
    ],
)
def test_one_command(talker: FollowUpRouter, say: Say, now: datetime, text: str, call: str) -> None:
    assert means(talker, say(text), call, now), say(text)


def test_the_route_says_how_the_sentence_was_cut(say: Say) -> None:
    route = say("turn the volume down and set a timer for five minutes")
    assert route.trace["part 1"] == "turn the volume down"
    assert route.trace["part 2"] == "set a timer for five minutes"
    assert 0 < route.confidence < 1 and len(route.alternatives[0].calls) == 1


@dataclass
class Counting:
    """A router that counts."""

    name: str = "counting"
    asked: list[str] = field(default_factory=list)

    def route(self, text: str, context: Context) -> Route:
        self.asked.append(text)
        return Route(parse("other()"), 0.9, self.name)


def test_a_sentence_without_a_joint_is_routed_once(now: datetime) -> None:
    inner = Counting()
    SeveralRouter(inner, {}).route("set a timer for ten minutes", Context(now))
    assert inner.asked == ["set a timer for ten minutes"]


def test_the_work_for_one_sentence_has_an_end(now: datetime) -> None:
    inner = Counting()
    SeveralRouter(inner, {}).route(" and ".join(f"a{place} b c d" for place in range(7)), Context(now))
    assert len(inner.asked) < 100
