"""Asks a language model: "ask the model why the sky is blue". Where it is: see `otto/chat.py`."""

from __future__ import annotations

from otto import Session, skill
from otto.chat import chat
from otto.prompt import prompt as prompt_text

SECONDS = 25.0


@skill(deadline=SECONDS + 5)
def openai(prompt: str, session: Session) -> str:
    """Asks a language model a question."""
    return chat(prompt_text("openai"), prompt, model=session.settings.openai_model, seconds=SECONDS)
