"""The to-do list: "put milk on my list", "what's on my list", "I've bought the milk", "take milk off the list"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill, speech
from otto.likeness import closest
from otto.store import Item

READ = 10
"""How many items are read aloud."""
_ASKED = {
    "add": "What shall I put on your list?",
    "done": "Which one is done?",
    "remove": "Which one shall I take off?",
}


@skill
def todo(action: Literal["add", "list", "done", "remove"], session: Session, item: str = "") -> Reply:
    """Adds to the to-do list, reads it, ticks something off or removes it."""
    things = session.store.todo.list()
    if action == "list":
        return _listed([thing.text for thing in things])
    if not item:
        raise SkillError(_ASKED[action], asks="item")
    if action == "add":
        if any(thing.text.casefold() == item.casefold() for thing in things):
            return Reply(f"{item} is already on your list.")
        added = session.store.todo.add(item, session.now)
        return Reply(f"I put {item} on your list.", undo={"added": added.id, "text": item})
    thing = _meant(item, things)
    if action == "done":
        session.store.todo.done(thing.id, session.now)
        return Reply(f"Well done, {thing.text} is off your list.", undo={"done": thing.id, "text": thing.text})
    session.store.todo.remove(thing.id)
    removed = {"removed": thing.id, "text": thing.text, "at": thing.at.isoformat()}
    return Reply(f"I took {thing.text} off your list.", undo=removed)


@todo.undo
def put_back(done: Mapping[str, Any], session: Session) -> str:
    """The list as it was before."""
    match done:
        case {"added": number, "text": text}:
            session.store.todo.remove(number)
            return f"I took {text} off your list."
        case {"done": number, "text": text}:
            session.store.todo.reopen(number)
        case {"removed": number, "text": text, "at": at}:
            session.store.todo.restore(Item(number, datetime.fromisoformat(at), text))
    return f"{done['text']} is on your list again."


def _meant(item: str, things: tuple[Item, ...]) -> Item:
    found = [things[place] for place in closest(item, [thing.text for thing in things])]
    if not found:
        raise SkillError(f"{item} is not on your list.")
    if len(found) > 1:
        raise SkillError(f"Which one: {speech.listing([thing.text for thing in found])}?", asks="item")
    return found[0]


def _listed(things: list[str]) -> Reply:
    if not things:
        return Reply("There is nothing on your list.")
    more = f", and {len(things) - READ} more" if len(things) > READ else ""
    read = speech.listing(things) if not more else ", ".join(things[:READ]) + more
    return Reply(f"{speech.count(len(things), 'thing')} on your list: {read}.", {"items": things})
