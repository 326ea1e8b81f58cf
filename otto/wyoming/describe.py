"""What Otto tells Home Assistant of itself: its five services."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    IntentModel,
    IntentProgram,
    TtsProgram,
    TtsVoice,
    WakeModel,
    WakeProgram,
)

from otto.audio.tts import Voice
from otto.config import Settings

LANGUAGES = ["en"]
_OTTO = Attribution("Otto", "https://github.com/otto-assistant/otto")


def info(settings: Settings, engine: str, router: str, voice: Voice | None) -> Info:
    """The answer to `describe`. `engine`: what transcribes; `router`: what understands; `voice`: None: no speech."""
    now = version("otto-assistant")
    model: dict[str, Any] = {"attribution": _OTTO, "installed": True, "version": now, "languages": LANGUAGES}
    program: dict[str, Any] = {"name": "otto", "attribution": _OTTO, "installed": True, "version": now}
    heard = AsrModel(name=engine, description=f"Speech to text with {engine}", **model)
    understood = {"name": router, "description": f"Otto's skills, through the router {router}", **model}
    voices = [TtsVoice(name=voice.name, description=f"The voice {voice.name}", **model)] if voice else []
    wake = [
        WakeModel(name=phrase.replace(" ", "_"), description=f"“{phrase}”", phrase=phrase, **model)
        for phrase in settings.wake_phrases
    ]
    speaks = TtsProgram(description="Reads out", voices=voices, supports_synthesize_streaming=True, **program)
    return Info(
        asr=[AsrProgram(description="Otto's ears", models=[heard], **program)],
        intent=[IntentProgram(description="What a sentence asks for", models=[IntentModel(**understood)], **program)],
        handle=[HandleProgram(description="Does it", models=[HandleModel(**understood)], **program)],
        tts=[speaks] if voices else [],
        wake=[WakeProgram(description="Hears its name", models=wake, **program)],
    )
