"""Time, as something to be handed over: what waits or dates things takes a `Clock`, so that a test can turn it.

clock = SystemClock()                      # the machine's
clock = FakeClock(datetime(2026, 3, 4, 12, tzinfo=ZoneInfo("Europe/Berlin")))
clock.advance(600)                         # ten minutes pass
clock.set_wall(clock.now() + HOUR)         # somebody turns the clock on the wall; no time passes
"""

from __future__ import annotations

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# `time.monotonic` stops during suspend on these systems: a timer would ring hours late after a closed lid.
_SLEEPLESS = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}


class Clock(Protocol):
    """A clock on the wall, which people and governments turn, beside a stopwatch, which nobody does."""

    def now(self) -> datetime:
        """The wall clock, aware, in the user's time zone."""

    def monotonic(self) -> float:
        """Seconds from a fixed moment; never set back. They pass also while the machine sleeps."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Until `event` is set (true) or `seconds` have passed (false)."""


class SystemClock:
    """The machine's clock."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        """`zone`: the user's; without one the machine's, read anew each time, because travellers change it."""
        self.zone = zone

    def now(self) -> datetime:
        return datetime.now(self.zone or local_zone())

    def monotonic(self) -> float:
        if (clock := getattr(time, _SLEEPLESS.get(sys.platform, ""), None)) is not None:
            return time.clock_gettime(clock)
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class FakeClock:
    """A clock for tests: it stands still until it is told, and waiting takes no real time."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock needs an aware time")
        self.zone = now.tzinfo
        self.seconds = 0.0
        self._instant = now.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._instant.astimezone(self.zone)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Lets `seconds` pass at once, unless `event` is set already."""
        if event.is_set():
            return True
        self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Time passes, for the wall clock and the stopwatch alike."""
        with self._lock:
            self.seconds += seconds
            self._instant += timedelta(seconds=seconds)

    def set_wall(self, now: datetime) -> None:
        """The wall clock is turned; no time passes. The zone stays."""
        with self._lock:
            self._instant = now.astimezone(UTC)

    def travel(self, zone: tzinfo) -> None:
        """The user's time zone changes; no time passes."""
        self.zone = zone


def local_zone() -> tzinfo:
    """The machine's time zone, by name where the system tells it, else as the offset of this moment."""
    for name in (os.environ.get("TZ", "").removeprefix(":"), _linked_zone()):
        if name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    return datetime.now().astimezone().tzinfo or UTC


def _linked_zone() -> str:
    """What /etc/localtime points to, as "Europe/Berlin"; empty where it is no link into the zone database."""
    try:
        target = os.readlink("/etc/localtime")
    except OSError:
        return ""
    parts = Path(target).parts
    return "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else ""
