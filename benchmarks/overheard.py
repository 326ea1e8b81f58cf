"""What Otto makes of sound that was not meant for it: noise, music-like signals, other people's speech, babble.

    python benchmarks/overheard.py --minutes 60                      the wake phrase on
    python benchmarks/overheard.py --minutes 60 --attention always   every utterance is looked at
    python benchmarks/overheard.py --minutes 60 --attention always --no-commands   nobody says what is a command
    python benchmarks/overheard.py --minutes 60 --voices flite       four voices made from recordings, not espeak's
    python benchmarks/overheard.py --own-voice 200                   replies in Otto's own voice, should it hear itself

All of it is synthesised here, from a seed. Speech is spoken by espeak-ng in many voices, or by Flite: sentences that
are no commands, and commands without the wake phrase. Printed as one JSON object: `calls` is what would have been
carried out, or asked about first where `asked_first` counts it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import RATE
from otto.audio.endpoint import CHUNK_SECONDS, Ended, Endpoint, Hangover, Pause, Resumed
from otto.audio.recording import read
from otto.audio.standin import chunks
from otto.audio.stt import SpeechToText
from otto.audio.vad import VoiceActivity
from otto.audio.wake import Spotter
from otto.call import OTHER
from otto.registry.snapshot import Snapshot
from otto.turn import Understood
from otto.voice.attention import CALLED_SECONDS, Attention
from otto.voice.ears import Sound
from otto.voice.hearer import Heard, Hearer
from otto.voice.loop import SURE, meant

Samples = NDArray[np.float32]
ESPEAK = tuple(
    f"{accent}{variant}"
    for accent in ("en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp")
    for variant in ("", "+f2", "+f4", "+m3", "+m7", "+croak")
)
FLITE = ("slt", "rms", "awb", "kal16")
VOICES = {"espeak": ESPEAK, "flite": FLITE}
PHRASES = ("otto", "hey otto")
CALLED = re.compile(r"\botto", re.IGNORECASE)
"""In some examples somebody calls Otto: these are meant for it."""


def noise(chance: np.random.Generator, seconds: float) -> Samples:
    """White, pink or brown, at any level, with a slow swell: wind, a fan, rain."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(chance.standard_normal(count))
    colour = chance.choice([0.0, 0.5, 1.0])
    spectrum /= np.maximum(np.arange(len(spectrum)), 20) ** colour
    sound = np.fft.irfft(spectrum, count)
    swell = 1 + 0.5 * np.sin(2 * np.pi * np.arange(count) / RATE / chance.uniform(3, 20))
    return levelled(sound * swell, chance.uniform(-50, -15))


