"""`/api/listen`: a WebSocket that takes sound and tells what is heard, understood and done.

In: binary frames of 16-bit little-endian mono samples at 16 kHz, and JSON:

    {"type": "begin"} {"type": "end"}       a key is pressed and released: what is said in between is one command;
                                            without them a command ends where a pause is
    {"type": "yes"} {"type": "no"}          the answer to a question; it may be spoken, too
    {"type": "cancel"}                      forget what is being said, end what is being done

Out: JSON, each with a `type`: `ready`, `level` (dB below full scale, ten times a second), `speech` (somebody began),
`partial`, `transcript`, `route`, `question`, `result` (one a call), `reply`, `refused`, `error`. Who has opened it has
pressed a button: no wake phrase is needed, and everything is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from otto.answer import yes_or_no
from otto.audio.endpoint import Began, Endpoint, Hangover
from otto.audio.stt import SpeechToText
from otto.commandqueue import BUSY
from otto.conversation import Conversation
from otto.errors import OttoError
from otto.service.parts import Service
from otto.service.refusal import Refusal
from otto.service.schema import Answered, routed
from otto.service.sent import Sent
from otto.voice.attention import Attention
from otto.voice.ears import Ears
from otto.voice.hearer import Heard, Hearer
from otto.voice.loop import SURE, UNSURE

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""A connection over which neither sound nor a word comes for so long is closed."""
PATIENCE_SECONDS = 1.5
"""How long somebody waits for another to finish, before being told that too many speak."""
MOST_FRAME = 65_536
"""Bytes in one frame: two seconds of sound."""
MOST_EVENTS = 500
"""Events that a slow reader may be behind; then the connection ends."""
_LEVEL_CHUNKS = 3
CLOSED_BUSY, CLOSED_QUIET, CLOSED_WRONG = 1013, 1001, 1003

Event = dict[str, object]


