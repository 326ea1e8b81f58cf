from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from otto.errors import StoreError
from otto.store import moment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "when",
    [
        datetime(2026, 3, 4, 12, 0, 0, 123456, BERLIN),
        datetime(2028, 2, 29, 7, 0, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
        datetime(2999, 12, 31, tzinfo=UTC),
    ],
)
def test_a_moment_survives_being_kept_either_way(when: datetime) -> None:
    assert moment.moment(moment.seconds(when), BERLIN).timestamp() == when.timestamp()
    zone = moment.zone(moment.zone_name(when.tzinfo, when))
    assert moment.on_wall(moment.wall(when), when.fold, zone).timestamp() == when.timestamp()


def test_a_time_that_spring_leaves_out_rings_when_the_clocks_show_an_hour_more() -> None:
    left_out = datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN)
    assert moment.on_wall(moment.wall(left_out), 0, BERLIN).isoformat() == "2026-03-29T03:30:00+02:00"


@pytest.mark.parametrize("zone", [BERLIN, UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=3))])
def test_a_zone_is_kept_by_name_or_offset(zone: timezone) -> None:
    at = datetime(2026, 1, 1, tzinfo=zone)
    again = moment.zone(moment.zone_name(zone, at))
    assert at.astimezone(again).utcoffset() == at.utcoffset()


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "+99999", "../../etc/passwd", "\x00", "Europe"])
def test_a_zone_that_nobody_knows_is_utc(name: str) -> None:
    assert moment.zone(name) is UTC


@pytest.mark.parametrize("when", [datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)])
def test_times_out_of_range_are_refused_in_words(when: datetime) -> None:
    with pytest.raises(StoreError, match="between 1970 and 3000"):
        moment.seconds(when)


def test_a_time_without_a_zone_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        moment.seconds(datetime(2026, 1, 1))
