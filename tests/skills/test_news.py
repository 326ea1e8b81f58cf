"""Headlines from real servers, good and bad."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from otto import Reply, SkillError
from otto.config import Settings
from otto.function import SkillFunction
from otto.session import Session

Loader = Callable[[str], SkillFunction[Any, Any]]


def feed(*titles: str) -> bytes:
    return f"<rss><channel>{''.join(f'<item><title>{each}</title></item>' for each in titles)}</channel></rss>".encode()


@pytest.fixture
def ask(now: datetime, web: Any, function: Loader) -> Callable[..., Reply]:
    def asked(topic: str = "", feeds: tuple[str, ...] = ("https://one.example/a", "https://two.example/b")) -> Reply:
        settings = Settings(news_feeds=feeds, news_search="https://search.example/s?q={topic}&n=9")
        session = Session(now, settings=settings, fetch=web.fetch)
        return function("news").run({"topic": topic} if topic else {}, session)

    return asked


def test_feeds_take_turns(ask: Callable[..., Reply], web: Any) -> None:
    web.answers |= {"/a": (200, feed("One", "Two", "Three", "Four")), "/b": (200, feed("Eins?", "One", "Drei"))}
    answer = ask()
    assert answer.text == "The news: One. Eins? Two. Three. Drei."
    assert answer.data == {"headlines": ["One", "Eins?", "Two", "Three", "Drei"]}


def test_a_topic_is_searched_for(ask: Callable[..., Reply], web: Any) -> None:
    web.answers["/s"] = 200, feed("Otters return")
    assert ask("otters & beavers").text == "The news about otters & beavers: Otters return."
    assert web.asked == ["/s?q=otters+%26+beavers&n=9"]


def test_one_good_feed_is_enough(ask: Callable[..., Reply], web: Any) -> None:
    web.answers |= {"/a": (500, b""), "/b": (200, feed("Eins"))}
    assert ask().text == "The news: Eins."


def test_no_good_feed_is_a_sentence(ask: Callable[..., Reply], web: Any) -> None:
    web.answers |= {"/a": (500, b""), "/b": (200, b"<html>log in</html>")}
    with pytest.raises(SkillError, match="can't read"):
        ask()


def test_nothing_new(ask: Callable[..., Reply], web: Any) -> None:
    web.answers |= {"/a": (200, feed()), "/b": (200, feed()), "/s": (200, feed())}
    with pytest.raises(SkillError, match=r"^There is no news\.$"):
        ask()
    with pytest.raises(SkillError, match=r"^There is no news about otters\.$"):
        ask("otters")


def test_without_feeds_the_setting_is_named(ask: Callable[..., Reply]) -> None:
    with pytest.raises(SkillError, match=r"set news_feeds in otto\.toml"):
        ask(feeds=())


def test_a_feed_at_home_is_the_users_own_choice(now: datetime, web: Any, function: Loader) -> None:
    web.answers["/home"] = 200, feed("The laundry is done")
    session = Session(now, settings=Settings(news_feeds=(f"{web.origin}/home",)))
    assert function("news").run({}, session).text == "The news: The laundry is done."


def test_a_topic_cannot_choose_the_host(now: datetime, function: Loader) -> None:
    session = Session(now, settings=Settings(news_search="https://{topic}.example/s"))
    with pytest.raises(SkillError, match="address|reach"):
        function("news").run({"topic": "127.0.0.1/@evil"}, session)
