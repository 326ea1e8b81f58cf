"""A daemon that listens in a room of the test's own: its ears, queue, router, worker process and store are real; only
the sound is made, of tones (`otto/audio/scripted.py`), and the voice is read instead of heard.

    with listening(folder) as house:
        house.say("otto build the old house")           # takes as long as five such sentences
        house.audience.turns, house.speaker.said

    process = started(folder)               # the same in a process of its own, where somebody speaks all the time
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, AudioChunk
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import chunks
from otto.audio.tts import Speaker, Voice
from otto.config import Folders, load
from otto.daemon.client import request
from otto.daemon.daemon import Daemon
from otto.voice.attention import Attention
from otto.voice.confirmation import SpokenConfirmation
from otto.voice.loop import Parts, VoiceLoop
from tests.examplefiles import STOP_FILE
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


def skills(folder: Path, seconds: float) -> Folders:
    """`build`, which takes so long, and `stop`."""
    examples, none = folder / "examples", folder / "none"
    examples.mkdir(exist_ok=True)
    none.mkdir(exist_ok=True)
    build = BUILD.replace("{seconds}", f"{seconds:.2f}").replace("{examples}", EXAMPLES)
    (examples / "build_examples.txt").write_text(build)
    (examples / "stop_examples.txt").write_text(STOP_FILE)
    return Folders((examples,), (none,))


class House:
    """A daemon that listens in a room."""

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.room = Room(speed)
        self.speaker = Written(self.room)
        self.audience = Notebook()
        self.engine = ScriptedSpeech(*SENTENCES)
        self.path = folder / "run" / "daemon.sock"
        self.daemon = Daemon(
            load({"voice": "none"}),
            where=skills(folder, 5 * (TONE + SILENCE) / speed),
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
def listening(folder: Path, speed: float = 1.0) -> Iterator[House]:
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


RUN = """
import sys, threading
from itertools import cycle
from pathlib import Path
from otto.leave import leave
from tests.house import SENTENCES, STOP, House
house = House(Path(sys.argv[1]), 1.0)

def talk():
    for sentence in cycle(SENTENCES):
        if sentence != STOP:
            house.say(sentence)

def ready():
    threading.Thread(target=talk, daemon=True).start()
    print("ready", flush=True)

house.daemon.run(ready)
print("closed" if house.room.closed.is_set() else "open")
leave()
"""


def started(folder: Path) -> subprocess.Popen[str]:
    """A daemon that listens, in a process of its own; it says `closed` when the microphone is, at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def family(process: int) -> list[int]:
    """Its children, and theirs."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [each for child in map(int, found) for each in (child, *family(child))]


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
