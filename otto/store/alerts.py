"""Timers, alarms and reminders: setting them, finding them, and ringing each of them once.

    timer = store.alerts.add_timer(timedelta(minutes=10), now)
    store.alerts.pause(timer.id, now)

A timer is kept as the moment at which it is due. An alarm or reminder is kept as what the wall clock will show, with
the zone it was set in: 7:00 stays 7:00 when daylight saving begins, and when the user travels (`follow` moves
it to the new zone, as a phone does). `now` carries the user's zone everywhere.

Ringing: `waiting` says what has not rung, `claim` takes alerts for the one process that will announce them, `finish`
ends them. If that process dies in between, or says nothing for a minute, they are waiting again: an alert rings at
least once, and never after `finish`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta

from otto.errors import StoreError
from otto.store import moment
from otto.store.alert import Alert, Kind, State
from otto.store.backend import Backend, Row
from otto.store.database import kept
from otto.store.schema import LATEST

KEPT = 1000
"""How many finished alerts are kept."""
LEASE_SECONDS = 60
"""How long a claimed alert may stay unfinished before another process announces it."""
# Alerts are read in microseconds, and SQLite adds in binary fractions.
_SAME_DUE = "(due IS NULL OR abs(due - ?) < 0.00001)"


class Alerts:
    """The table of alerts. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add_timer(self, duration: timedelta, now: datetime, label: str = "") -> Alert:
        """Rings after `duration`, whatever happens to the clock on the wall meanwhile (see `otto/ringer.py`)."""
        due = moment.seconds(now) + duration.total_seconds()
        return self._add(Kind.TIMER, label, now, due=due, duration=duration.total_seconds())

    def add_alarm(self, when: datetime, now: datetime, label: str = "") -> Alert:
        """Rings when the user's wall clock shows what it will show at `when`."""
        return self._add_on_wall(Kind.ALARM, label, when, now)

    def add_reminder(self, text: str, when: datetime, now: datetime) -> Alert:
        """As an alarm, with something to say."""
        return self._add_on_wall(Kind.REMINDER, text, when, now)

    def get(self, number: int) -> Alert | None:
        """The alert with this id, whatever its state."""
        found = self._select("id = ?", number)
        return found[0] if found else None

    def list(self, kind: Kind | None = None) -> tuple[Alert, ...]:
        """What is set, paused or ringing; the next one first."""
        found = self._select("state IN ('set', 'paused', 'ringing') AND kind = coalesce(CAST(? AS TEXT), kind)", kind)
        return tuple(sorted(found, key=lambda alert: (alert.due.timestamp(), alert.id)))

    def find(
        self, kind: Kind | None = None, *, duration: timedelta | None = None, label: str = ""
    ) -> tuple[Alert, ...]:
        """Those of `list` that were set for `duration` and have `label` in their label, whatever its case."""
        return tuple(
            alert
            for alert in self.list(kind)
            if (duration is None or alert.duration == duration) and label.casefold() in alert.label.casefold()
        )

    def pause(self, number: int, now: datetime) -> Alert:
        """A running timer stops counting. Raises `StoreError` also when there is no such running timer."""
        left = "CASE WHEN due > :now THEN due - :now ELSE 0 END"
        return self._change(
            number, f"state = 'paused', remaining = {left}", "state = 'set' AND kind = 'timer'", now, "running timer"
        )

    def resume(self, number: int, now: datetime) -> Alert:
        """A paused timer goes on. Raises `StoreError` also when there is no such paused timer."""
        return self._change(
            number, "state = 'set', due = :now + remaining, remaining = NULL", "state = 'paused'", now, "paused timer"
        )

    def cancel(self, number: int, now: datetime) -> Alert:
        """It will not ring. Raises `StoreError` also when there is nothing to cancel."""
        return self._change(number, "state = 'cancelled'", "state IN ('set', 'paused', 'ringing')", now, "alert")

    def restore(self, number: int, now: datetime) -> Alert:
        """What was cancelled goes on as if it had not been. Raises `StoreError` also when there is no such alert."""
        state = "state = CASE WHEN remaining IS NULL THEN 'set' ELSE 'paused' END"
        return self._change(number, state, "state = 'cancelled'", now, "cancelled alert")

    def silence(self, now: datetime) -> tuple[Alert, ...]:
        """Everything that rings is done; returns it. What announces must look whether its alert still rings."""
        ringing = self._select("state = 'ringing'")
        self.finish([alert.id for alert in ringing], now)
        return ringing

    def pending(self) -> bool:
        """Whether anything will ring: somebody has to stay and announce it (paused timers do not count)."""
        with self._database.read("the alerts") as connection:
            query = "SELECT EXISTS (SELECT 1 FROM alerts WHERE state IN ('set', 'ringing'))"
            return bool(connection.execute(query).fetchone()[0])

    def follow(self, now: datetime) -> None:
        """Alarms and reminders that were set in another zone than the user's present one move over to it."""
        zone = moment.zone_name(now.tzinfo, now)
        elsewhere = "kind <> 'timer' AND state IN ('set', 'paused', 'ringing') AND zone <> ?"
        if self._select(elsewhere, zone):
            with self._database.write("the new time zone") as connection:
                connection.execute(f"UPDATE alerts SET zone = ? WHERE {elsewhere}", (zone, zone))  # noqa: S608

    def waiting(self, now: datetime) -> tuple[Alert, ...]:
        """What is still to be announced, due or not: what is set, and what somebody claimed and did not finish."""
        with self._database.read("the alerts") as connection:
            rows = connection.execute("SELECT * FROM alerts WHERE state IN ('set', 'ringing')").fetchall()
        return tuple(_alert(row) for row in rows if row["state"] == State.SET or self._abandoned(row, now))

    def claim(self, alerts: Iterable[Alert], now: datetime) -> tuple[Alert, ...]:
        """Those of `alerts` that are now this process's to announce; they ring. Nobody else gets them.

        An alert that changed since it was read (paused, cancelled, moved, claimed) is left out.
        """
        unchanged = f"id = ? AND state = ? AND since = ? AND {_SAME_DUE}"
        mine = []
        with self._database.write("that it rings") as connection:
            for alert in alerts:
                due = moment.seconds(alert.due) if alert.kind is Kind.TIMER else None
                changed = connection.execute(
                    f"UPDATE alerts SET state = 'ringing', since = ?, owner = ? WHERE {unchanged}",  # noqa: S608
                    (moment.seconds(now), os.getpid(), alert.id, alert.state, moment.seconds(alert.since), due),
                )
                if changed.rowcount:
                    mine.append(alert)
        return tuple(mine)

    def finish(self, numbers: Iterable[int], now: datetime) -> None:
        """They were announced and never ring again."""
        with self._database.write("that it rang") as connection:
            connection.executemany(
                "UPDATE alerts SET state = 'done', since = ?, owner = 0 WHERE id = ? AND state = 'ringing'",
                [(moment.seconds(now), number) for number in numbers],
            )

    def move(self, timer: Alert, due: datetime) -> bool:
        """The wall clock was turned: a running timer's `due` by the new one. False if the timer changed meanwhile."""
        with self._database.write("the timers") as connection:
            changed = connection.execute(
                f"UPDATE alerts SET due = ? WHERE id = ? AND state = 'set' AND {_SAME_DUE}",  # noqa: S608
                (moment.seconds(due), timer.id, moment.seconds(timer.due)),
            )
            return bool(changed.rowcount)

    def _add_on_wall(self, kind: Kind, label: str, when: datetime, now: datetime) -> Alert:
        local = when.astimezone(now.tzinfo)
        return self._add(kind, label, now, wall=moment.wall(local), fold=local.fold)

    def _add(self, kind: Kind, label: str, now: datetime, **columns: float) -> Alert:
        at = moment.seconds(now)
        values = {
            "kind": kind, "state": State.SET, "label": kept(label), "set_at": at, "since": at,
            "zone": moment.zone_name(now.tzinfo, now), **columns,
        }  # fmt: skip
        if max(columns.values()) > LATEST:
            raise StoreError(f"I couldn't save that {kind}: it is too far away.")
        with self._database.write(f"that {kind}") as connection:
            names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
            added = connection.execute(f"INSERT INTO alerts ({names}) VALUES ({places})", values)  # noqa: S608
            number = added.lastrowid
            connection.execute(
                "DELETE FROM alerts WHERE state IN ('done', 'cancelled') AND id <= ("
                "SELECT id FROM alerts WHERE state IN ('done', 'cancelled') ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )
        (alert,) = self._select("id = ?", number)
        return alert

    def _change(self, number: int, to: str, only: str, now: datetime, what: str) -> Alert:
        with self._database.write("that change") as connection:
            changed = connection.execute(
                f"UPDATE alerts SET {to}, since = :now WHERE id = :id AND {only}",  # noqa: S608
                {"id": number, "now": moment.seconds(now)},
            )
            if not changed.rowcount:
                raise StoreError(f"There is no {what} with the number {number}.")
        (alert,) = self._select("id = ?", number)
        return alert

    def _select(self, where: str, *values: object) -> tuple[Alert, ...]:
        with self._database.read("the alerts") as connection:
            rows = connection.execute(f"SELECT * FROM alerts WHERE {where} ORDER BY id", values).fetchall()  # noqa: S608
        return tuple(map(_alert, rows))

    def _abandoned(self, row: Row, now: datetime) -> bool:
        """Whether the process that claimed a ringing alert is dead, or has been silent for the length of a lease."""
        # A claim from the future was made before the wall clock was set back.
        late = not 0 <= moment.seconds(now) - row["since"] < LEASE_SECONDS
        return late or (self._database.local and not _alive(row["owner"]))


def _alert(row: Row) -> Alert:
    zone = moment.zone(row["zone"])
    timer = row["kind"] == Kind.TIMER
    return Alert(
        id=row["id"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        label=row["label"],
        due=moment.moment(row["due"], zone) if timer else moment.on_wall(row["wall"], row["fold"], zone),
        set_at=moment.moment(row["set_at"], zone),
        since=moment.moment(row["since"], zone),
        duration=timedelta(seconds=row["duration"]) if timer else None,
        left=timedelta(seconds=row["remaining"]) if row["remaining"] is not None else None,
    )


def _alive(process: int) -> bool:
    """Whether a process has this id. Only POSIX can ask without harm; elsewhere the lease decides alone."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return process > 0
