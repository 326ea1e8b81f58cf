"""A store of every release opens and keeps what is in it. `tests/data/store_1.db` was written by `write_store_1`."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otto.store import Entry, Event, Kind, Record, State, Vote, open_store, schema

DATA = Path(__file__).parent.parent / "data"
THEN = datetime(2026, 3, 4, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def write_store_1(path: Path) -> None:
    """What is in the store of the first release (version 1). Kept as the record of it; never run again."""
    with open_store(path) as store:
        store.alerts.add_timer(timedelta(minutes=10), THEN, "pasta")
        paused = store.alerts.add_timer(timedelta(hours=1), THEN)
        store.alerts.pause(paused.id, THEN + timedelta(minutes=15))
        store.alerts.add_alarm(THEN.replace(month=4, hour=7), THEN)
        store.alerts.add_reminder("call Ada", THEN.replace(day=5, hour=18, minute=30), THEN)
        store.notes.add("the spare key is at Ada's", THEN)
        store.todo.add("buy milk", THEN)
        store.history.add(Entry(THEN, "set a timer", "timer()", 0.9, "fewshot", True, "Done.", ({"ok": True},)))
        store.audit.add(Record(THEN, Event.RAN, "timer", "timer()"))


def test_a_store_of_release_1_keeps_everything(path: Path) -> None:
    path.parent.mkdir(parents=True)
    shutil.copy(DATA / "store_1.db", path)
    with open_store(path) as store:
        assert store.trouble == ""
        pasta, reminder, alarm = (alert for alert in store.alerts.list() if alert.state is State.SET)
        assert (pasta.label, pasta.due, pasta.duration) == (
            "pasta",
            THEN + timedelta(minutes=10),
            timedelta(minutes=10),
        )
        assert (reminder.label, reminder.due) == ("call Ada", THEN.replace(day=5, hour=18, minute=30))
        assert (alarm.kind, alarm.due.isoformat()) == (Kind.ALARM, "2026-04-04T07:00:00+02:00")
        (paused,) = (alert for alert in store.alerts.list() if alert.state is State.PAUSED)
        assert paused.left == timedelta(minutes=45)
        assert [note.text for note in store.notes.list()] == ["the spare key is at Ada's"]
        assert [item.text for item in store.todo.list()] == ["buy milk"]
        assert [entry.reply for entry in store.history.last(9)] == ["Done."]
        assert [record.skill for record in store.audit.last(9)] == ["timer"]
        store.alerts.resume(paused.id, THEN + timedelta(minutes=20))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()


def write_store_2(path: Path) -> None:
    """What version 2 added; `tests/data/store_2.db` was written by it."""
    with open_store(path) as store:
        store.votes.add(Vote(THEN, "coach", "How long is a long run?", "Two hours.", "up", "Two to three hours."))


def test_a_store_of_version_2_keeps_the_votes(path: Path) -> None:
    path.parent.mkdir(parents=True)
    shutil.copy(DATA / "store_2.db", path)
    with open_store(path) as store:
        (vote,) = store.votes.list()
        assert (vote.at, vote.verdict, vote.edit) == (THEN, "up", "Two to three hours.")


def test_there_is_a_store_of_every_version() -> None:
    assert {file.name for file in DATA.glob("store_*.db")} == {f"store_{n + 1}.db" for n in range(schema.VERSION)}


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir(parents=True)
    shutil.copy(DATA / "store_1.db", path)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE notes ADD COLUMN colour TEXT")
        connection.execute("SELECT json('no JSON') FROM notes")  # fails where there is a note

    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        patch.setattr(schema, "VERSION", schema.VERSION + 1)
        patch.setattr("otto.store.database.VERSION", schema.VERSION)
        with open_store(path) as store:
            assert not store.saves and "malformed JSON" in store.trouble
    with open_store(path) as store:
        assert store.trouble == "" and len(store.alerts.list()) == 4


def test_a_later_migration_runs_once_and_keeps_the_rows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir(parents=True)
    shutil.copy(DATA / "store_1.db", path)

    def later(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE notes ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, later))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    monkeypatch.setattr("otto.store.database.VERSION", schema.VERSION)
    for _ in range(2):
        with open_store(path) as store:
            assert store.trouble == ""
            assert len(store.notes.list()) == 1
