"""How Otto asks."""

from __future__ import annotations

import pytest

from otto.call import parse
from otto.question import did_you_mean, for_argument, missing, unsure
from otto.route import Alternative, Question, Route
from otto.skill import Parameter, Skill
from otto.values import Limits


@pytest.mark.parametrize(
    ("parameter", "question"),
    [
        (Parameter("duration", "duration"), "For how long?"),
        (Parameter("when", "datetime"), "When?"),
        (Parameter("room"), "Which room?"),
        (Parameter("room", description="Which room is meant"), "Which room is meant?"),
        (Parameter("room", description="A room of the house."), "Which room? (A room of the house)"),
        (Parameter("place", "place", description="In which town?"), "In which town?"),
        (Parameter("state", "choice", limits=Limits(("on", "off"))), "Which state: on or off?"),
    ],
)
def test_the_question_for_an_argument(parameter: Parameter, question: str) -> None:
    asked = for_argument(Skill("it", (parameter,)), parameter)
    assert asked == question.replace("? (A room of the house)", " (A room of the house)?")


def test_two_parameters_of_a_type_are_told_apart() -> None:
    skill = Skill("trip", (Parameter("start", "place"), Parameter("end", "place")))
    assert for_argument(skill, skill.parameters[1]) == "Which end?"


def test_what_is_missing() -> None:
    skill = Skill("timer", (Parameter("label"), Parameter("duration", "duration", required=True)))
    assert missing(skill, parse('timer(label="tea")')[0]) == skill.parameters[1]
    assert missing(skill, parse('timer(duration="1 hour")')[0]) is None


SKILLS = {"alarm": Skill("alarm", (Parameter("when", "datetime", required=True),)), "stop": Skill("stop")}


@pytest.mark.parametrize(
    ("sure", "other", "close", "asks"),
    [
        (0.5, 'alarm(when="7:00")', 0.4, True),
        (0.9, 'alarm(when="7:00")', 0.8, False),
        (0.5, 'alarm(when="7:00")', 0.1, False),
        (0.5, "alarm()", 0.4, False),
        (0.5, "other()", 0.4, False),
        (0.5, "stop()", 0.4, False),
    ],
)
def test_it_asks_where_two_skills_are_close(sure: float, other: str, close: float, asks: bool) -> None:
    route = Route(parse("stop()"), sure, "fewshot", (Alternative(parse(other), close),))
    wanted = Question(options=(parse("stop()"), parse(other))) if asks else None
    assert unsure(route, SKILLS) == wanted


def test_did_you_mean() -> None:
    assert did_you_mean([parse('alarm(when="7:00")'), parse("stop()")]) == "Did you mean alarm, 7:00, or stop?"
