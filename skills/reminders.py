"""The reminders that are set: "what did I ask you to remind me of", "cancel the reminder about the dentist"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill, speech
from otto.likeness import closest
from otto.store import Alert, Kind


@skill
def reminders(action: Literal["list", "cancel"], session: Session, text: str = "") -> Reply:
    """Lists the reminders, or cancels one; the text says which one."""
    found = session.store.alerts.list(Kind.REMINDER)
    if not found:
        if action == "list":
            return Reply("There is no reminder.")
        raise SkillError("There is no reminder to cancel.")

    def said(reminder: Alert) -> str:
        return f"{speech.moment(reminder.due, session.now)}, {reminder.label}"

    if action == "list":
        every = "; ".join(said(reminder) for reminder in found)
        return Reply(f"There {'is' if len(found) == 1 else 'are'} {speech.count(len(found), 'reminder')}: {every}.")
    meant = [found[place] for place in closest(text, [each.label for each in found])] if text else list(found)
    if not meant:
        raise SkillError(f"There is no reminder about {text}.")
    if len(meant) > 1 and not speech.means_all(session.text, "reminders"):
        raise SkillError(f"Which one? {'; '.join(said(reminder) for reminder in meant)}.", asks="text")
    for each in meant:
        session.store.alerts.cancel(each.id, session.now)
    cancelled = "; ".join(said(reminder) for reminder in meant)
    told = f"I cancelled the reminder{'s' if len(meant) > 1 else ''} {cancelled}."
    return Reply(told, undo={"ids": [reminder.id for reminder in meant]})


@reminders.undo
def back(done: Mapping[str, Any], session: Session) -> str:
    """The reminders as they were before."""
    restored = [session.store.alerts.restore(number, session.now) for number in done["ids"]]
    return f"I will remind you after all: {speech.listing([each.label for each in restored])}."