class Listening:
    """Everybody who is connected."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def hold(self, websocket: WebSocket) -> None:
        """One connection, from its beginning to its end."""
        await websocket.accept()
        with self._service.metrics.listening.track_inprogress():
            await _Connection(self._service, websocket).hold()


class _Present(Attention):
    """Of somebody who has pressed a button: everything is meant for Otto."""

    @property
    def is_open(self) -> bool:
        return True


class _Connection:
    def __init__(self, service: Service, websocket: WebSocket) -> None:
        self._service = service
        self._websocket = websocket
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | int] = asyncio.Queue()
        """What is to be sent; a number closes the connection with that code."""
        self._source = Sent()
        self._ears: Ears | None = None
        self._conversation = Conversation()
        self._question = ""
        self._chunks = 0
        self._over = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hold(self) -> None:
        hearing = threading.Thread(target=self._hear, name="listening", daemon=True)
        hearing.start()
        sending = asyncio.create_task(self._send())
        try:
            await self._receive()
        except WebSocketDisconnect:
            pass
        finally:
            self._over.set()
            self._source.end()
            if self._question:
                self._service.turns.pending.take(self._question)
            await asyncio.to_thread(hearing.join, 5.0)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    async def _receive(self) -> None:
        while self._websocket.application_state is WebSocketState.CONNECTED:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    message = await self._websocket.receive()
            except TimeoutError:
                await self._websocket.close(CLOSED_QUIET)
                return
            if message["type"] == "websocket.disconnect" or self._over.is_set():
                return
            if (sound := message.get("bytes")) is not None:
                self._hear_more(sound)
            else:
                self._told(message.get("text") or "")

    async def _send(self) -> None:
        while True:
            event = await self._events.get()
            if isinstance(event, int):
                await self._websocket.close(event)
                return
            try:
                await self._websocket.send_json(event)
            except (WebSocketDisconnect, RuntimeError, OSError):
                return  # the other side is gone

    def _tell(self, event: Event | int) -> None:
        """From any thread."""

        def put() -> None:
            if self._events.qsize() < MOST_EVENTS:
                self._events.put_nowait(event)
            else:
                self._over.set()  # it reads nothing; the next thing it sends ends the connection

        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(put)

    def _hear_more(self, sound: bytes) -> None:
        for chunk in self._source.put(sound):
            self._chunks += 1
            if self._chunks % _LEVEL_CHUNKS == 0:
                self._tell({"type": "level", "db": round(chunk.level, 1)})

    def _told(self, text: str) -> None:
        try:
            entry = json.loads(text)
            kind = entry["type"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self._tell({"type": "error", "text": "A message is a JSON object with a type."})
            return
        match kind:
            case "yes" | "no":
                self._answered(kind == "yes")
            case "begin" | "end" if self._ears:
                self._ears.begin() if kind == "begin" else self._ears.end()
            case "cancel":
                self._cancel()
            case _:
                self._tell({"type": "error", "text": "type must be one of begin, end, yes, no, cancel."})

    def _cancel(self) -> None:
        if self._ears:
            self._ears.cancel()
        if self._question:
            self._answered(False)
        else:
            self._service.turns.interrupt()

    def _answered(self, yes: bool) -> None:
        """In the event loop."""
        question, self._question = self._question, ""
        if question:
            self._start(lambda: self._service.turns.confirm(question, yes=yes))
        else:
            self._tell({"type": "error", "text": "Nothing was asked."})

    def _start(self, work: Callable[[], Awaitable[Answered]]) -> None:
        """Does something and tells what came of it; in the event loop."""
        task = asyncio.create_task(self._done(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, work: Callable[[], Awaitable[Answered]]) -> None:
        try:
            answer = await work()
        except OttoError as error:
            self._tell({"type": "refused", "text": str(error)})
            return
        for result in answer.results:
            self._tell({"type": "result", **result.model_dump(mode="json")})
        if answer.confirm:
            self._question = answer.confirm
            self._tell({"type": "question", "text": answer.question, "confirm": answer.confirm})
            return
        ended: Event = {"type": "reply", "text": answer.reply, "ok": answer.ok, "id": answer.id}
        self._tell({**ended, "asks": answer.asks, "timings_ms": answer.timings_ms})

    def _hear(self) -> None:
        """The thread that transcribes and routes."""
        try:
            with self._service.engines.lend(PATIENCE_SECONDS) as engine:
                self._listen(engine)
        except Refusal as refusal:
            self._tell({"type": "error", "text": str(refusal)})
            self._tell(CLOSED_BUSY)
        except OttoError as error:
            self._tell({"type": "error", "text": str(error)})
            self._tell(CLOSED_WRONG)

    def _listen(self, engine: SpeechToText) -> None:
        otto = self._service.otto
        settings = otto.settings
        endpoint = Endpoint(Hangover(settings.hangover_seconds))
        attention = _Present("wake", settings.wake_phrases)
        ears = Ears(
            self._source,
            self._service.engines.activity(),
            endpoint,
            lost=lambda: self._tell({"type": "refused", "text": BUSY}),
        )

        def partial(words: str) -> None:
            if words != endpoint.partial:
                endpoint.partial = words
                self._tell({"type": "partial", "text": words})

        hearer = Hearer(engine, attention, lambda text: otto.understand(text, self._conversation), partial=partial)
        self._ears = ears
        ears.start()
        self._tell({"type": "ready", "stt": engine.name})
        try:
            while not self._over.is_set():
                try:
                    sound = ears.sounds.get(timeout=0.2)
                except queue.Empty:
                    continue
                if sound is None:
                    return
                if isinstance(sound.event, Began) and sound.event.chunks:
                    self._tell({"type": "speech"})
                if heard := hearer(sound):
                    self._act(heard)
        finally:
            ears.stop()

    def _act(self, heard: Heard) -> None:
        """What to do about an utterance; in the thread that transcribes."""
        transcript = heard.transcript
        if heard.problem:
            self._tell({"type": "error", "text": heard.problem})
        sure = transcript.confidence >= SURE
        told: Event = {"type": "transcript", "text": transcript.text, "confidence": round(transcript.confidence, 4)}
        self._tell({**told, "seconds": round(transcript.seconds, 3), "sure": sure})
        command = heard.command
        if not command:
            return
        answer = yes_or_no(command) if self._question else None
        if answer is not None and (sure or not answer):
            self._loop.call_soon_threadsafe(self._answered, answer)
            return
        if not sure:
            self._tell({"type": "refused", "text": UNSURE})
            return
        if heard.understood is None:
            return
        timings = heard.understood.timings_ms
        waited = 1000 * (time.monotonic() - heard.spoken_until)
        understood = replace(heard.understood, timings_ms={**timings, "speech_to_call": waited})
        self._service.metrics.route(understood.route)
        self._tell({"type": "route", **routed(understood.text, understood.route, understood.timings_ms)})
        self._loop.call_soon_threadsafe(self._start, lambda: self._service.turns.carry_out(understood))
