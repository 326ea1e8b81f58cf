"""The ears: deaf to Otto's own voice, steady over a long time, and nothing of what they hear leaves the memory."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import AudioChunk
from otto.audio.endpoint import Began, Endpoint, Hangover
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import chunks
from otto.ears import Ears
from tests.voicefakes import rig


class OwnVoice:
    """Otto's own replies, as the microphone hears them, with two seconds of silence after each."""

    live = True
    ended = False

    def __init__(self, replies: int) -> None:
        tones = ScriptedSpeech("otto stop")
        self._sound = [
            (chunk, speaking)
            for sound, speaking in ((tones.say("otto stop", 1.0, 0.0), True), (np.zeros(32_000, np.int16), False))
            for chunk in chunks(sound, tail=0.0)
        ] * replies
        self._at = 0
        self.speaking = False

    def read(self, seconds: float) -> AudioChunk | None:
        if self._at == len(self._sound):
            self.ended = True
            return None
        chunk, self.speaking = self._sound[self._at]
        self._at += 1
        return chunk

    def close(self) -> None:
        pass


@pytest.mark.parametrize("deaf", [True, False])
def test_two_hundred_replies_of_its_own_are_not_heard(deaf: bool) -> None:
    source = OwnVoice(200)
    began: list[Began] = []
    ears = Ears(source, loudness, Endpoint(Hangover(0.6)), deaf=lambda: deaf and source.speaking)
    ears.start()
    while (sound := ears.sounds.get(timeout=20)) is not None:
        if isinstance(sound.event, Began):
            began.append(sound.event)
    assert ears.stop()
    assert (len(began) == 0) is deaf


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_it_is_steady_over_many_utterances(count: int) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    rig(*["otto say one"] * 30, silence=0.7).loop.run()
    before = resident_mb(), threading.active_count(), len(os.listdir("/proc/self/fd"))
    done = 0
    for _ in range(count // 100):
        voice = rig(*["otto say one"] * 100, silence=0.7)
        voice.loop.run()
        done += len(voice.otto.done)
        del voice
        gc.collect()  # a loop and its parts refer to each other
    assert done == count // 100 * 100
    assert resident_mb() - before[0] < 20
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before[1:]


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


_written: list[str] = []
_watching = threading.Event()


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching.is_set():
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _written.append(str(arguments[0]))
    elif event == "socket.connect":
        _written.append(f"connection to {arguments[1]}")


def test_nothing_heard_is_written_or_sent_anywhere() -> None:
    sys.addaudithook(_watch)
    voice = rig(*["otto say one", "the weather girl"] * 20, silence=0.7)
    _watching.set()
    try:
        voice.loop.run()
    finally:
        _watching.clear()
    assert len(voice.otto.done) == 20
    assert _written == []
