"""What the user has said of a sentence holds for that sentence."""

from __future__ import annotations

from datetime import datetime

import pytest

from otto.call import parse
from otto.example import Example, Origin
from otto.route import Context, Route
from otto.routers.learnt import LearntRouter
from otto.skill import Parameter, Skill

SKILLS = {
    "stop": Skill("stop"),
    "timer": Skill("timer", (Parameter("duration", "duration", required=True),)),
    "alarm": Skill("alarm", (Parameter("when", "datetime", required=True),)),
}


class Stubborn:
    """A router of one mind."""

    name = "stubborn"

    def route(self, text: str, context: Context) -> Route:
        return Route(parse("stop()"), 0.9, self.name)


def learnt(text: str, call: str) -> LearntRouter:
    return LearntRouter(Stubborn(), SKILLS, [Example(text, parse(call), Origin("mine.txt", 3))])


@pytest.mark.parametrize("said", ["an egg please", "An egg, please!", "  an  egg please"])
def test_a_corrected_sentence_means_what_was_said(said: str, now: datetime) -> None:
    route = learnt("An egg please", 'timer(duration="five minutes")').route(said, Context(now))
    assert str(route) == 'timer(duration="5 minutes")'
    assert route.confidence > 0.95
    assert str(route.alternatives[0].calls[0]) == "stop()"
    assert route.trace["example"] == "mine.txt:3"


def test_other_sentences_are_the_routers(now: datetime) -> None:
    assert (
        str(learnt("an egg please", 'timer(duration="5 minutes")').route("two eggs please", Context(now))) == "stop()"
    )


def test_a_sentence_may_be_said_to_mean_nothing(now: datetime) -> None:
    assert learnt("be quiet dear", "other()").route("be quiet dear", Context(now)).rejected


@pytest.mark.parametrize("call", ['gone(x="y")', 'timer(duration="blue")'])
def test_what_can_no_longer_be_called_is_left_to_the_router(call: str, now: datetime) -> None:
    assert str(learnt("an egg please", call).route("an egg please", Context(now))) == "stop()"
