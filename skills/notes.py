"""Takes notes and reads them: "note that the spare key is at Ada's", "read my notes"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill, speech

READ = 5
"""How many notes are read aloud."""


@skill
def notes(action: Literal["add", "list"], session: Session, note: str = "") -> Reply:
    """Takes a note, or reads the latest notes."""
    if action == "add":
        if not note:
            raise SkillError("What shall I note?", asks="note")
        added = session.store.notes.add(note, session.now)
        return Reply(f"Noted: {note.rstrip('.')}.", undo={"id": added.id})
    found = [each.text for each in reversed(session.store.notes.list())]
    if not found:
        return Reply("There are no notes.")
    intro = f"There are {len(found)} notes, the latest are" if len(found) > READ else speech.count(len(found), "note")
    read = "; ".join(text.rstrip(".") for text in found[:READ])
    return Reply(f"{intro}: {read}.", {"notes": found})


@notes.undo
def removed(done: Mapping[str, Any], session: Session) -> str:
    """Throws the note away."""
    session.store.notes.remove(done["id"])
    return "I removed the note."
