"""The voice loop: somebody says something, it is done, and Otto answers.

    confirmation = SpokenConfirmation(speaker, attention)
    with Assistant(settings, confirmation.ask) as otto:
        loop = VoiceLoop(otto, source, engine, Parts(...), audience)
        loop.run()                          # until the recording ends, or `stop` is called from another thread

Three threads, joined by queues that have an end (docs/reliability.md 5.4): the ears find utterances, the thread that
called `run` transcribes and routes them, and the command queue carries them out, one at a time, while two wait. Nothing
that was said to Otto is lost in silence: what finds no room is refused aloud. "Stop" and "cancel" do not wait: they
silence the voice, end the command under way and drop those that wait.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from otto.answer import is_stop
from otto.audio.chunk import AudioChunk
from otto.audio.endpoint import Endpoint, Hangover
from otto.audio.interruption import Interruption
from otto.audio.standin import Source
from otto.audio.stt import SpeechToText
from otto.audio.tts import Speaker
from otto.audio.wake import FEW_WORDS, Spotter
from otto.commandqueue import BUSY, DROPPED, CommandQueue, Job, Mode
from otto.conversation import Conversation
from otto.errors import OttoError
from otto.routers.followup import NAME as FOLLOW_UP
from otto.turn import Turn, Understood, lacking
from otto.voice.attention import ASKED_SECONDS, CALLED_SECONDS, Attention
from otto.voice.confirmation import SpokenConfirmation
from otto.voice.ears import Ears
from otto.voice.hearer import Heard, Hearer

log = logging.getLogger(__name__)

UNSURE = "I did not catch that."
SURE = 0.4
"""Confidence of a transcript below which nothing is done."""
CALLED_SURE, CALLED_ROUTE = 0.5, 0.6
"""The same where a wake phrase was heard, and the confidence that the route has to have: words that only sound like the
phrase are followed by words that only sound like a command."""
CERTAIN = 1.5
"""Log odds from which it is beyond doubt that the phrase was said."""
FEW_SURE = 1.0
"""Log odds that are needed where few words follow the phrase, or none, which opens attention for any."""
DOUBTED_ROUTE = 0.8
"""Confidence that the route has to have where it is not."""
ANSWERED_SURE = 0.8
"""Confidence from which a sentence after the wake phrase is answered even though it is no command."""
FINISH_SECONDS = 3.0
"""How long the command under way may take when the loop ends."""
SPEAKING_SECONDS = 120.0
"""Longest reply."""


class Audience(Protocol):
    """Who is told what happens: a terminal, a log, a test. Called from several threads."""

    def note(self, sentence: str) -> None:
        """Something about the loop itself: the microphone is gone, or back."""

    def partial(self, words: str) -> None:
        """Words heard so far."""

    def heard(self, heard: Heard) -> None:
        """An utterance is over; it may not have been meant for Otto."""

    def answered(self, turn: Turn) -> None:
        """A command was carried out."""

    def refused(self, text: str, sentence: str) -> None:
        """A command was not carried out because there was no room, or because of a "stop"."""


class Commanded(Protocol):
    """What the loop needs of an `Assistant`."""

    def understand(self, text: str, conversation: Conversation | None = None) -> Understood: ...

    def carry_out(self, understood: Understood, *, dry_run: bool = False) -> Turn: ...

    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop is made of beside the assistant."""

    source: Source
    engine: SpeechToText
    voice: Callable[[AudioChunk], float]
    """Probability of speech in a chunk."""
    speaker: Speaker
    attention: Attention
    confirmation: SpokenConfirmation
    spotter: Spotter | None = None
    """None: every utterance is transcribed."""
    hangover: float = 0.6
    dry_run: bool = False
    mode: Callable[[str], Mode] = lambda skill: "queued"
    """How a skill's commands wait for one another."""
    record: Callable[[Sequence[AudioChunk]], None] = lambda chunks: None
    """Gets each utterance that was transcribed; nothing of it is kept otherwise."""


