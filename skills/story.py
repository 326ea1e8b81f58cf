"""Tells a short story: "tell me a story about an otter". Where the model is: see `otto/chat.py`."""

from __future__ import annotations

from otto import Session, skill
from otto.chat import chat
from otto.prompt import prompt

SECONDS = 55.0


@skill(deadline=SECONDS + 5)
def story(session: Session, description: str = "") -> str:
    """Tells a short story, about something if wanted."""
    wish = f"Tell me a story about this: {description}" if description else "Tell me a story."
    return chat(prompt("story"), wish, model=session.settings.openai_model, seconds=SECONDS)
