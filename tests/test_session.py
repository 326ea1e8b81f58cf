"""What a skill sees, and what it costs before it is looked at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from otto import Session
from otto.config import Settings
from otto.network.fetch import Answer, fetch
from otto.skill import Parameter, Skill
from otto.store import open_store
from otto.worker.job import _session, session_entry


def test_nothing_is_opened_before_it_is_used(now: datetime, tmp_path: Path) -> None:
    settings = Settings(state_folder=tmp_path / "state")
    session = Session(now, settings=settings)
    session.close()
    assert not settings.database.exists()
    session = Session(now, settings=settings)
    assert session.store is session.store
    session.close()
    assert settings.database.exists()


def test_a_store_that_was_given_is_not_closed(now: datetime, tmp_path: Path) -> None:
    with open_store(tmp_path / "otto.db") as store:
        session = Session(now, store=store)
        assert session.store is store
        session.close()
        assert store.alerts.list() == ()


def test_without_settings_those_in_force_count(now: datetime) -> None:
    assert Session(now).settings == Settings()


def test_the_door_to_the_network_can_be_another(now: datetime) -> None:
    assert Session(now).fetch is fetch
    answer = Answer("https://example.org/", 200, body=b"[]")
    assert Session(now, fetch=lambda url: answer).fetch("https://example.org/") is answer


def test_a_session_survives_the_way_to_the_worker(now: datetime, tmp_path: Path) -> None:
    settings = Settings(home="Köln", hidden=("a", "b"), deadline_seconds=2.5, state_folder=tmp_path)
    skills = (Skill("say", (Parameter("text", required=True),), "Says it."),)
    session = _session(session_entry(now, settings, skills, "Hello."))
    assert (session.now, session.settings, session.skills, session.last_reply) == (now, settings, skills, "Hello.")
    assert str(session.now.tzinfo) == "Europe/Berlin"
