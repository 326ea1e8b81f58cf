"""Asks the running coach: "how long should my long run be". Said aloud is the gist; the whole answer is in the data.

Which model answers, what is refused and what may be cited: see docs/coach.md.
"""

from __future__ import annotations

import re
from datetime import timedelta

from otto import Reply, Session, SkillError, skill
from otto.call import parse
from otto.chat import plain
from otto.coach.advice import Coach
from otto.coach.named import coach_models
from otto.errors import CallSyntaxError, StoreError

SECONDS = 55.0
HOLDS = timedelta(minutes=10)
"""How long what was asked before counts."""
TURNS = 3
SPOKEN = 2
"""Sentences that are said aloud; at most."""
SPOKEN_CHARACTERS = 400


@skill(deadline=SECONDS + 5)
def coach(question: str, session: Session) -> Reply:
    """Answers a question about running and training."""
    model = coach_models(session.settings)[0]
    events = list(Coach(session.settings).answer(question, model, before=_before(session), seconds=SECONDS))
    care = next((event for event in events if event.type == "care"), None)
    end = events[-1]
    if not end.text:
        if care is None:
            raise SkillError("The coach has no answer.")
        return Reply(care.text, {"care": care.kind})
    sources = [{"number": each.number, "file": each.file, "page": each.page} for each in end.sources]
    whole = {"markdown": end.text, "model": model.name, "sources": sources, "care": care.kind if care else ""}
    said = gist(end.text)
    return Reply(f"{said} {care.text}" if care else said, whole)


def gist(markdown: str) -> str:
    """The first sentences of an answer, as they are spoken: the coach's prompt asks for the answer in the first."""
    lines = [line for line in plain(markdown).split("\n") if line.strip() and line.strip("| -")]
    said = ""
    for count, sentence in enumerate(_sentences(lines[0] if lines else "")):
        if count >= SPOKEN or len(said) + len(sentence) > SPOKEN_CHARACTERS:
            break
        said = f"{said} {sentence}".strip()
    return said or (lines[0] if lines else "")[:SPOKEN_CHARACTERS]


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9“\"(])", re.sub(r"\s*\[\d[\d, ]*\]", "", text)) if part]


def _before(session: Session) -> list[tuple[str, str]]:
    """What was asked of the coach just before, with what was said: the history keeps it, if the user lets it."""
    if not session.settings.history:
        return []
    found: list[tuple[str, str]] = []
    try:
        entries = session.store.history.last(TURNS)
    except StoreError:
        return []
    for entry in entries:
        try:
            calls = parse(entry.calls)
        except CallSyntaxError:
            break
        if len(calls) != 1 or calls[0].name != "coach" or not entry.ok or session.now - entry.at > HOLDS:
            break
        found.append((str(calls[0].arguments["question"]), entry.reply))
    return found[::-1]
