"""One utterance after another, from sound to what is meant, with as much as possible done before it is over.

    >>> hearer = Hearer(engine, attention, otto.understand, spotter)
    >>> while sound := ears.sounds.get():
    ...     if heard := hearer(sound):
    ...         heard.understood.route

While somebody speaks, an engine that can decodes along. At the first 0.2 s of silence the transcript is finished and
routed, so that all is ready when the end is certain; if speech goes on, that work is thrown away. Without attention
nothing is transcribed before the wake phrase was spotted in the sound, and the transcript has to confirm it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from otto.answer import is_stop
from otto.audio.chunk import AudioChunk
from otto.audio.endpoint import CHUNK_SECONDS, Began, Ended, More, Pause, Resumed
from otto.audio.stt import Hearing, Rivalled, SpeechToText, Transcript
from otto.audio.wake import Spotter, sureness
from otto.errors import OttoError
from otto.log import Spoken
from otto.turn import Understood, UtteranceError
from otto.voice.attention import Attention
from otto.voice.ears import Sound

log = logging.getLogger(__name__)

_PHRASE_CHUNKS = round(2.0 / CHUNK_SECONDS)
"""An utterance begins with half a second from before; the wake phrase has been said by then, or it is none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance that is over."""

    transcript: Transcript
    command: str | None
    """Without the wake phrase; empty when it was said alone; None when the utterance was not meant for Otto."""
    understood: Understood | None
    """None when there is no command, or nothing that could be one."""
    spoken_until: float
    """When the last voice was heard (`time.monotonic`)."""
    pushed: bool = False
    """Whether a key began it."""
    called: bool = False
    """Whether only the wake phrase says that it was meant for Otto."""
    interrupting: bool = False
    """Whether Otto was speaking when it began."""
    sureness: float | None = None
    """Log odds that the wake phrase was said, from sound and transcript; None where that cannot be told."""
    problem: str = ""
    """Why it could not be transcribed or understood: a sentence for the user."""


@dataclass(slots=True)
class _Utterance:
    """The one under way."""

    pushed: bool
    open: bool
    """Whether no wake phrase is needed for it."""
    interrupting: bool = False
    chunks: list[AudioChunk] = field(default_factory=list)
    hearing: Hearing | None = None
    rival: Hearing | None = None
    """Hears it without the wake phrase, where that is needed and the engine can."""
    early: Heard | None = None
    """What it was at the last pause."""
    resumed: int = 0


class Hearer:
    """Takes the ears' sounds in order; all of it in one thread."""

    def __init__(
        self,
        engine: SpeechToText,
        attention: Attention,
        understand: Callable[[str], Understood],
        spotter: Spotter | None = None,
        *,
        answering: Callable[[], bool] = lambda: False,
        partial: Callable[[str], None] = lambda words: None,
        record: Callable[[Sequence[AudioChunk]], None] = lambda chunks: None,
    ) -> None:
        """`spotter`: None where no wake phrase is listened for in the sound. `answering`: whether a yes or no is
        awaited: then there is nothing to route. `partial` is told the words heard so far, `record` gets each
        utterance that was transcribed."""
        self.engine = engine
        """May be replaced at any time; the next utterance is heard with the new one."""
        self._attention = attention
        self._understand = understand
        self._spotter = spotter
        self._answering = answering
        self._partial = partial
        self._record = record
        self._now: _Utterance | None = None

    @property
    def overhearing(self) -> bool:
        """Whether what is being said cannot be meant for Otto: it began without the wake phrase. From any thread."""
        now = self._now
        if now is None or self._spotter is None or now.open or now.interrupting:
            return False
        return not (now.hearing or now.early) and len(now.chunks) > _PHRASE_CHUNKS

    def __call__(self, sound: Sound) -> Heard | None:
        """What was said, when this sound ended an utterance that was listened to."""
        match sound.event:
            case Began(chunks):
                self._begin(chunks, sound)
            case More(chunk) if self._now:
                self._add(self._now, chunk)
            case Pause() if self._now and self._now.hearing:
                self._now.early = self._finished(self._now, sound.at)
            case Resumed() if self._now and self._now.early:
                self._now.early = None
                self._now.resumed += 1
                self._listen(self._now)
            case Ended(silence) if self._now:
                return self._end(self._now, sound.at - silence)
        return None

    def _begin(self, chunks: tuple[AudioChunk, ...], sound: Sound) -> None:
        # What is said while Otto speaks has to call it, or be an answer, or a "stop": it may be for somebody else.
        is_open = self._answering() if sound.interrupting else self._attention.is_open
        self._now = _Utterance(sound.pushed, sound.pushed or is_open, sound.interrupting)
        if self._spotter and not (self._now.open or sound.interrupting):
            self._spotter.begin()
        else:
            self._listen(self._now)
        for chunk in chunks:
            self._add(self._now, chunk)

    def _add(self, utterance: _Utterance, chunk: AudioChunk) -> None:
        utterance.chunks.append(chunk)
        if utterance.hearing:
            utterance.hearing.feed(chunk)
            if utterance.rival:
                utterance.rival.feed(chunk)
            if words := utterance.hearing.partial():
                self._partial(words)
        if self._spotter and not (utterance.open or utterance.interrupting):
            spotted = self._spotter(chunk)
            if spotted and not (utterance.hearing or utterance.early):
                self._listen(utterance)

    def _listen(self, utterance: _Utterance) -> None:
        """Hears the utterance from its beginning."""
        rival = self.engine.rival if isinstance(self.engine, Rivalled) and not utterance.open else None
        utterance.hearing = self.engine.listen()
        utterance.rival = rival.listen() if rival else None
        for chunk in utterance.chunks:
            for hearing in filter(None, (utterance.hearing, utterance.rival)):
                hearing.feed(chunk)

    def _end(self, utterance: _Utterance, spoken_until: float) -> Heard | None:
        self._now = None
        if utterance.early is None and utterance.hearing is None:
            return None
        heard = utterance.early or self._finished(utterance, spoken_until)
        self._record(utterance.chunks)
        return replace(heard, spoken_until=spoken_until)

    def _finished(self, utterance: _Utterance, at: float) -> Heard:
        """Transcript and route of what there is so far."""
        assert utterance.hearing is not None
        hearing, rival = utterance.hearing, utterance.rival
        utterance.hearing = utterance.rival = None
        started = time.perf_counter()
        try:
            transcript = hearing.finish()
        except OttoError as error:
            return Heard(
                Transcript(""), None, None, at, utterance.pushed, False, utterance.interrupting, problem=str(error)
            )
        transcribed = 1000 * (time.perf_counter() - started)
        # Where the phrase was spotted in the sound, the words have to hold it, too.
        command = self._attention.addressed(transcript.text, open_then=utterance.open)
        log.info("heard %s in %.0f ms", Spoken(transcript.text), transcribed)
        called = command is not None and not utterance.open
        if command is None and utterance.interrupting and is_stop(transcript.text):
            command = transcript.text
        heard = Heard(transcript, command, None, at, utterance.pushed, called, utterance.interrupting)
        if called and self._spotter and not utterance.interrupting:
            phrase = len(transcript.text.split()) - len((command or "").split())
            other = rival.finish() if rival else None
            heard = replace(heard, sureness=sureness(self._spotter.found(), transcript, phrase, other))
        if not command or self._answering():
            return heard
        try:
            understood = self._understand(command)
        except UtteranceError as error:
            return replace(heard, problem=str(error))
        timings = {"transcribe": transcribed, **understood.timings_ms}
        return replace(heard, understood=replace(understood, timings_ms=timings))
