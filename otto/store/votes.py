"""Votes: what somebody thought of the coach's answers, and how they would have answered. They become training data.

store.votes.add(Vote(now, "coach-7b", "How long should my long run be?", "Two hours.", "up"))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from otto.errors import StoreError
from otto.store import moment
from otto.store.backend import Backend, Row
from otto.store.database import kept

Verdict = Literal["", "up", "down"]


@dataclass(frozen=True, slots=True)
class Vote:
    """An answer that somebody judged, or wrote anew."""

    at: datetime
    """When (aware; UTC when read back)."""
    model: str
    """Whose answer it is."""
    question: str
    answer: str
    """As the model gave it."""
    verdict: Verdict = ""
    edit: str = ""
    """The answer as the person would have it; empty: as it is."""
    before: tuple[tuple[str, str], ...] = ()
    """What went before in that conversation: each question with its answer, oldest first."""
    id: int = 0
    """Given by `add`; never given twice."""


class Votes:
    """The table of votes. Every method raises `StoreError` with a sentence for the user."""

    def __init__(self, database: Backend) -> None:
        self._database = database

    def add(self, vote: Vote) -> Vote:
        """Keeps it, as the newest; returns it with its id."""
        values = (
            moment.seconds(vote.at),
            kept(vote.model),
            json.dumps([[kept(said) for said in turn] for turn in vote.before]),
            kept(vote.question),
            kept(vote.answer),
            vote.verdict,
            kept(vote.edit),
        )
        with self._database.write("that vote") as connection:
            added = connection.execute(
                "INSERT INTO votes (at, model, earlier, question, answer, verdict, edit) VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return replace(vote, id=added.lastrowid or 0)

    def change(self, number: int, verdict: Verdict, edit: str) -> Vote:
        """Somebody has thought again. Raises `StoreError` also when there is no such vote."""
        with self._database.write("that vote") as connection:
            changed = connection.execute(
                "UPDATE votes SET verdict = ?, edit = ? WHERE id = ?", (verdict, kept(edit), number)
            )
            if not changed.rowcount:
                raise StoreError(f"There is no vote with the number {number}.")
        (found,) = self._select("id = ?", number)
        return found

    def has(self, number: int) -> bool:
        """Whether there is a vote with this id."""
        return bool(self._select("id = ?", number))

    def list(self) -> Sequence[Vote]:
        """All of them, oldest first."""
        return self._select("true")

    def forget(self) -> int:
        """Wipes all of them, from the file's bytes, too. Returns how many there were."""
        with self._database.write("that they are forgotten") as connection:
            forgotten = connection.execute("DELETE FROM votes").rowcount
        self._database.scrub()
        return forgotten

    def _select(self, where: str, *values: object) -> Sequence[Vote]:
        with self._database.read("the votes") as connection:
            rows = connection.execute(f"SELECT * FROM votes WHERE {where} ORDER BY id", values).fetchall()  # noqa: S608
        return tuple(map(_vote, rows))


def _vote(row: Row) -> Vote:
    return Vote(
        at=moment.moment(row["at"]),
        model=row["model"],
        question=row["question"],
        answer=row["answer"],
        verdict=row["verdict"],
        edit=row["edit"],
        before=tuple((asked, said) for asked, said in json.loads(row["earlier"])),
        id=row["id"],
    )
