from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from otto.errors import StoreError
from otto.store import Store, Vote, open_store


def test_a_vote_is_kept_with_all_that_training_needs(store: Store, place: Path | str, now: datetime) -> None:
    before = (("I run 30 km a week.", "That is a good base."),)
    given = store.votes.add(Vote(now, "coach:7b", "And now?", "**Add** 3 km.", "up", before=before))
    store.votes.add(Vote(now, "basis", "Wie weit? 'so'", "Öl: 5 km", "down"))
    with open_store(place) as another:
        first, second = another.votes.list()
    assert first == given and first.before == before and first.at == now
    assert (second.question, second.answer, second.verdict) == ("Wie weit? 'so'", "Öl: 5 km", "down")


def test_somebody_thinks_again(store: Store, now: datetime) -> None:
    given = store.votes.add(Vote(now, "m", "How far?", "Far.", "up"))
    assert store.votes.change(given.id, "down", "Ten kilometres.").edit == "Ten kilometres."
    (vote,) = store.votes.list()
    assert (vote.verdict, vote.edit, vote.answer) == ("down", "Ten kilometres.", "Far.")
    with pytest.raises(StoreError, match="no vote with the number 99"):
        store.votes.change(99, "up", "")


def test_forgotten_votes_leave_nothing_in_the_file(file_store: Store, path: Path, now: datetime) -> None:
    file_store.votes.add(Vote(now, "m", "canary-question", "canary-answer"))
    assert file_store.votes.forget() == 1 and not file_store.votes.list()
    assert all(b"canary" not in file.read_bytes() for file in path.parent.iterdir())
