"""The ringer: waits for alerts to fall due and has each of them announced once.

    ringer = Ringer(store, announce)      # in a process that stays: `otto ask` without a text, the daemon
    ringer.start(); ...; ringer.stop()
    start_ringer(settings.database)       # in one that ends: leaves a process behind that ends when nothing is pending
    python -m otto.ringer DATABASE        # that process

A timer is waited for on the stopwatch, an alarm or a reminder by the wall clock. When the wall clock is turned, running
timers are given new due times, so that they end when they would have; only over a restart does the wall clock decide.
Several ringers may look at one store: `Alerts.claim` gives each alert to one of them.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL

from otto.announce import Desktop
from otto.clock import Clock, SystemClock
from otto.errors import StoreError
from otto.lock import FileLock
from otto.store import Alert, Kind, State, Store, open_store
from otto.store.moment import moment, zone_name

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How long a change that another process made may go unnoticed."""
RELOAD_SECONDS = 10.0
"""How long an alert may be left by a process that claimed it and died, while this one ran."""
MISSED_SECONDS = 2.0
"""An alert that is told later than this after it fell due was missed: nobody ran, or the machine slept."""
TURNED_SECONDS = 0.5
"""How far the wall clock may move against the stopwatch before running timers get new due times."""
FLUSH_SECONDS = 0.1
"""How much announcing is repeated at most if the process is killed in the midst of it."""


@dataclass(frozen=True, slots=True)
class _Deadline:
    """When a timer ends on this process's stopwatch."""

    due: datetime
    """The due time it was worked out from."""
    at: float