class VoiceLoop:
    """Runs once."""

    def __init__(
        self,
        otto: Commanded,
        parts: Parts,
        audience: Audience,
        *,
        once: bool = False,
        commands: CommandQueue | None = None,
    ) -> None:
        """`once`: it ends after the first command that is meant for Otto. `commands`: a queue that is shared with
        others, who close it; its own when None."""
        self.commands = commands or CommandQueue(cancel=otto.cancel)
        self._own_commands = commands is None
        self.handled = 0
        """Commands that were answered or refused."""
        self.conversation = Conversation()
        """What is said at this microphone."""
        self._otto = otto
        self._parts = parts
        self._audience = audience
        self._once = once
        self._speaker = parts.speaker
        self._attention = parts.attention
        self._confirmation = parts.confirmation
        self._stopped = threading.Event()
        self._interruptions = 0
        """Counts "stop"s: a reply to what was said before one is not spoken."""
        self.ears = Ears(
            parts.source,
            parts.voice,
            Endpoint(Hangover(parts.hangover)),
            deaf=lambda: self._speaker.deaf,
            lost=lambda: self._refuse("", BUSY),
            interruption=Interruption(parts.voice, lambda: self._speaker.playback),
            interrupted=self._fall_silent,
            push_only=parts.attention.mode == "push",
        )
        self.hearer = Hearer(
            parts.engine,
            parts.attention,
            lambda text: otto.understand(text, self.conversation),
            parts.spotter,
            answering=lambda: self._confirmation.pending,
            partial=self._partial,
            record=parts.record,
        )
        self._speaker.hold = self._listening_to_somebody

    def run(self, seconds: float | None = None) -> None:
        """Until the source ends, `stop` is called, or nothing was begun for `seconds`. Then everything is finished."""
        self.ears.start()
        waited_since = time.monotonic()
        try:
            while not self._stopped.is_set():
                try:
                    sound = self.ears.sounds.get(timeout=0.2)
                except queue.Empty:
                    if seconds is not None and time.monotonic() - waited_since > seconds and self.commands.idle:
                        break
                    continue
                if sound is None:
                    break
                waited_since = time.monotonic()
                if heard := self.hearer(sound):
                    self._act(heard)
            self.commands.wait_idle(SPEAKING_SECONDS if not self._stopped.is_set() else 0)
        finally:
            self._finish()

    def stop(self) -> None:
        """Ends `run` soon; may be called from any thread or a signal's handler."""
        self._stopped.set()

    @property
    def trouble(self) -> str:
        """Why nothing is heard at the moment; empty while all is well."""
        return str(getattr(self._parts.source, "trouble", ""))

    @property
    def can_speak(self) -> bool:
        """Whether there is a voice."""
        return self._speaker.voice is not None

    def begin(self) -> None:
        """Push to talk: everything from now to `end` is for Otto. What it is saying ends."""
        self._speaker.stop()
        self.ears.begin()

    def end(self) -> None:
        """The key is up."""
        self.ears.end()

    def interrupt(self) -> bool:
        """Silence, the command under way ended, those that wait dropped, a question answered with no. Whether there was
        anything of that."""
        self._interruptions += 1
        silenced = self._speaker.stop()
        busy = not self.commands.idle
        self.commands.clear()
        self._confirmation.refuse()
        self._otto.cancel()
        return silenced or busy

    def _listening_to_somebody(self) -> bool:
        """Whether a reply would make a command unheard that has been begun."""
        return self._parts.source.live and self.ears.endpoint.speaking and not self.hearer.overhearing

    def _fall_silent(self) -> None:
        """Somebody speaks while Otto does: what they want is heard afterwards."""
        self._speaker.stop()

    def _partial(self, words: str) -> None:
        self.ears.endpoint.partial = words
        self._audience.partial(words)

    def _act(self, heard: Heard) -> None:
        """What to do about an utterance."""
        self._audience.heard(heard)
        if heard.problem:
            self.say(heard.problem)
        if heard.command is None or not heard.transcript.text:
            return
        sure = heard.transcript.confidence >= SURE
        if self._confirmation.pending:
            self._confirmation.hear(heard.command, sure=sure)
        elif heard.called and not meant(heard, self._attention):
            log.info("that was hardly meant for Otto")
        elif not heard.command:
            self._attention.open(CALLED_SECONDS)
        elif not sure:
            if self._attention.mode != "always" or heard.pushed:
                self._refuse(heard.command, UNSURE)
        elif is_stop(heard.command) or _is_stop(heard.understood):
            self._stop_everything(heard)
        elif heard.understood and self._wanted(heard, heard.understood):
            self._enqueue(heard, heard.understood)

    def _wanted(self, heard: Heard, understood: Understood) -> bool:
        """Whether to answer: what was only overheard has to be a command, not just be understood as none."""
        overheard = self._attention.mode == "always" and not heard.pushed
        return not (understood.route.rejected and overheard)

    def _stop_everything(self, heard: Heard) -> None:
        interrupted = self.interrupt() or heard.interrupting
        if not interrupted and heard.understood and heard.understood.route.router == FOLLOW_UP:
            self._enqueue(heard, heard.understood)  # "cancel that" where nothing is under way: what was done last
            return
        if heard.understood and _is_stop(heard.understood):
            turn = self._carry_out(heard, heard.understood)
            nothing_rang = interrupted and "Nothing" in turn.reply.text
            self._audience.answered(turn)
            if not nothing_rang:
                self.say(turn.reply.text)
        self._handled()

    def _enqueue(self, heard: Heard, understood: Understood) -> None:
        number = self._interruptions
        job = Job(
            run=lambda: self._do(heard, understood, number),
            drop=lambda: self._audience.refused(understood.text, DROPPED),
            skill=understood.route.calls[0].name,
            mode=self._parts.mode(understood.route.calls[0].name),
        )
        while not self.commands.put(job):
            if self._parts.source.live or self._stopped.is_set():
                self._refuse(understood.text, BUSY)
                return
            self.commands.wait_idle(0.2)
        while not (self._parts.source.live or self._confirmation.pending or self.commands.wait_idle(0.02)):
            pass  # nobody in a recording waits for an answer, so it is held until the command is done

    def _do(self, heard: Heard, understood: Understood, number: int) -> None:
        """In the command queue's thread: carry it out, answer it."""
        turn = self._carry_out(heard, understood)
        self._audience.answered(turn)
        if number == self._interruptions and not self.commands.superseded:
            self._answer(turn.reply.text, asked=turn.asked is not None)
        self._handled()

    def _carry_out(self, heard: Heard, understood: Understood) -> Turn:
        waited = time.monotonic() - heard.spoken_until
        timings = {**understood.timings_ms, "speech_to_call": 1000 * waited}
        return self._otto.carry_out(replace(understood, timings_ms=timings), dry_run=self._parts.dry_run)

    def _answer(self, text: str, *, asked: bool) -> None:
        speech = self.say(text)
        if speech:
            speech.join(SPEAKING_SECONDS)
        if asked or text.rstrip().endswith("?"):
            self._attention.open(ASKED_SECONDS)

    def _refuse(self, text: str, sentence: str) -> None:
        self._audience.refused(text, sentence)
        self.say(sentence)
        self._handled()

    def say(self, text: str) -> threading.Thread | None:
        """Speaks it after what is being said; a thread to wait for, None where nothing can speak."""
        try:
            return self._speaker.say(text)
        except OttoError as error:
            self._audience.note(str(error))
            return None

    def _handled(self) -> None:
        self.handled += 1
        if self._once:
            self.stop()

    def _finish(self) -> None:
        """Each with its limit (docs/reliability.md 5.6): whoever waits for this process does not wait longer."""
        if not self.ears.stop():
            log.warning("the microphone did not close in time")
        self._confirmation.refuse()
        if self._own_commands and not self.commands.close(FINISH_SECONDS):
            log.warning("a command did not finish in time")
        self._speaker.stop()


def meant(heard: Heard, attention: Attention) -> bool:
    """Whether an utterance in which the wake phrase was heard can be believed to have begun with it."""
    confidence, sure = heard.transcript.confidence, heard.sureness
    route = heard.understood.route if heard.understood else None
    if attention.mentioned(heard.command or ""):
        return False  # who speaks to Otto says the name once, at the beginning
    if sure is not None and sure < (FEW_SURE if len((heard.command or "").split()) <= FEW_WORDS else 0):
        return False
    if route is None or route.rejected:
        return confidence >= ANSWERED_SURE
    if heard.understood and route.confidence < CALLED_ROUTE and lacking(heard.understood):
        return confidence >= ANSWERED_SURE  # Otto will ask for what is missing
    if sure is None:
        return confidence >= CALLED_SURE and route.confidence >= CALLED_ROUTE
    return route.confidence >= (CALLED_ROUTE if sure > CERTAIN else DOUBTED_ROUTE)


def _is_stop(understood: Understood | None) -> bool:
    return understood is not None and all(call.name == "stop" for call in understood.route.calls)
