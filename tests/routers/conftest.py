"""A router for conversations: all bundled skills, trained once for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from otto.call import parse
from otto.config import Settings, folders
from otto.registry.live import Live
from otto.route import Context, Route
from otto.routers.followup import FollowUpRouter


@pytest.fixture(scope="session")
def talker(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FollowUpRouter]:
    """`fewshot`, for several commands and for conversations."""
    nowhere = tmp_path_factory.mktemp("nowhere")
    settings = Settings(config_folder=nowhere, state_folder=nowhere, cache_folder=trained / "otto")
    live = Live(settings, folders(settings))
    assert isinstance(live.ready.router, FollowUpRouter)
    yield live.ready.router
    live.close()


@pytest.fixture
def say(talker: FollowUpRouter, now: datetime) -> Callable[..., Route]:
    """`say("and in Paris?", after='weather(location="Berlin")')`; other arguments are those of `Context`."""

    def said(text: str, after: str = "", **known: Any) -> Route:
        last = parse(after) if after else ()
        context = Context(now, last=last, until=now + timedelta(minutes=2), **{"undoable": bool(after), **known})
        return talker.route(text, context)

    return said
