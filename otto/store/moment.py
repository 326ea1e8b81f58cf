"""Points in time as the store keeps them: seconds since 1970 (UTC), beside the name of a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otto.errors import StoreError
from otto.store.schema import LATEST


def seconds(moment: datetime) -> float:
    """Since 1970, UTC. Raises `StoreError` for times that the store has no room for."""
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    if not 0 <= (since := moment.timestamp()) <= LATEST:
        raise StoreError(f"I can only keep times between 1970 and 3000, not {moment:%Y-%m-%d}.")
    return since


def moment(since: float, zone: tzinfo = UTC) -> datetime:
    """The inverse of `seconds`."""
    return datetime.fromtimestamp(since, UTC).astimezone(zone)


def wall(local: datetime) -> float:
    """What a wall clock shows, as seconds since 1970 had it been in Greenwich: "7:00" whatever the zone."""
    return seconds(local.replace(tzinfo=UTC))


def on_wall(shown: float, fold: int, zone: tzinfo) -> datetime:
    """When a wall clock in `zone` shows `shown`; `fold` 1 is the second of two equal hours in autumn.

    A time that the spring change leaves out counts from before the change: 2:30 is when clocks show 3:30.
    """
    local = datetime.fromtimestamp(shown, UTC).replace(tzinfo=zone, fold=fold)
    return local.astimezone(UTC).astimezone(zone)


def zone_name(zone: tzinfo | None, at: datetime) -> str:
    """ "Europe/Berlin", or the offset in minutes ("+60") of a zone without a name."""
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    offset = at.utcoffset() or timedelta()
    return f"{offset // timedelta(minutes=1):+d}"


def zone(name: str) -> tzinfo:
    """The inverse of `zone_name`; UTC for a name that this machine does not know."""
    if name[:1] in "+-" and name[1:].isdecimal() and int(name[1:]) < 24 * 60:
        return timezone(timedelta(minutes=int(name)))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
