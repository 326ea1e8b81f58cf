"""What programs that speak OpenAI's API may ask for: `/v1/models`, chat, transcriptions, speech.

client = openai.OpenAI(base_url="http://127.0.0.1:8765/v1", api_key=token)
client.chat.completions.create(model="otto", messages=[{"role": "user", "content": "set a timer for ten minutes"}])
"""

from __future__ import annotations

import time
from contextlib import aclosing

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from otto.service import openaischema as shape
from otto.service.api import transcribed
from otto.service.chat import MODEL, Completions
from otto.service.operation import EVENTS, FORM, JSON, SOUND_BYTES, Answer, Given, Operation
from otto.service.parts import Service
from otto.service.refusal import Refusal

CHAT_BYTES = 1 << 20
"""Largest request for a completion: schemas of tools, and a whole conversation."""
PCM_RATE = 24_000
"""Samples a second of `pcm`, as OpenAI's are."""
_TAG = "openai"


def operations(service: Service) -> list[Operation]:
    """All of them."""
    api = _OpenAI(service)
    return [
        Operation(
            "GET",
            "/v1/models",
            "The one model that there is",
            api.models,
            answers=shape.Models,
            failure=shape.Failure,
            tag=_TAG,
        ),
        Operation(
            "POST",
            "/v1/chat/completions",
            "Carry out what was said, or say which of the caller's tools to call",
            Completions(service).run,
            takes=shape.Chat,
            answers=shape.Completion,
            answers_media=(*JSON, EVENTS),
            most_bytes=CHAT_BYTES,
            refusals=(404, 409, 503),
            failure=shape.Failure,
            tag=_TAG,
        ),
        Operation(
            "POST",
            "/v1/audio/transcriptions",
            "Write down what is said in a recording of at most 15 s",
            api.transcribe,
            form=shape.TranscriptionForm,
            answers=shape.Transcription,
            answers_media=("application/json", "text/plain"),
            media=FORM,
            most_bytes=SOUND_BYTES,
            refusals=(503,),
            failure=shape.Failure,
            tag=_TAG,
        ),
        Operation(
            "POST",
            "/v1/audio/speech",
            "Read a text out",
            api.speak,
            takes=shape.Speech,
            answers_media=("audio/wav", "audio/pcm"),
            refusals=(503,),
            failure=shape.Failure,
            tag=_TAG,
        ),
    ]


class _OpenAI:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._since = int(time.time())

    async def models(self, given: Given) -> shape.Models:
        return shape.Models(data=[shape.Model(id=MODEL, created=self._since)])

    async def transcribe(self, given: Given) -> Answer:
        sound, form = await _form(given.request)
        heard = await self._service.slowly(lambda: transcribed(self._service, sound))
        match form.get("response_format", "json"):
            case "text":
                return PlainTextResponse(heard.text + "\n")
            case "verbose_json":
                segment = {"id": 0, "start": 0.0, "end": heard.seconds, "text": heard.text}
                return shape.TranscriptionWhole(
                    text=heard.text, language=heard.language, duration=heard.seconds, segments=[segment]
                )
        return shape.Transcription(text=heard.text)

    async def speak(self, given: Given) -> Response:
        asked: shape.Speech = given.body
        return await self._service.slowly(lambda: self._spoken(asked))

    def _spoken(self, asked: shape.Speech) -> Response:
        from otto.audio.recording import resampled
        from otto.audio.synthesis import synthesise
        from otto.audio.tts import find_voice

        started = time.perf_counter()
        voice = find_voice(self._service.otto.settings.voice, played=False)
        spoken = synthesise(voice, asked.input)
        self._service.metrics.stage("speak", 1000 * (time.perf_counter() - started))
        if asked.response_format == "wav":
            return Response(spoken.wav(), media_type="audio/wav")
        samples = resampled(spoken.samples.astype(np.float32), spoken.rate, PCM_RATE)
        return Response(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes(), media_type="audio/pcm")


class _InMemory(MultiPartParser):
    """Nothing that was recorded touches the disk, however long it is."""

    spool_max_size = SOUND_BYTES


async def _form(request: Request) -> tuple[bytes, dict[str, str]]:
    """The sound, and the fields beside it. Raises `Refusal`."""
    try:
        async with aclosing(request.stream()) as stream:
            form = await _InMemory(request.headers, stream, max_files=1, max_fields=20, max_part_size=65_536).parse()
    except MultiPartException as error:
        raise Refusal(422, f"The form cannot be read: {error.message}") from None
    try:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        known = ("json", "text", "verbose_json")
        if fields.get("response_format", "json") not in known:
            raise Refusal(422, f"response_format: must be one of {', '.join(known)}")
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(422, "file: the recording is missing")
        return await file.read(), fields
    finally:
        await form.close()