def hum(chance: np.random.Generator, seconds: float) -> Samples:
    """Mains, a fridge, a motor that changes its speed."""
    time_ = np.arange(int(seconds * RATE)) / RATE
    pitch = chance.choice([50.0, 60.0, 90.0, 140.0]) * (1 + 0.1 * np.sin(2 * np.pi * time_ / chance.uniform(2, 9)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return levelled(sum(np.sin(n * phase) / n for n in range(1, 9)), chance.uniform(-45, -18))


def knocks(chance: np.random.Generator, seconds: float) -> Samples:
    """Doors, keys, steps: short bursts."""
    sound = np.zeros(int(seconds * RATE))
    for _ in range(int(seconds * chance.uniform(1, 8))):
        length = int(RATE * chance.uniform(0.005, 0.12))
        start = int(chance.integers(0, max(1, len(sound) - length)))
        burst = chance.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
        sound[start : start + length] += burst[: len(sound) - start] * chance.uniform(0.2, 1)
    return levelled(sound, chance.uniform(-40, -15))


def music(chance: np.random.Generator, seconds: float) -> Samples:
    """Chords, a melody with a singing vibrato, a beat."""
    sound = np.zeros(int(seconds * RATE))
    beat = chance.uniform(0.25, 0.6)
    root = chance.uniform(90, 240)
    for number in range(int(seconds / beat)):
        length = int(RATE * beat * chance.choice([1, 2]))
        start = int(number * beat * RATE)
        time_ = np.arange(length) / RATE
        notes = [root * 2 ** (step / 12) for step in chance.choice([0, 3, 4, 5, 7, 9, 12, 16], 3)]
        tone = sum(
            np.sin(2 * np.pi * note * n * time_ + 3 * np.sin(2 * np.pi * 5.5 * time_)) / n**1.5
            for note in notes
            for n in range(1, 8)
        )
        tone = tone * np.minimum(1, time_ * 30) * np.exp(-time_ / 0.8)
        drum = chance.standard_normal(length) * np.exp(-time_ * 60) * chance.choice([0, 3])
        part = (tone + drum)[: len(sound) - start]
        sound[start : start + len(part)] += part
    return levelled(sound, chance.uniform(-35, -12))


def levelled(sound: NDArray[np.float64] | Samples, decibels: float) -> Samples:
    """At so many dB below full scale."""
    power = float(np.sqrt(np.mean(np.square(sound)))) or 1.0
    return np.clip(np.asarray(sound) / power * 10 ** (decibels / 20), -1, 1).astype(np.float32)


class Speech:
    """Sentences that were not meant for Otto."""

    def __init__(self, sentences: list[str], seed: int, voices: tuple[str, ...] = ESPEAK) -> None:
        self._sentences = sentences
        self._voices = voices
        self._chance = random.Random(seed)

    def __call__(self, chance: np.random.Generator, seconds: float) -> Samples:
        """One speaker after another, with pauses; a television."""
        parts: list[Samples] = []
        while sum(map(len, parts)) < seconds * RATE:
            said = spoken(
                self._chance.choice(self._sentences), self._chance.choice(self._voices), self._chance.randint(130, 200)
            )
            parts += [said, np.zeros(int(RATE * chance.uniform(0.2, 2.0)), np.float32)]
        return levelled(np.concatenate(parts)[: int(seconds * RATE)], chance.uniform(-35, -18))

    def babble(self, chance: np.random.Generator, seconds: float) -> Samples:
        """Several at once; a café."""
        return levelled(sum(self(chance, seconds) for _ in range(int(chance.integers(3, 6)))), chance.uniform(-35, -18))


def spoken(text: str, voice: str, words_a_minute: int = 160) -> Samples:
    """A sentence by espeak-ng or Flite."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        if voice in FLITE:
            slower = f"duration_stretch={160 / words_a_minute:.2f}"
            command = ["flite", "-voice", voice, "--setf", slower, "-o", file.name, "-t", text]
        else:
            command = ["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-w", file.name, "--stdin"]
        subprocess.run(command, input=text.encode(), check=True)
        return read(Path(file.name)).astype(np.float32) / 32768


def soundscape(
    seconds: float, sentences: list[str], seed: int = 0, stretch: float = 20.0, voices: tuple[str, ...] = ESPEAK
) -> Iterator[Samples]:
    """Everything above in turn, `stretch` seconds each."""
    chance = np.random.default_rng(seed)
    speech = Speech(sentences, seed, voices)
    kinds: list[Callable[[np.random.Generator, float], Samples]] = [
        noise, speech, music, speech.babble, knocks, speech, hum, lambda c, s: mixed(speech(c, s), noise(c, s), c),
    ]  # fmt: skip
    for number in range(max(1, round(seconds / stretch))):
        yield kinds[number % len(kinds)](chance, stretch)


def mixed(one: Samples, other: Samples, chance: np.random.Generator) -> Samples:
    return np.clip(one + other * 10 ** (-chance.uniform(0, 12) / 20), -1, 1).astype(np.float32)


def heard(
    sounds: Iterator[Samples],
    engine: SpeechToText,
    understand: Callable[[str], Understood],
    mode: str = "wake",
) -> Iterator[Heard]:
    """What the voice loop would hear in these sounds, without waiting for real time."""
    now = 0.0  # in the sound, so that attention stays open for as long as it would in a room
    attention = Attention("always" if mode == "always" else "wake", PHRASES, clock=lambda: now)
    hearer = Hearer(engine, attention, understand, None if mode == "always" else Spotter(PHRASES))
    for utterance in utterances(sounds):
        for event in utterance:
            now = event.at
            if found := hearer(event):
                yield found
                if found.called and not found.command and meant(found, attention):
                    attention.open(CALLED_SECONDS)


def utterances(sounds: Iterator[Samples]) -> Iterator[list[Sound]]:
    """Each from its beginning to its end, without the pauses after which speech goes on: what is done there is thrown
    away."""
    seconds = 0.0
    voice, endpoint = VoiceActivity(), Endpoint(Hangover(0.6))
    found: list[Sound] = []
    for sound in sounds:
        for chunk in chunks((sound * 32767).astype(np.int16), tail=1.0):
            seconds += CHUNK_SECONDS
            for event in endpoint(chunk, voice(chunk)):
                if isinstance(event, Resumed):
                    found = [each for each in found if not isinstance(each.event, Pause)]
                else:
                    found.append(Sound(event, seconds))
                if isinstance(event, Ended):
                    yield found
                    found = []


def acted_on(found: Heard) -> bool:
    """Whether something would be carried out: the rules of `otto.voice.loop.VoiceLoop`."""
    understood, confidence = found.understood, found.transcript.confidence
    if not found.command or understood is None or understood.route.rejected:
        return False
    if not found.called:
        return confidence >= SURE
    return meant(found, Attention("wake", PHRASES))


def not_for_otto(snapshot: Snapshot, commands: bool = True) -> list[str]:
    """Sentences that are no commands, and commands: all examples without the wake phrase."""
    return [
        example.text
        for registered in snapshot.skills.values()
        for example in registered.examples
        if (commands or all(call.name == OTHER for call in example.calls)) and not CALLED.search(example.text)
    ]


def main() -> None:
    """The program."""
    from otto.config import load
    from otto.dispatch import nobody
    from otto.turn import Assistant
    from otto.voice.make import engine

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--attention", choices=("wake", "always"), default="wake")
    parser.add_argument("--no-commands", action="store_true", help="speech is only what no skill is for")
    parser.add_argument("--voices", choices=tuple(VOICES), default="espeak")
    parser.add_argument("--own-voice", type=int, default=0, metavar="REPLIES")
    parser.add_argument("--stt", default="sphinx")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    settings = load({"stt": given.stt, "attention": given.attention})
    with Assistant(settings, nobody) as otto:
        listening = engine(settings, otto.live.ready.snapshot, lambda sentence: print(sentence, file=sys.stderr))
        started = time.process_time()
        if given.own_voice:
            sounds = (spoken(reply, "en") for reply in replies(given.own_voice, given.seed))
        else:
            sentences = not_for_otto(otto.live.ready.snapshot, commands=not given.no_commands)
            sounds = soundscape(60 * given.minutes, sentences, given.seed, voices=VOICES[given.voices])
        found = list(heard(sounds, listening, otto.understand, given.attention))
    calls = [each for each in found if acted_on(each)]
    print(
        json.dumps(
            {
                "minutes": given.minutes,
                "attention": given.attention,
                "utterances_transcribed": len(found),
                "addressed": sum(each.command is not None for each in found),
                "calls": len(calls),
                "calls_an_hour": round(60 * len(calls) / given.minutes, 1),
                "examples": [f"{each.transcript.text} -> {each.understood.route}" for each in calls if each.understood][
                    :10
                ],
                "cpu_seconds": round(time.process_time() - started, 1),
            },
            indent=1,
        )
    )


def replies(count: int, seed: int) -> list[str]:
    """Sentences that Otto says."""
    chance = random.Random(seed)
    places = ("Tokyo", "Berlin", "Lima", "Paris", "Oslo")
    kinds = (
        lambda: f"The timer is set for {chance.randint(2, 59)} minutes.",
        lambda: f"It is {chance.randint(1, 12)} {chance.choice(['fifteen', 'thirty'])} in {chance.choice(places)}.",
        lambda: f"It is {chance.randint(-5, 35)} degrees in {chance.choice(places)}, and cloudy.",
        lambda: f"{chance.randint(2, 99)} times {chance.randint(2, 99)} is {chance.randint(4, 9999)}.",
        lambda: f"I stopped the {chance.choice(['timer', 'alarm', 'reminder'])}.",
        lambda: "Sorry, I don't know how to do that.",
        lambda: f"I added {chance.choice(['milk', 'bread', 'call the plumber'])} to your list.",
        lambda: f"Opening {chance.choice(['Firefox', 'Files', 'Terminal'])}.",
        lambda: f"Your {chance.randint(2, 45)} minute timer is up.",
        lambda: "I know 22 things: weather, timer, alarm, reminder, math, news, to-do, and more. Just say: otto, stop.",
    )  # fmt: skip
    return [chance.choice(kinds)() for _ in range(count)]


if __name__ == "__main__":
    main()