class Ringer:
    """Looks after one store. `look` is the whole of it; `start` does it in a thread until `stop`."""

    def __init__(self, store: Store, announce: Callable[[Alert, bool], None], clock: Clock | None = None) -> None:
        """`announce(alert, missed)` tells the user, in the ringer's thread. If it raises `OSError` the alert was not
        told, and is announced again after a minute by whoever is there then."""
        self._store = store
        self._announce = announce
        self._clock = clock or SystemClock()
        self._alerts: tuple[Alert, ...] = ()
        self._deadlines: dict[int, _Deadline] = {}
        self._told: set[int] = set()
        """Announced here, but not yet written down as done."""
        self._seen: object = None
        """Of the store when the alerts were read: version, zone and a time to read them again anyway."""
        self._offset = self._gap(self._clock.now(), self._clock.monotonic())
        self._trouble = ""
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """In a thread of its own; what came due before is announced at once."""
        self._thread = threading.Thread(target=self.run, name="ringer", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Ends the thread; waits at most `seconds` for an announcement that is under way."""
        self._stopping = True
        self._wake.set()
        if self._thread:
            self._thread.join(seconds)

    def wake(self) -> None:
        """Look at once: this process has just changed an alert."""
        self._wake.set()

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Look again and again, until `stop` or until `until()` holds."""
        while not self._stopping and not until():
            self._clock.wait(self._wake, self.look())
            self._wake.clear()

    def look(self) -> float:
        """Announce everything that is due; returns the seconds after which to look again, at most one."""
        now, seconds = self._clock.now(), self._clock.monotonic()
        try:
            self._follow_wall(now, seconds)
            self._load(now, seconds)
            self._trouble = ""
        except StoreError as error:  # what was read before still rings
            self._complain(error)
        late = {alert.id: self._late(alert, now, seconds) for alert in self._alerts}
        if due := [alert for alert in self._alerts if late[alert.id] >= 0]:
            self._ring(due, late, now)
        ahead = [-seconds for seconds in late.values() if seconds < 0]
        return min([POLL_SECONDS, *ahead])

    def _load(self, now: datetime, seconds: float) -> None:
        seen = (self._store.version(), zone_name(now.tzinfo, now), seconds // RELOAD_SECONDS)
        if seen == self._seen:
            return
        self._store.alerts.follow(now)
        self._alerts = self._store.alerts.waiting(now)
        self._seen = seen
        deadlines = {}
        for alert in self._alerts:
            if alert.kind is Kind.TIMER:
                known = self._deadlines.get(alert.id)
                fresh = _Deadline(alert.due, seconds + alert.due.timestamp() - now.timestamp())
                deadlines[alert.id] = known if known and known.due == alert.due else fresh
        self._deadlines = deadlines

    def _late(self, alert: Alert, now: datetime, seconds: float) -> float:
        """Seconds since it fell due; negative while it is ahead."""
        if alert.kind is Kind.TIMER:
            late = seconds - self._deadlines[alert.id].at
        else:
            late = now.timestamp() - alert.due.timestamp()
        # What somebody has begun to announce was due then, whatever the clock shows now.
        return max(late, 0.0) if alert.state is State.RINGING else late

    def _ring(self, due: list[Alert], late: dict[int, float], now: datetime) -> None:
        try:
            mine = self._store.alerts.claim(due, now)
        except StoreError as error:  # a full disk must not silence an alarm: better told twice than never
            self._complain(error)
            mine = tuple(due)
        self._seen = None
        flushed = self._clock.monotonic()
        for alert in mine:
            if alert.id not in self._told:
                try:
                    self._announce(alert, late[alert.id] > MISSED_SECONDS)
                except OSError as error:
                    log.warning("%s %d could not be announced: %s", alert.kind, alert.id, error)
                    continue
                self._told.add(alert.id)
            if self._clock.monotonic() - flushed > FLUSH_SECONDS:
                self._finish()
                flushed = self._clock.monotonic()
        self._finish()

    def _finish(self) -> None:
        try:
            self._store.alerts.finish(self._told, self._clock.now())
        except StoreError as error:
            self._complain(error)
        else:
            self._told.clear()

    def _follow_wall(self, now: datetime, seconds: float) -> None:
        """Give running timers new due times if the wall clock was turned since the last look."""
        offset = self._gap(now, seconds)
        if abs(offset - self._offset) < TURNED_SECONDS:
            return
        log.info("the wall clock was turned by %.1f s", offset - self._offset)
        for alert in self._alerts:
            if alert.state is State.SET and (deadline := self._deadlines.get(alert.id)):
                self._store.alerts.move(alert, moment(now.timestamp() + deadline.at - seconds))
        self._offset = offset
        self._seen = None

    def _complain(self, error: StoreError) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            log.warning("%s", error)

    @staticmethod
    def _gap(now: datetime, seconds: float) -> float:
        return now.timestamp() - seconds


def ring_until_quiet(store: Store, announce: Callable[[Alert, bool], None], clock: Clock | None = None) -> bool:
    """Ring until nothing is pending. False, at once, if another process does so for this store already, or others share
    it: then it is for their services to ring."""
    if not isinstance(store.path, Path):
        return False
    lock = FileLock(store.path.with_name(store.path.name + ".ringer"))
    # Looked at again after letting go: whoever set an alert while the lock was held has relied on its holder.
    while store.alerts.pending():
        if not lock.take():
            return False
        try:
            Ringer(store, announce, clock).run(until=lambda: not store.alerts.pending())
        finally:
            lock.release()
    return True


def start_ringer(database: Path) -> None:
    """Leave a process behind that announces what is pending in the store at `database`, and then ends.

    It costs a few milliseconds and may be called after every command: only one of them stays. It is independent of this
    process, its terminal and its pipes, but writes a line to the terminal while that exists.
    """
    command = [sys.executable, "-m", "otto.ringer", str(database.absolute())]
    if terminal := _terminal():
        command += ["--terminal", terminal]
    package = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        start_new_session=True,
        cwd=os.sep,
        env={**os.environ, "PYTHONPATH": path},
    )
    # Somebody has to wait for it, or it stays as a zombie for as long as this process lives.
    threading.Thread(target=process.wait, name="ringer process", daemon=True).start()


def _terminal() -> str:
    """The device of the terminal that this process talks to; empty if it talks to none."""
    for descriptor in (2, 1, 0):
        try:
            return os.ttyname(descriptor)
        except (OSError, AttributeError):
            continue
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m otto.ringer [DATABASE] [--terminal DEVICE]`."""
    from otto.config import load
    from otto.log import set_up

    parser = argparse.ArgumentParser(prog="python -m otto.ringer", description="Announce what is pending, then end.")
    parser.add_argument("database", type=Path, nargs="?", help="the store's file; the settings' one if not given")
    parser.add_argument("--terminal", type=Path, help="device to write a line to, such as /dev/pts/1")
    given = parser.parse_args(arguments)
    settings = load()
    set_up(settings.log_level, settings.state_folder / "otto.log")
    desktop = Desktop(given.terminal)
    try:
        with open_store(given.database or settings.database) as store:
            ring_until_quiet(store, desktop)
    except (StoreError, OSError) as error:
        log.error("the ringer ends: %s", error)
        return 1
    finally:
        desktop.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
