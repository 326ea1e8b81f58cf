"""An assistant without skills, an audience that writes everything down, and a loop made of fakes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import AudioChunk
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import Recorded, chunks
from otto.audio.tts import Speaker
from otto.call import Call, parse
from otto.conversation import Conversation
from otto.dispatch import Result
from otto.reply import Reply
from otto.route import Question, Route
from otto.turn import Turn, Understood, clean
from otto.voice.attention import Attention
from otto.voice.confirmation import SpokenConfirmation
from otto.voice.hearer import Heard
from otto.voice.loop import Parts, VoiceLoop

WAKE = ("otto", "hey otto")


class EchoOtto:
    """Understands "say X", "stop", "ask X", "wonder", which asks back, and "cancel that", and nothing else; a command
    takes `seconds`, or until `let_go`."""

    def __init__(self, seconds: float = 0.0, confirmation: SpokenConfirmation | None = None) -> None:
        self.seconds = seconds
        self.confirmation = confirmation
        self.done: list[str] = []
        self.understood = 0
        self.cancelled = threading.Event()
        self._let_go = False

    def understand(self, text: str, conversation: Conversation | None = None) -> Understood:
        self.understood += 1
        said = clean(text)
        name = {"say": "say", "stop": "stop", "ask": "ask", "wonder": "wonder"}.get(said.split()[0], "other")
        call = Call(name, {"text": said}) if name in ("say", "ask") else parse(f"{name}()")[0]
        ready: Any = None
        if said == "cancel that" and self.done:
            return Understood(said, Route(parse("undo()"), 0.9, "followup"), ready, {"route": 0.1})
        return Understood(said, Route((call,), 0.9, "echo"), ready, {"route": 0.1})

    def carry_out(self, understood: Understood, *, dry_run: bool = False) -> Turn:
        (call,) = understood.route.calls
        ok = True
        if call.name == "ask" and self.confirmation:
            skill: Any = None
            ok = self.confirmation.ask(skill, call)
        elif call.name == "say":
            self.cancelled.clear()
            ok = not self.cancelled.wait(self.seconds) or self._let_go
        if ok:
            self.done.append(understood.text)
        result = Result(call, "ran" if ok else "failed", value=f"Done: {understood.text}." if ok else "")
        reply = Reply(result.value or "That was not done.")
        asked = Question((call,), "text") if call.name == "wonder" else None
        return Turn(understood.text, understood.route, (result,), reply, understood.timings_ms, asked=asked)

    def cancel(self) -> None:
        self.cancelled.set()

    def let_go(self) -> None:
        """From now on nothing takes time."""
        self.seconds, self._let_go = 0.0, True
        self.cancelled.set()


@dataclass
class Notebook:
    """An `Audience` that remembers."""

    notes: list[str] = field(default_factory=list)
    utterances: list[Heard] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def partial(self, words: str) -> None:
        pass

    def heard(self, heard: Heard) -> None:
        self.utterances.append(heard)

    def answered(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.at.append(time.monotonic())

    def refused(self, text: str, sentence: str) -> None:
        self.refusals.append((text, sentence))
        self.refused_at.append(time.monotonic())


class LiveSource:
    """Sound in real time, or `speed` times as fast, from a list that grows; nothing waits for the listener."""

    live = True
    ended = False

    def __init__(self, sound: NDArray[np.int16], speed: float = 1.0) -> None:
        self._chunks = chunks(sound, tail=1.0)
        self._seconds = 0.032 / speed
        self._next = time.monotonic()
        self.heard = 0.0
        """Seconds of sound so far."""

    def read(self, seconds: float) -> AudioChunk | None:
        self._next = max(self._next + self._seconds, time.monotonic() - 0.2)
        time.sleep(max(0.0, self._next - time.monotonic()))
        self.heard += 0.032
        chunk = next(self._chunks, None)
        self.ended = chunk is None
        return chunk

    def close(self) -> None:
        pass


@dataclass
class Rig:
    """A voice loop of fakes, for a language of tones."""

    loop: VoiceLoop
    otto: EchoOtto
    audience: Notebook
    speaker: Speaker
    engine: ScriptedSpeech
    attention: Attention
    source: LiveSource | Recorded


def rig(
    *said: str,
    live: float = 0.0,
    seconds: float = 0.0,
    silence: float = 1.0,
    mode: Any = "wake",
    speaker: Speaker | None = None,
    once: bool = False,
    answer_seconds: float = 1.0,
    slow: float = 0.0,
) -> Rig:
    """`said` one after another, with `silence` in between. `live`: how many times as fast as real time; 0: a recording.
    `seconds`: what a command takes; `slow`: what transcribing takes."""
    engine = ScriptedSpeech(*dict.fromkeys(said), seconds=slow)
    sound = np.concatenate([np.zeros(8000, np.int16), *(engine.say(each, silence=silence) for each in said)])
    speaker = speaker or Speaker(None)
    attention = Attention(mode, WAKE)
    confirmation = SpokenConfirmation(speaker, attention, seconds=answer_seconds)
    otto = EchoOtto(seconds, confirmation)
    audience = Notebook()
    source = LiveSource(sound, live) if live else Recorded(chunks(sound))
    parts = Parts(source, engine, loudness, speaker, attention, confirmation)
    return Rig(VoiceLoop(otto, parts, audience, once=once), otto, audience, speaker, engine, attention, source)
