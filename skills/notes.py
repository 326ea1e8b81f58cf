"""Takes notes and reads them: "note that the spare key is at Ada's", "read my notes"."""

from __future__ import annotations

from typing import Literal

from otto import Reply, Session, SkillError, skill, speech

READ = 5
"""How many notes are read aloud."""


@skill
def notes(action: Literal["add", "list"], session: Session, note: str = "") -> Reply:
    """Takes a note, or reads the latest notes."""
    if action == "add":
        if not note:
            raise SkillError("What shall I note?")
        session.store.notes.add(note, session.now)
        return Reply(f"Noted: {note.rstrip('.')}.")
    found = [each.text for each in reversed(session.store.notes.list())]
    if not found:
        return Reply("There are no notes.")
    intro = f"There are {len(found)} notes, the latest are" if len(found) > READ else speech.count(len(found), "note")
    read = "; ".join(text.rstrip(".") for text in found[:READ])
    return Reply(f"{intro}: {read}.", {"notes": found})
