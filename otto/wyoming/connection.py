"""One connection of a Home Assistant or a satellite: its events, and what Otto answers.

| event                                 | answer                                                    |
|---|---|
| `describe`                            | `info`                                                    |
| `transcribe`, sound, `audio-stop`     | `transcript`                                              |
| `recognize`                           | `intent`; several: `intents-start` … `intents-stop`; or `not-recognized` |
| `transcript`, `intent`, several intents | `handled` or `not-handled`                              |
| `synthesize`; `synthesize-start` …    | `audio-start`, `audio-chunk`…, `audio-stop`               |
| `detect`, sound                       | `detection`, or `not-detected` when the sound ends        |
| `ping`                                | `pong`                                                    |

(Wyoming 1.10: `wyoming/*.py` of its package.) What must be confirmed is asked back as a sentence; a yes in the next
transcript of the same conversation does it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped
from wyoming.wake import Detect, Detection, NotDetected

from otto.answer import yes_or_no
from otto.audio.chunk import AudioChunk as Chunk
from otto.audio.synthesis import synthesise
from otto.audio.tts import find_voice
from otto.call import Argument, Call, parse
from otto.errors import CallSyntaxError, OttoError
from otto.route import Route
from otto.service.parts import Service
from otto.service.schema import Answered
from otto.turn import NOT_UNDERSTOOD, Understood
from otto.wyoming.describe import info
from otto.wyoming.sound import Incoming
from otto.wyoming.wakeword import WakeWatch

MOST_CHUNKS = 60 * 16_000 // 512
"""Chunks of one utterance that are kept: a minute."""
MOST_TEXT = 4_000
"""Characters that are read out in one go."""
MOST_INTENTS = 8
SOUND_BYTES = 4_096
"""Bytes of sound in one event of ours."""

_SENTENCE = re.compile(r".*?[.!?:]+(?=\s)\s*", re.DOTALL)


class Connection:
    """What is known of one connection."""

    def __init__(self, service: Service, questions: dict[str, str]) -> None:
        """`questions`: what waits for a yes, by conversation; shared by all connections, for each may say one thing."""
        self._service = service
        self._questions = questions
        self._name = secrets.token_hex(8)
        self._incoming = Incoming()
        self._heard: list[Chunk] = []
        self._watch: WakeWatch | None = None
        self._named: frozenset[str] = frozenset()
        self._detected = False
        self._intents: list[Intent] | None = None
        self._unsaid: str | None = None
        """Text that is streamed in and not read out yet; None: none is."""

    async def answers(self, event: Event) -> AsyncIterator[Event]:
        """What is to be sent back. Whatever is wrong with the event is an answer, too."""
        try:
            async for answer in self._answers(event):
                yield answer.event()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            yield Error(f"{event.type}: not understood ({type(error).__name__})", "bad-event").event()
        except OttoError as error:
            yield Error(str(error), type(error).__name__).event()

    async def _answers(self, event: Event) -> AsyncIterator[Eventable]:
        kind = event.type
        if Describe.is_type(kind):
            yield await self._described()
        elif Ping.is_type(kind):
            yield Pong(Ping.from_event(event).text)
        elif Recognize.is_type(kind):
            asked = Recognize.from_event(event)
            for each in await self._recognised(asked.text, asked.context):
                yield each
        elif Transcript.is_type(kind):
            said = Transcript.from_event(event)
            yield await self._handled(said.text, said.context)
        elif kind in ("intent", "intents-start", "intents-stop"):
            async for answer in self._intended(event):
                yield answer
        elif kind.startswith("synthesize"):
            async for answer in self._spoken(event):
                yield answer
        elif kind.startswith("audio-") or kind in ("transcribe", "detect"):
            async for answer in self._sounded(event):
                yield answer

    async def _described(self) -> Eventable:
        settings, router = self._service.otto.settings, self._service.otto.live.ready.router.name
        return info(settings, settings.stt, router, find_voice(settings.voice))

    async def _recognised(self, text: str, context: Mapping[str, Any] | None) -> list[Eventable]:
        routed = await self._service.turns.route(text, self._conversation(context))
        kept = dict(context) if context else None
        if routed.rejected:
            return [NotRecognized(NOT_UNDERSTOOD, kept)]
        calls = [call for written in routed.calls for call in parse(written)]
        intents = [Intent(call.name, [Entity(*pair) for pair in _entities(call)], context=kept) for call in calls]
        return list(intents) if len(intents) == 1 else [IntentsStart(kept), *intents, IntentsStop(kept)]

    async def _handled(self, text: str, context: Mapping[str, Any] | None) -> Eventable:
        turns, conversation = self._service.turns, self._conversation(context)
        waiting = self._questions.pop(conversation, "")
        yes = yes_or_no(text) if waiting else None
        if yes is not None:
            return self._told(await turns.confirm(waiting, yes=yes), conversation, context)
        return self._told(await turns.ask(text, conversation=conversation), conversation, context)

    async def _intended(self, event: Event) -> AsyncIterator[Eventable]:
        """Intents that somebody else, or Otto before, has recognised."""
        if IntentsStart.is_type(event.type):
            self._intents = []
        elif Intent.is_type(event.type):
            intent = Intent.from_event(event)
            if self._intents is None:
                yield await self._carried_out([intent], intent.context)
            elif len(self._intents) < MOST_INTENTS:
                self._intents.append(intent)
        elif self._intents is not None:
            intents, self._intents = self._intents, None
            if intents:
                yield await self._carried_out(intents, IntentsStop.from_event(event).context or intents[0].context)

    async def _carried_out(self, intents: Iterable[Intent], context: Mapping[str, Any] | None) -> Eventable:
        calls = tuple(Call(intent.name, _arguments(intent)) for intent in intents)
        ready = self._service.otto.live.ready
        said = "; ".join(map(str, calls))
        answered = await self._service.turns.carry_out(Understood(said, Route(calls, 1.0, "wyoming"), ready, {}))
        return self._told(answered, self._conversation(context), context)

    def _told(self, answered: Answered, conversation: str, context: Mapping[str, Any] | None) -> Eventable:
        if answered.confirm:
            self._questions[conversation] = answered.confirm
            while len(self._questions) > 100:
                self._questions.pop(next(iter(self._questions)))
        kept = dict(context) if context else None
        done = answered.ok or bool(answered.question)
        return Handled(answered.reply, kept) if done else NotHandled(answered.reply, kept)

    def _conversation(self, context: Mapping[str, Any] | None) -> str:
        """Home Assistant opens a connection for each event and names the conversation in the context."""
        named = context.get("conversation_id") if context else None
        return re.sub(r"[^A-Za-z0-9_-]", "-", str(named))[:64] if named else self._name

    async def _sounded(self, event: Event) -> AsyncIterator[Eventable]:
        if Transcribe.is_type(event.type):
            self._watch = None
        elif Detect.is_type(event.type):
            self._named = frozenset(Detect.from_event(event).names or ())
            phrases = self._service.otto.settings.wake_phrases  # all: the longer ones are hard to spot alone
            self._watch = await self._in_thread(lambda: WakeWatch(phrases))
        elif AudioStart.is_type(event.type):
            self._incoming, self._heard, self._detected = Incoming(), [], False
        elif AudioChunk.is_type(event.type):
            sent = AudioChunk.from_event(event)
            chunks = self._incoming.chunks(sent)
            if self._watch is None:
                self._heard += chunks[: MOST_CHUNKS - len(self._heard)]
            elif not self._detected and (watch := self._watch):
                self._detected = await self._in_thread(lambda: any([watch(chunk) for chunk in chunks]))
                if self._detected:
                    yield Detection(self._name_asked_for(), sent.timestamp)
        elif AudioStop.is_type(event.type):
            if self._watch is None:
                yield await self._in_thread(self._transcribed)
            elif not self._detected:
                yield NotDetected()

    def _name_asked_for(self) -> str:
        """The name of a wake phrase: one that was asked for where it is known, else the first."""
        known = [phrase.replace(" ", "_") for phrase in self._service.otto.settings.wake_phrases]
        return next((name for name in known if name in self._named), known[0])

    def _transcribed(self) -> Transcript:
        chunks, self._heard = self._heard, []
        with self._service.engines.lend() as engine:
            hearing = engine.listen()
            for chunk in chunks:
                hearing.feed(chunk)
            transcript = hearing.finish()
        return Transcript(transcript.text, language=transcript.language)

    async def _spoken(self, event: Event) -> AsyncIterator[Eventable]:
        if SynthesizeStart.is_type(event.type):
            self._unsaid = ""
        elif SynthesizeChunk.is_type(event.type):
            if self._unsaid is None:
                return
            self._unsaid = (self._unsaid + SynthesizeChunk.from_event(event).text)[:MOST_TEXT]
            while found := _SENTENCE.match(self._unsaid):
                self._unsaid = self._unsaid[found.end() :]
                async for part in self._said(found[0]):
                    yield part
        elif SynthesizeStop.is_type(event.type):
            rest, self._unsaid = self._unsaid or "", None
            if rest.strip():
                async for part in self._said(rest):
                    yield part
            yield SynthesizeStopped()
        elif Synthesize.is_type(event.type) and self._unsaid is None:  # else it repeats what was streamed
            async for part in self._said(Synthesize.from_event(event).text[:MOST_TEXT]):
                yield part

    async def _said(self, text: str) -> AsyncIterator[Eventable]:
        settings = self._service.otto.settings
        spoken = await self._in_thread(lambda: synthesise(find_voice(settings.voice), text))
        sound = spoken.samples.astype("<i2").tobytes()
        form = {"rate": spoken.rate, "width": 2, "channels": 1}
        yield AudioStart(timestamp=0, **form)
        for begin in range(0, len(sound), SOUND_BYTES):
            milliseconds = 1000 * begin // (2 * spoken.rate)
            yield AudioChunk(audio=sound[begin : begin + SOUND_BYTES], timestamp=milliseconds, **form)
        yield AudioStop(timestamp=1000 * len(sound) // (2 * spoken.rate))

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await self._service.turns.in_thread(work)


def _entities(call: Call) -> list[tuple[str, Any]]:
    return [(name, list(value) if isinstance(value, tuple) else value) for name, value in call.arguments.items()]


def _arguments(intent: Intent) -> dict[str, Argument]:
    """Raises `ValueError` for an entity that no call can hold."""
    found: dict[str, Argument] = {}
    for entity in intent.entities:
        value = tuple(entity.value) if isinstance(entity.value, list) else entity.value
        if value is not None:
            found[entity.name] = value
    try:
        parse(str(Call(intent.name, found)))
    except CallSyntaxError as error:
        raise ValueError(str(error)) from error
    return found
