"""`otto history`: what was said stays until it is forgotten, and then is gone from the disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Otto = Callable[..., Any]


def test_what_was_said_and_done_is_shown(otto: Otto) -> None:
    otto("ask", "what is nine times nine")
    (row,) = map(json.loads, otto("history", "--json").out.splitlines())
    assert (row["text"], row["calls"], row["ok"]) == ("what is nine times nine", 'math(question="9*9")', True)
    assert set(row["timings_ms"]) == {"route", "dispatch"}
    assert "nine times nine" in otto("history", COLUMNS="200").out
    assert otto("history", "sandwich", "--json").out == ""


def test_forgetting_leaves_nothing_on_the_disk(otto: Otto, own_folders: Path) -> None:
    otto("ask", "take a note buy seventeen xylophones")
    assert otto("history", "--forget").code == 0
    assert otto("history", "--json").out == ""
    state = own_folders / "xdg" / "state" / "otto"
    notes_too = b"".join(path.read_bytes() for path in state.iterdir() if path.is_file())
    assert b"take a note" not in notes_too


def test_no_history_is_kept_where_none_is_wanted(otto: Otto, own_folders: Path) -> None:
    otto("ask", "what is nine times nine", OTTO_HISTORY="false")
    assert otto("history", "--json").out == ""
    (audit,) = map(json.loads, otto("history", "--audit", "--json").out.splitlines())
    assert (audit["event"], audit["skill"], audit["call"]) == ("ran", "math", "")
