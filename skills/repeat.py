"""Says the last reply again: "what did you say?"."""

from __future__ import annotations

from otto import Session, skill


@skill
def repeat(session: Session) -> str:
    """Says the last reply again."""
    return session.last_reply or "I haven't said anything yet."
