"""Says what Otto can do: "what can you do?"."""

from __future__ import annotations

from otto import Reply, Session, skill, speech

NAMED = 8
"""How many skills are named aloud."""
_FIRST = ("weather", "timer", "alarm", "reminder", "math", "news", "todo", "runapp")
_SILENT = ("other", "help", "repeat", "stop")  # nobody wonders about these


@skill
def help(session: Session) -> Reply:
    """Says what can be asked for."""
    known = {each.name: each for each in session.skills if each.name not in _SILENT}
    if not known:
        return Reply("I have no skills yet. Put an example file into the folder examples and I learn one.")
    order = sorted(known, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    named = [name.replace("_", " ") for name in order[:NAMED]]
    more = f", and {len(known) - NAMED} more" if len(known) > NAMED else ""
    spoken = f"{', '.join(named)}{more}" if more else speech.listing(named)
    count = speech.count(len(known), "thing")
    return Reply(
        f"I know {count}: {spoken}. Just say what you want; otto skills list shows everything.",
        {"skills": {name: known[name].description for name in sorted(known)}},
    )
