"""How well Otto has understood, from its history."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from datetime import datetime, timedelta

from otto.report import Period, report, svg
from otto.store import Entry


def said(now: datetime, calls: str = "stop()", *, days: int = 0, ok: bool = True, correction: str = "") -> Entry:
    at = now - timedelta(days=days)
    return Entry(at, "words", calls, 0.9, "fewshot", ok, "Done.", (), {"route": 2.0 + days}, correction)


def test_weeks_follow_each_other_with_what_was_right_in_them(now: datetime) -> None:
    entries = [
        said(now),
        said(now, correction="stop()"),
        said(now, correction="help()"),
        said(now, "other()", ok=False),
        said(now, "lock()", ok=False),
        said(now, days=14),
    ]
    oldest, between, newest = report(entries, by="week", zone=now.tzinfo)
    assert (oldest.commands, between.commands, newest.commands) == (1, 0, 5)
    assert newest.begin == (now - timedelta(days=now.weekday())).date()
    assert (newest.reviewed, newest.corrected, newest.refused, newest.failed) == (2, 1, 1, 1)
    assert newest.right == 0.5
    assert oldest.right is None and oldest.route_ms == 16.0


def test_days_are_the_users_own(now: datetime) -> None:
    late = now.replace(hour=23, minute=59)
    (day,) = report([said(now), said(late)], by="day", zone=now.tzinfo)
    assert day.commands == 2


def test_an_empty_history_has_no_periods() -> None:
    assert report([]) == []
    xml.fromstring(svg([]))


def test_the_picture_shows_a_bar_for_each_period_and_a_point_where_something_was_reviewed(now: datetime) -> None:
    periods = report([said(now), said(now, days=7, correction="help()")], zone=now.tzinfo)
    picture = xml.fromstring(svg(periods))
    space = "{http://www.w3.org/2000/svg}"
    bars = picture.findall(f"{space}rect")
    assert len(bars) == 2 * len(periods)
    assert float(bars[0].attrib["height"]) > 0
    assert len(picture.findall(f"{space}circle")) == 1


def test_it_is_written_as_json(now: datetime) -> None:
    assert Period(now.date(), 4, 2, 1).to_json()["right"] == 0.5
