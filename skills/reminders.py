"""The reminders that are set: "what did I ask you to remind me of", "cancel the reminder about the dentist"."""

from __future__ import annotations

from typing import Literal

from otto import Session, SkillError, skill, speech
from otto.likeness import closest
from otto.store import Alert, Kind


@skill
def reminders(action: Literal["list", "cancel"], session: Session, text: str = "") -> str:
    """Lists the reminders, or cancels one; the text says which one."""
    found = session.store.alerts.list(Kind.REMINDER)
    if not found:
        if action == "list":
            return "There is no reminder."
        raise SkillError("There is no reminder to cancel.")

    def said(reminder: Alert) -> str:
        return f"{speech.moment(reminder.due, session.now)}, {reminder.label}"

    if action == "list":
        every = "; ".join(said(reminder) for reminder in found)
        return f"There {'is' if len(found) == 1 else 'are'} {speech.count(len(found), 'reminder')}: {every}."
    meant = [found[place] for place in closest(text, [each.label for each in found])] if text else list(found)
    if not meant:
        raise SkillError(f"There is no reminder about {text}.")
    if len(meant) > 1:
        raise SkillError(f"Which one? {'; '.join(said(reminder) for reminder in meant)}.")
    session.store.alerts.cancel(meant[0].id, session.now)
    return f"I cancelled the reminder {said(meant[0])}."
