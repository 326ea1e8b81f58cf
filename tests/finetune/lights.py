"""A handful of commands, their skills, and a test set of them, for tests of evaluation and export."""

from __future__ import annotations

import json
from pathlib import Path

from otto.skill import Parameter, Skill, to_json
from otto.values import Limits

SKILLS = (
    Skill(
        "lights",
        (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room", "text")),
        "switches the lights of a room",
    ),
    Skill("timer", (Parameter("duration", "duration", True),), "sets a timer"),
)
ROWS = (
    ("lights on in the kitchen", 'lights(state="on", room="kitchen")'),
    ("kitchen lights off", 'lights(state="off", room="kitchen")'),
    ("switch on the hall lights", 'lights(state="on", room="hall")'),
    ("a timer for ten minutes", 'timer(duration="10 minutes")'),
    ("timer five minutes", 'timer(duration="5 minutes")'),
    ("how are you", "other()"),
    ("i had soup", "other()"),
    ("lights off and a timer for ten minutes", 'lights(state="off"); timer(duration="10 minutes")'),
)


def write_set(folder: Path, rows: tuple[tuple[str, str], ...] = ROWS) -> Path:
    """A test set of these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "skills.json").write_text(json.dumps([to_json(skill) for skill in SKILLS]))
    lines = [json.dumps({"text": text, "calls": calls.split("; ")}) for text, calls in rows]
    (folder / "test.jsonl").write_text("".join(line + "\n" for line in lines))
    return folder
