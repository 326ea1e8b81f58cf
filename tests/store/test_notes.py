from __future__ import annotations

from datetime import datetime
from pathlib import Path

from otto.store import Store, open_store


def test_notes_are_kept_in_the_order_in_which_they_were_taken(store: Store, place: Path | str, now: datetime) -> None:
    store.notes.add("the spare key is at Ada's", now)
    store.notes.add("Öl für die Kette; 'quoted'", now)
    with open_store(place) as another:
        assert [note.text for note in another.notes.list()] == [
            "the spare key is at Ada's",
            "Öl für die Kette; 'quoted'",
        ]
        assert another.notes.list()[0].at == now


def test_bytes_that_are_no_text_are_kept_as_question_marks(store: Store, now: datetime) -> None:
    store.notes.add("caf\udce9", now)
    assert store.notes.list()[0].text == "caf?"
