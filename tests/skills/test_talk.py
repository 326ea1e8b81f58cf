"""`repeat` and `help`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from otto.function import SkillFunction
from otto.session import Session
from otto.skill import OTHER_SKILL, Skill

Loader = Callable[[str], SkillFunction[Any, Any]]


def test_the_last_reply_is_said_again(now: datetime, function: Loader) -> None:
    assert function("repeat").run({}, Session(now, last_reply="It is noon.")).text == "It is noon."
    assert function("repeat").run({}, Session(now)).text == "I haven't said anything yet."


def test_help_names_what_is_there(now: datetime, function: Loader) -> None:
    skills = (
        Skill("lights", description="Switches lights."),
        Skill("weather", description="Tells the weather."),
        OTHER_SKILL,
    )
    answer = function("help").run({}, Session(now, skills=skills))
    assert (
        answer.text == "I know 2 things: weather and lights. Just say what you want; otto skills list shows everything."
    )
    assert answer.data == {"skills": {"lights": "Switches lights.", "weather": "Tells the weather."}}


def test_help_stays_short(now: datetime, function: Loader) -> None:
    skills = tuple(Skill(f"skill_{number:02}", description="Long words. " * 50) for number in range(40))
    text = function("help").run({}, Session(now, skills=skills)).text
    assert "40 things" in text and "and 32 more" in text
    assert len(text) < 200


def test_help_without_skills_says_how_to_get_one(now: datetime, function: Loader) -> None:
    assert "example file" in function("help").run({}, Session(now)).text
