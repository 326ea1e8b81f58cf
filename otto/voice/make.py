"""From the settings to a voice loop: which microphone, which engine, which voice.

mouth = Mouth.of(settings, shown=print)
with Assistant(settings, mouth.confirmation.ask) as otto:
    source = microphone(settings, changed=print)
    loop = VoiceLoop(otto, parts(settings, otto, source, mouth, engine(settings, otto.live.ready)), audience)
    follow(otto, loop, lambda: engine(settings, otto.live.ready))
    loop.run()
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from otto.answer import USUAL
from otto.audio.recordings import Recordings
from otto.audio.standin import Source, raw, recording
from otto.audio.stt import SpeechToText
from otto.audio.tts import Speaker, find_voice
from otto.audio.wake import Spotter
from otto.call import OTHER, Call
from otto.commandqueue import mode_of
from otto.config import Settings
from otto.errors import ModelFileError, OttoError
from otto.example import Example, Origin
from otto.registry.live import Live
from otto.registry.snapshot import Change, Snapshot
from otto.voice.attention import Attention
from otto.voice.confirmation import SpokenConfirmation
from otto.voice.loop import Parts, VoiceLoop

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mouth:
    """What speaks, and what has to know that it does."""

    speaker: Speaker
    attention: Attention
    confirmation: SpokenConfirmation

    @classmethod
    def of(cls, settings: Settings, shown: Callable[[str], None]) -> Self:
        """`shown` displays a question that is asked aloud. Raises `SpeechError` for a voice that is not there."""
        speaker = Speaker(find_voice(settings.voice))
        attention = Attention(settings.attention, settings.wake_phrases)
        return cls(speaker, attention, SpokenConfirmation(speaker, attention, shown))


def microphone(settings: Settings, changed: Callable[[str], None], *, wait: bool = False) -> Source:
    """The microphone of the settings; `changed` is told when it goes and comes. Raises `MicrophoneError` when it cannot
    be opened, or with `wait`, which waits for it to be connected, where nothing can be recorded at all."""
    from otto.audio.device import PortAudio
    from otto.audio.mic import Microphone

    source = Microphone(PortAudio(), settings.microphone, changed=changed)
    if not wait:
        source.open()
    return source


def sound(name: str) -> Source:
    """What stands in for the microphone: a sound file, or `-` for samples on standard input. Raises
    `SoundFileError`."""
    return raw(sys.stdin.buffer) if name == "-" else recording(Path(name))


def engine(settings: Settings, snapshot: Snapshot, note: Callable[[str], None], *, called: bool = True) -> SpeechToText:
    """What transcribes, for these skills. `called`: see `transcriber`. Raises `ModelFileError` with what to run."""
    from otto.audio.engines import spoken_of, transcriber

    skills, examples = spoken_of(snapshot)
    return transcriber(
        settings, skills, [*examples, *_answers()], called=called and settings.attention == "wake", note=note
    )


def _answers() -> Iterator[Example]:
    """What is said to a question, as sentences that no skill has: they must be heard as well."""
    for phrase in USUAL:
        yield Example(phrase, (Call(OTHER, {}),), Origin("otto/answer.py", 0))


def follow(settings: Settings, live: Live, loop: VoiceLoop) -> None:
    """Has the engine made anew whenever skills change; until it is ready, the former one hears."""

    def changed(change: Change) -> None:
        try:
            loop.hearer.engine = engine(settings, live.ready.snapshot, lambda sentence: None)
        except OttoError as error:
            log.warning("the new skills cannot be heard: %s", error)

    live.watch(changed)


def parts(
    settings: Settings,
    source: Source,
    mouth: Mouth,
    engine: SpeechToText,
    *,
    dry_run: bool = False,
    recordings: Recordings | None = None,
) -> Parts:
    """What a voice loop is made of. `recordings`: where what is transcribed is kept; None: nowhere. Raises
    `WakePhraseError`, `ModelFileError`."""
    from otto.audio.vad import VoiceActivity

    return Parts(
        source,
        engine,
        VoiceActivity(),
        mouth.speaker,
        mouth.attention,
        mouth.confirmation,
        spotter=_spotter(settings),
        hangover=settings.hangover_seconds,
        dry_run=dry_run,
        mode=partial(mode_of, settings),
        record=recordings.keep if recordings else lambda chunks: None,
    )


def _spotter(settings: Settings) -> Spotter | None:
    if settings.attention != "wake":
        return None
    try:
        return Spotter(settings.wake_phrases)
    except ModelFileError as error:
        log.warning("every utterance is transcribed to find the wake phrase: %s", error)
        return None
