"""Speech as samples, for whoever plays them elsewhere: a browser, a satellite in another room.

>>> spoken = synthesise(find_voice(settings.voice, played=False), "The timer is set.")
>>> spoken.rate, spoken.samples.dtype
(22050, dtype('int16'))
>>> spoken.wav()[:4]
b'RIFF'
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.audio.tts import (
    ESPEAK_RATE,
    MAX_CHARACTERS,
    SECONDS_A_CHARACTER,
    WAV_HEADER,
    SpeechError,
    Voice,
)
from otto.audio.wav import wav


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A text read out."""

    samples: NDArray[np.int16]
    """Shape (n,), mono."""
    rate: int
    """Samples a second."""

    def wav(self) -> bytes:
        """As a WAV file."""
        return wav(self.samples, self.rate)


def synthesise(voice: Voice | None, text: str) -> Spoken:
    """`text` (its first 1,000 characters) in that voice. Raises `SpeechError` where there is none, or it fails."""
    if voice is None:
        raise SpeechError("There is no voice to speak with: install espeak-ng, or set `voice` to a Piper voice's file.")
    command, rate, header = voice.command, voice.rate, voice.header
    if not rate:
        if "--stdin" not in command:
            raise SpeechError(f"The voice {voice.name} only speaks at this machine: install espeak-ng.")
        command, rate, header = (*command, "--stdout"), ESPEAK_RATE, WAV_HEADER
    said = " ".join(text.split())[:MAX_CHARACTERS]
    try:
        done = subprocess.run(  # noqa: S603  (the text is its input, never an argument)
            command, input=said.encode() + b"\n", capture_output=True, timeout=5 + SECONDS_A_CHARACTER * len(said)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpeechError(f"The voice {voice.name} cannot speak: {getattr(error, 'strerror', 'it hangs')}.") from error
    if done.returncode:
        raise SpeechError(f"The voice {voice.name} failed: {done.stderr.decode(errors='replace').strip()[:200]}")
    sound = done.stdout[header:]
    return Spoken(np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.int16), rate)
