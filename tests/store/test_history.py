from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otto.errors import StoreError
from otto.store import Entry, Event, Record, Store, open_store


def entry(now: datetime, text: str = "which timers run", reply: str = "None.") -> Entry:
    calls = 'timers(action="list")'
    results = ({"ok": True, "value": reply, "error": None, "seconds": 0.01},)
    return Entry(now, text, calls, 0.97, "fewshot", True, reply, results, {"route": 2.1, "dispatch": 0.4})


def test_a_command_is_read_back_as_it_was_kept(store: Store, place: Path | str, now: datetime) -> None:
    kept = store.history.add(entry(now))
    assert kept.id > 0
    with open_store(place) as another:
        assert another.history.last() == (kept,) == (another.history.get(kept.id),)
        assert another.history.get(kept.id + 1) is None


def test_the_newest_comes_first(store: Store, now: datetime) -> None:
    for text in ("one", "two", "three"):
        store.history.add(entry(now, text))
    assert [kept.text for kept in store.history.last(2)] == ["three", "two"]


def test_only_the_last_thousand_commands_are_kept(store: Store, path: Path, now: datetime) -> None:
    with store._database.write("a thousand commands") as connection:
        connection.executemany(
            "INSERT INTO history (at, text, calls, confidence, router, ok, reply, results, timings_ms)"
            " VALUES (1.0, ?, '', 1.0, 'fewshot', 1, '', '[]', '{}')",
            [(f"command {number}",) for number in range(1000)],
        )
    store.history.add(entry(now, "command 1000"))
    kept = store.history.last(2000)
    assert len(kept) == 1000
    assert (kept[0].text, kept[-1].text) == ("command 1000", "command 1")


def test_finding_wants_every_word_wherever_it_stands_and_whatever_its_case(store: Store, now: datetime) -> None:
    store.history.add(entry(now, "Wetter in MÜNCHEN", reply="Rain, 12 degrees."))
    store.history.add(entry(now, "100% of what_ever", reply="Fine."))
    assert [kept.text for kept in store.history.find("münchen rain")] == ["Wetter in MÜNCHEN"]
    assert [kept.text for kept in store.history.find("LIST")] == ["100% of what_ever", "Wetter in MÜNCHEN"]
    assert [kept.text for kept in store.history.find("list", 1)] == ["100% of what_ever"]
    assert [kept.text for kept in store.history.find("%")] == ["100% of what_ever"]
    assert store.history.find("hamburg") == ()


def test_a_correction_is_kept_beside_what_was_answered(store: Store, now: datetime) -> None:
    kept = store.history.add(entry(now))
    assert store.history.correct(kept.id, "other()") == replace(kept, correction="other()")
    assert store.history.last() == (replace(kept, correction="other()"),)
    with pytest.raises(StoreError, match="no command with the number 99"):
        store.history.correct(99, "other()")


def raw(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_nothing_that_was_forgotten_is_left_in_the_bytes_of_the_file(
    file_store: Store, path: Path, now: datetime
) -> None:
    """Through pages that were split, merged and moved, and with another process's connection open."""
    chance = random.Random(0)
    with open_store(path) as reader:
        for number in range(300):
            canary = "canary" + "x" * chance.choice((1, 30, 700, 9000))
            file_store.history.add(entry(now + timedelta(seconds=number), f"say {canary}", canary))
            file_store.audit.add(Record(now, Event.FAILED, "say", f'say(text="{canary}")', canary))
        note = file_store.notes.add("stays", now)
        assert b"canary" in raw(path)
        assert reader.history.find("canary", 1)
        assert file_store.history.forget() == 300
        assert b"canary" not in raw(path)
        assert reader.history.last(9) == ()
    assert b"canary" not in raw(path)
    assert file_store.notes.list() == (note,)
    assert file_store.audit.last()[0].skill == "say"


def test_forgetting_waits_for_a_reader_of_old_pages(file_store: Store, path: Path, now: datetime) -> None:
    file_store.history.add(entry(now, "canary"))
    with open_store(path) as reader, reader._database.read("something for a while") as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM history").fetchone()
        threading.Timer(0.3, lambda: connection.execute("COMMIT")).start()
        file_store.history.forget()
    assert b"canary" not in raw(path)
