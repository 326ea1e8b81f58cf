"""What is particular to a store that several Ottos share."""

from __future__ import annotations

import tempfile
import threading
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from otto.config import Settings
from otto.errors import StoreError
from otto.store import open_store
from otto.store.shared import SharedDatabase
from otto.turn import Assistant
from tests import postgres

pytestmark = pytest.mark.skipif(not postgres.available(), reason=postgres.MISSING)


def test_what_one_otto_keeps_another_finds(shared: str, now: datetime) -> None:
    with open_store(shared) as kitchen, open_store(shared) as hall:
        before = hall.version()
        kitchen.notes.add("the key is under the mat", now)
        assert hall.version() != before
        assert [note.text for note in hall.notes.list()] == ["the key is under the mat"]


def test_an_alert_is_announced_by_exactly_one_of_many(shared: str, now: datetime) -> None:
    with open_store(shared) as first:
        for _ in range(20):
            first.alerts.add_timer(timedelta(seconds=1), now)
        later, claimed = now + timedelta(seconds=2), []

        def claim() -> None:
            with open_store(shared) as store:
                for alert in store.alerts.waiting(later):
                    claimed.extend(each.id for each in store.alerts.claim([alert], later))

        threads = [threading.Thread(target=claim) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(claimed) == sorted(set(claimed))
    assert len(claimed) == 20


def test_a_claim_of_another_machine_is_left_alone_until_its_lease_ends(shared: str, now: datetime) -> None:
    with open_store(shared) as store:
        alert = store.alerts.add_timer(timedelta(seconds=1), now)
        store.alerts.claim([alert], now)
        with store._database.write("a test") as connection:
            connection.execute("UPDATE alerts SET owner = 999999999")
        assert store.alerts.waiting(now + timedelta(seconds=30)) == ()
        assert [each.id for each in store.alerts.waiting(now + timedelta(seconds=90))] == [alert.id]


def test_several_that_start_at_once_make_the_tables_once(shared: str) -> None:
    troubles: list[str] = []

    def start() -> None:
        with closing(SharedDatabase(shared)) as database:
            troubles.append(database.trouble)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == [""] * 6


def test_a_server_that_is_away_stops_nothing_but_what_needs_it(tmp_path: Path, trained: Path) -> None:
    settings = Settings(
        store_url=f"postgresql://otto:canary@/otto?host={tmp_path}",
        config_folder=tmp_path, state_folder=tmp_path, cache_folder=trained / "otto",
    )  # fmt: skip
    with Assistant(settings, lambda skill, call: True) as otto:
        assert "nothing is saved" in otto.store.trouble
        assert "canary" not in otto.store.trouble
        assert "81" in otto.turn("what is nine times nine").reply.text
        assert "couldn't save" in otto.turn("set a timer for ten minutes").reply.text


def test_it_is_used_again_when_the_server_is_back() -> None:
    with tempfile.TemporaryDirectory(prefix="otto-pg-") as folder:
        database = SharedDatabase(f"postgresql://otto@/postgres?host={folder}")
        assert not database.saves
        with postgres.server(Path(folder)):
            with database.write("a test") as connection:
                connection.execute("INSERT INTO notes (at, text) VALUES (?, ?)", (1.0, "back"))
            assert database.saves and not database.trouble
            database.close()


def test_a_newer_store_is_left_alone(shared: str) -> None:
    with closing(SharedDatabase(shared)) as database, database.write("a test") as connection:
        connection.execute("UPDATE otto SET version = 99")
    with closing(SharedDatabase(shared)) as newer:
        assert "newer Otto" in newer.trouble
        with pytest.raises(StoreError, match="newer Otto"), newer.read("the notes"):
            pass


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql+nothing://x/y"])
def test_a_url_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="store_url"):
        SharedDatabase(url)


def test_what_was_forgotten_is_not_in_the_servers_tables(shared: str, now: datetime) -> None:
    from otto.store import Entry

    with open_store(shared) as store:
        store.history.add(Entry(now, "canary sentence", "stop()", 0.5, "fewshot", True, "Done."))
        store.history.forget()
        with store._database.read("a test") as connection:
            found = connection.execute(
                "SELECT pg_relation_filepath('history') AS file, current_setting('data_directory') AS folder"
            )
            (row,) = found.fetchall()
            connection.execute("CHECKPOINT")
        assert b"canary sentence" not in (Path(row["folder"]) / row["file"]).read_bytes()
