"""Reads the headlines: "what's the news", "news about otters". The feeds are the setting `news_feeds`."""

from __future__ import annotations

from urllib.parse import quote_plus, urlsplit

from otto import Reply, Session, SkillError, skill
from otto.network.feed import headlines

READ = 5
"""How many headlines are read."""
SECONDS = 8.0
"""For all feeds together."""


@skill
def news(session: Session, topic: str = "") -> Reply:
    """Reads the latest headlines, on a topic if wanted."""
    settings = session.settings
    feeds = (settings.news_search.replace("{topic}", quote_plus(topic)),) if topic else settings.news_feeds
    if not feeds:
        raise SkillError("I have no news feeds: set news_feeds in otto.toml.")
    found: list[list[str]] = []
    failed: SkillError | None = None
    for feed in feeds:
        try:
            found.append(_headlines(feed, session, SECONDS / len(feeds)))
        except SkillError as error:  # the other feeds have news, too
            failed = error
    if failed and not found:
        raise failed
    titles = _mixed(found)[:READ]
    if not titles:
        raise SkillError(f"There is no news about {topic}." if topic else "There is no news.")
    intro = f"The news about {topic}" if topic else "The news"
    return Reply(f"{intro}: {' '.join(_ended(title) for title in titles)}", {"headlines": titles})


def _headlines(feed: str, session: Session, seconds: float) -> list[str]:
    """A feed is the user's own setting, so it may also be a server at home (`origins`)."""
    parts = urlsplit(feed)
    own = {f"{parts.scheme}://{parts.netloc}"} if parts.scheme == "http" or ":" in parts.netloc else set()
    answer = session.fetch(feed, hosts={parts.hostname or ""}, origins=own, seconds=seconds)
    return headlines(answer.body)


def _mixed(found: list[list[str]]) -> list[str]:
    """One of each feed in turn, each headline once."""
    longest = max(map(len, found), default=0)
    turns = (titles[turn] for turn in range(longest) for titles in found if turn < len(titles))
    return list(dict.fromkeys(turns))


def _ended(title: str) -> str:
    return title if title.endswith((".", "?", "!", "…")) else f"{title}."
