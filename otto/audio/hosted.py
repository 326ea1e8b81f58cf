"""Speech to text at any endpoint that speaks OpenAI's `/v1/audio/transcriptions`.

    >>> engine = Hosted("http://localhost:8000/v1", model="Systran/faster-whisper-small")

`OPENAI_BASE_URL` says where, `OPENAI_API_KEY` holds the key that it may want, and the setting `stt_model` names the
model. The sound leaves this machine, once for each utterance, and only when this engine was chosen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.stt import Collected, Transcript
from otto.audio.wav import wav
from otto.errors import FetchError, OttoError
from otto.network.openaiserver import OPENAI, reach, usable

SECONDS = 20.0
"""For one transcript."""
UNSURE = 0.5
"""Confidence of a transcript that comes without any figure."""


class TranscriptionError(OttoError):
    """The endpoint gave no transcript; the message is a sentence for the user."""


class Hosted:
    """The engine."""

    name = "openai"

    def __init__(
        self,
        address: str = "",
        *,
        model: str,
        key: str = "",
        language: str = "en",
        prompt: str = "",
        seconds: float = SECONDS,
        snap: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`address`: up to and with `/v1`; empty: OpenAI's. `prompt`: a few sentences as they are usually said."""
        if not model:
            raise TranscriptionError('Which model shall transcribe? Set stt_model = "…" in otto.toml.')
        if not usable(address or OPENAI):
            raise TranscriptionError(
                "OPENAI_BASE_URL is no web address such as http://localhost:8000/v1, without a password"
            )
        if not address and not key:
            raise TranscriptionError("There is nobody to ask for a transcript: set OPENAI_BASE_URL or OPENAI_API_KEY.")
        self._address = (address or OPENAI).rstrip("/")
        self._fields = {"model": model, "language": language, "response_format": "json"}
        if prompt:
            self._fields["prompt"] = prompt
        self._language = language
        self._key = key
        self._seconds = seconds
        self._snap = snap

    @classmethod
    def of_environment(cls, model: str, **options: Any) -> Hosted:
        """At `OPENAI_BASE_URL` with `OPENAI_API_KEY`. Raises `TranscriptionError` where something is missing."""
        environment = os.environ
        return cls(environment.get("OPENAI_BASE_URL", ""), model=model, key=environment.get("OPENAI_API_KEY", ""),
                   **options)  # fmt: skip

    def listen(self) -> Collected:
        return Collected(self.transcribe)

    def transcribe(self, chunks: Sequence[AudioChunk]) -> Transcript:
        """All at once. Raises `TranscriptionError`."""
        seconds = len(chunks) * CHUNK_SAMPLES / RATE
        if not chunks:
            return Transcript("", self._language, 0.0, seconds)
        answer = self._asked(wav(np.concatenate([chunk.samples for chunk in chunks])))
        text = " ".join(str(answer["text"]).split())
        language = answer.get("language")
        known = language if isinstance(language, str) and len(language) == 2 else self._language
        return Transcript(self._snap(text), known, UNSURE if text else 0.0, seconds)

    def _asked(self, sound: bytes) -> dict[str, Any]:
        import httpx

        from otto.network.fetch import transport

        door = transport(**reach(self._address), seconds=self._seconds)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        with httpx.Client(transport=door, trust_env=False) as client:
            try:
                answer = client.post(
                    f"{self._address}/audio/transcriptions",
                    data=self._fields,
                    files={"file": ("speech.wav", sound, "audio/wav")},
                    headers=headers,
                )
            except FetchError as error:
                raise TranscriptionError(f"The transcription service could not be reached: {error}") from error
            except httpx.HTTPError as error:
                raise TranscriptionError("The transcription service could not be reached.") from error
        if answer.status_code >= 400:
            # Servers repeat the key in their complaint, so none of it is shown.
            raise TranscriptionError(_REFUSALS.get(answer.status_code, _REFUSED.format(answer.status_code)))
        try:
            content = answer.json()
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TranscriptionError(_UNREADABLE) from error
        if not isinstance(content, dict) or not isinstance(content.get("text"), str):
            raise TranscriptionError(_UNREADABLE)
        return content


_REFUSED = "The transcription service answered with error {}."
_UNREADABLE = "The transcription service answered with something that holds no transcript."
_REFUSALS = {
    401: "The transcription service refused the key: check OPENAI_API_KEY.",
    403: "The transcription service refused the key: check OPENAI_API_KEY.",
    404: "The transcription service has no such model or address: check stt_model and OPENAI_BASE_URL.",
    413: "The transcription service finds the recording too long.",
    429: "The transcription service has too much to do, or the key's limit is used up. Try again later.",
}
