"""Speech that comes five times as fast as skills finish (docs/reliability.md 5.4), through a whole daemon: its ears,
its queue, its router, its worker process and its voice. Only the sound is made, and the voice is not heard."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from otto.attention import Attention
from otto.audio.chunk import CHUNK_SAMPLES, AudioChunk
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import chunks
from otto.audio.tts import Speaker, Voice
from otto.config import Folders, load
from otto.confirmation import SpokenConfirmation
from otto.daemon import Daemon
from otto.daemonclient import request
from otto.listen import BUSY, DROPPED, Parts, VoiceLoop
from tests.voicefakes import WAKE, Notebook

THINGS = ("house", "tree", "car", "ball", "door", "boat", "wall", "bed", "shed", "ship")
STOP = "otto stop"
SENTENCES = (*(f"otto build the old {thing}" for thing in THINGS), STOP)
TONE, SILENCE = 0.8, 0.9
"""Seconds of an utterance, and between two: a little more than the hangover."""
HANGOVER = 0.6
EXAMPLES = "".join(f'User: build the old {thing}\nAssistant: build(thing="old {thing}")\n' for thing in THINGS)
BUILD = """#### Prompt:
build(thing="[thing]") builds a thing.

#### Examples:
{examples}
#### Action:
run: ["sleep", "{seconds}"]
reply: Built {thing}.
timeout: 20
"""
SILENT = """#### Prompt:
stop() stops.

#### Examples:
User: stop
Assistant: stop()
User: be quiet
Assistant: stop()
User: stop it now
Assistant: stop()
User: silence please
Assistant: stop()

#### Action:
run: ["true"]
reply: Stopped.
"""


class Room:
    """A microphone in a room where somebody speaks; it waits for nobody."""

    live = True
    ended = False

    def __init__(self, speed: float = 1.0) -> None:
        """`speed`: how many times as fast as real time."""
        self.seconds = 0.0
        """Heard so far."""
        self.closed = threading.Event()
        self._sound: deque[AudioChunk] = deque()
        self._quiet = AudioChunk(np.zeros(CHUNK_SAMPLES, np.int16))
        self._pace = 0.032 / speed
        self._next = time.monotonic()

    def say(self, sound: NDArray[np.int16]) -> None:
        """Until it has been said."""
        self._sound.extend(chunks(sound, tail=0.0))
        while self._sound and not self.closed.is_set():
            time.sleep(self._pace)

    def read(self, seconds: float) -> AudioChunk | None:
        self._next = max(self._next + self._pace, time.monotonic())  # a machine that stalls stalls the room
        time.sleep(max(0.0, self._next - time.monotonic()))
        self.seconds += 0.032
        return self._sound.popleft() if self._sound else self._quiet

    def close(self) -> None:
        self.closed.set()


class Written(Speaker):
    """A voice that is read."""

    def __init__(self, room: Room) -> None:
        super().__init__(Voice("written", ("true",)), lambda: room.seconds)
        self.said: list[str] = []

    def _speak(self, voice: Voice, text: str, number: int) -> bool:
        self.said.append(text)
        return False


class House:
    """A daemon that listens in a room."""

    def __init__(self, folder: Path, speed: float) -> None:
        examples, none = folder / "examples", folder / "none"
        examples.mkdir()
        none.mkdir()
        taken = 5 * (TONE + SILENCE) / speed
        (examples / "build_examples.txt").write_text(
            BUILD.replace("{seconds}", f"{taken:.2f}").replace("{examples}", EXAMPLES)
        )
        (examples / "stop_examples.txt").write_text(SILENT)
        self.room = Room(speed)
        self.speaker = Written(self.room)
        self.audience = Notebook()
        self.engine = ScriptedSpeech(*SENTENCES)
        self.path = folder / "run" / "daemon.sock"
        self.daemon = Daemon(
            load({"voice": "none"}),
            where=Folders((examples,), (none,)),
            voice=self._ears,
            path=self.path,
            announce=lambda alert, missed: None,
        )

    def _ears(self, daemon: Daemon) -> VoiceLoop:
        attention = Attention("wake", WAKE)
        confirmation = SpokenConfirmation(self.speaker, attention)
        parts = Parts(self.room, self.engine, loudness, self.speaker, attention, confirmation, hangover=HANGOVER)
        return VoiceLoop(daemon.otto, parts, self.audience, commands=daemon.commands)

    def say(self, sentence: str) -> None:
        """Not into Otto's own words: those are over, as a rule, when the silence after the last utterance is."""
        while self.speaker.deaf:
            time.sleep(0.005)
        self.room.say(self.engine.say(sentence, TONE, SILENCE))

    @property
    def answered(self) -> int:
        return len(self.audience.turns) + len(self.audience.refusals)


@contextmanager
def listening(folder: Path, speed: float) -> Iterator[House]:
    house = House(folder, speed)
    ready = threading.Event()
    thread = threading.Thread(target=house.daemon.run, args=(ready.set,))
    thread.start()
    assert ready.wait(60)
    try:
        yield house
    finally:
        request({"do": "shutdown"}, path=house.path)
        thread.join(10)
        assert not thread.is_alive()
        assert house.room.closed.is_set()


def resident_mb() -> float:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


@pytest.mark.parametrize(
    ("minutes", "speed"), [(0.05, 3.0), pytest.param(5.0, 1.0, marks=pytest.mark.nightly)], ids=["seconds", "minutes"]
)
def test_five_times_too_much_is_answered_or_refused_aloud(own_folders: Path, minutes: float, speed: float) -> None:
    with listening(own_folders, speed) as house:
        for thing in THINGS[:4]:
            house.say(f"otto build the old {thing}")
        before, most, said = resident_mb(), 0, 4
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            house.say(SENTENCES[said % len(THINGS)])
            said += 1
            most = max(most, house.daemon.commands.waiting)
        growth = resident_mb() - before
        said += two_wait(house)
        house.say(STOP)
        while house.answered <= said:
            assert time.monotonic() < until + 60, f"{said + 1 - house.answered} of {said + 1} were lost in silence"
            time.sleep(0.05)
        assert house.daemon.commands.wait_idle(5)
    notebook, spoken = house.audience, house.speaker.said
    refused = [sentence for _, sentence in notebook.refusals]
    stopped = notebook.refused_at[refused.index(DROPPED)] - notebook.utterances[-1].spoken_until
    done = [turn for turn in notebook.turns if turn.ok]
    print(
        f"{said} commands: {len(notebook.turns)} answered, {refused.count(BUSY)} told that Otto is busy, "
        f"{refused.count(DROPPED)} dropped by a stop, after {1000 * stopped:.0f} ms; at most {most} waited; "
        f"{growth:+.1f} MB"
    )
    assert len(notebook.turns) + len(notebook.refusals) == said + 1
    assert most <= 2 and growth < 20
    assert refused.count(DROPPED) == 2
    assert refused.count(BUSY) > 0.4 * said
    assert spoken.count(BUSY) == refused.count(BUSY)
    assert [text for text in spoken if text != BUSY] == [turn.reply.text for turn in done]
    assert speed != 1.0 or stopped < HANGOVER + 0.3


def two_wait(house: House) -> int:
    """Has one command just begun, and two wait behind it. How many were said for that."""
    done, said = len(house.audience.turns), 0
    while len(house.audience.turns) == done:
        time.sleep(0.01)
    while house.daemon.commands.waiting < 2:
        house.say(SENTENCES[0])
        said += 1
    return said
