"""`otto coach`: ask, index, find, votes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from otto.config import load
from otto.store import Vote, open_store
from tests import coachserver
from tests.cli.conftest import Otto


def test_documents_are_indexed_found_and_cited(otto: Otto, tmp_path: Path) -> None:
    pytest.importorskip("apsw", reason="needs the extra library: pip install 'otto-assistant[library]'")
    pytest.importorskip("sqlite_vec", reason="needs the extra library: pip install 'otto-assistant[library]'")
    folder = tmp_path / "running"
    folder.mkdir()
    (folder / "plan.md").write_text("# Taper\n\nThe taper lasts nine days.\n")
    assert otto("coach", "index", str(folder)).out == "1 documents read, 0 unchanged, 0 gone; 1 passages in all.\n"
    found = otto("coach", "find", "how long is the taper", "--json").json["passages"]
    assert [(each["file"], each["heading"]) for each in found] == [("plan.md", "Taper")]
    with coachserver.running() as models:
        models.answers["m"] = ["Nine ", "days [1]."]
        named = {"OTTO_COACH_MODELS": f"tuned: m @ {models.address}"}
        asked = otto("coach", "ask", "how long is the taper", **named)
    assert asked.out == "Nine days [1].\n[1] plan.md, “Taper”\n" and asked.code == 0
    assert otto("coach", "index", "--forget", "--yes").code == 0
    assert otto("coach", "find", "how long is the taper").code == 1


def test_refusals_and_mistakes_have_their_exit_codes(otto: Otto) -> None:
    named = {"OTTO_COACH_MODELS": "tuned: m @ http://127.0.0.1:9/v1"}
    refused = otto("coach", "ask", "I have chest pain, shall I run on?", "--json", **named)
    assert refused.code == 1 and refused.json["care"] == "emergency" and "112" in refused.json["said"]
    assert otto("coach", "ask", "how do I taper", "--model", "other", **named).code == 2


def test_votes_are_listed_and_forgotten(otto: Otto) -> None:
    with open_store(load().database) as store:
        store.votes.add(Vote(datetime(2026, 3, 4, tzinfo=UTC), "tuned", "How far?", "Far.", "up", "Ten km."))
    (vote,) = otto("coach", "votes", "--json").json["votes"]
    assert (vote["verdict"], vote["edit"]) == ("up", "Ten km.")
    assert otto("coach", "votes", "--forget", "--yes").out == "1 votes are forgotten.\n"
