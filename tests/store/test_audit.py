from __future__ import annotations

from datetime import datetime

import pytest

from otto.store import Event, Record, Store, audit


def test_every_event_is_kept_with_its_outcome(store: Store, now: datetime) -> None:
    records = [store.audit.add(Record(now, event, "runapp", 'runapp(program="firefox")', "why")) for event in Event]
    assert store.audit.last(99) == tuple(reversed(records))
    assert {record.event for record in store.audit.last(99)} == set(Event)


def test_it_keeps_as_many_records_as_it_says(store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "KEPT", 5)
    for number in range(8):
        store.audit.add(Record(now, Event.RAN, f"skill{number}"))
    assert [record.skill for record in store.audit.last(99)] == [f"skill{number}" for number in (7, 6, 5, 4, 3)]


def test_forgetting_leaves_who_did_what_and_when_but_no_words_of_the_user(store: Store, now: datetime) -> None:
    store.audit.add(Record(now, Event.RAN, "notes", 'notes(action="add", note="my secret")', "about my secret"))
    store.history.forget()
    (record,) = store.audit.last()
    assert (record.at, record.event, record.skill, record.call, record.detail) == (now, Event.RAN, "notes", "", "")
