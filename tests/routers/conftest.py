"""A router for conversations, trained on a part of the bundled examples: nine skills, and what is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from otto.call import parse
from otto.config import Folders, bundled
from otto.registry.registry import Registry
from otto.route import Context, Route
from otto.routers.fewshot import FewshotRouter
from otto.routers.followup import FollowUpRouter
from otto.routers.joints import openers
from otto.routers.several import SeveralRouter
from otto.skill import Skill

SHOTS = {"other": 250}
"""Examples of a skill; of the others 60."""
CHOSEN = ("alarm", "media", "other", "reminder", "timecheck", "timer", "todo", "volume", "weather")


@pytest.fixture(scope="session")
def talker(tmp_path_factory: pytest.TempPathFactory) -> FollowUpRouter:
    """`fewshot`, for several commands and for conversations."""
    registry = Registry(Folders((bundled("examples"),), ()), cache=tmp_path_factory.mktemp("cache"))
    entries = [registry.snapshot.skills[name] for name in CHOSEN]
    examples = [each for entry in entries for each in entry.examples[: SHOTS.get(entry.skill.name, 60)]]
    skills: Mapping[str, Skill] = {entry.skill.name: entry.skill for entry in entries if entry.skill.name != "other"}
    registry.close()
    alone = FewshotRouter.train(list(skills.values()), examples)
    return FollowUpRouter(SeveralRouter(alone, skills, openers(examples)), skills)


@pytest.fixture
def say(talker: FollowUpRouter, now: datetime) -> Callable[..., Route]:
    """`say("and in Paris?", after='weather(location="Berlin")')`; other arguments are those of `Context`."""

    def said(text: str, after: str = "", **known: Any) -> Route:
        last = parse(after) if after else ()
        context = Context(now, last=last, until=now + timedelta(minutes=2), **{"undoable": bool(after), **known})
        return talker.route(text, context)

    return said
