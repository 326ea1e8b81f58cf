"""Otto's replies in simulated rooms: does it hear itself, and how soon does it hear somebody else?

    python benchmarks/interrupted.py --replies 200

Each reply is spoken by espeak-ng and heard again, through a loudspeaker that distorts a little and a room of its own
(delay, reverberation, level, noise). Then the same with somebody who begins to speak after 1.4 s, louder and quieter
than Otto. Printed as one JSON object: `interrupted_itself` and `calls` (what is made of what is then heard, with the
wake phrase on) should be 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from overheard import PHRASES, acted_on, levelled, replies, spoken

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk
from otto.audio.echo import Playback
from otto.audio.endpoint import Endpoint, Hangover
from otto.audio.interruption import Interruption, Said
from otto.audio.standin import chunks
from otto.audio.vad import VoiceActivity
from otto.audio.wake import Spotter
from otto.config import load
from otto.dispatch import nobody
from otto.turn import Assistant
from otto.voice import make as voices
from otto.voice.attention import Attention
from otto.voice.ears import Sound
from otto.voice.hearer import Heard, Hearer

Samples = NDArray[np.float32]
SAID = ("stop", "otto stop", "be quiet please", "otto what time is it")
VOICES = ("en-us+f1", "en-gb+m2", "en-us+m4", "en-gb+f3")
DEAF_SECONDS = 0.3
"""After Otto has fallen silent."""
BEGINS = 1.4
"""Seconds after the reply began."""


def heard(
    chance: np.random.Generator, played: Samples, other: Samples | None, louder: float, until: float | None = None
) -> NDArray[np.int16]:
    """What the microphone hears of a reply that is broken off `until` seconds after its beginning, and of somebody who
    is `louder` dB than it is there."""
    delay = np.zeros(int(RATE * chance.uniform(0.05, 0.5)), np.float32)
    count = np.arange(6400)
    room = 0.12 * chance.standard_normal(6400) * np.exp(-6.9 * count / RATE / chance.uniform(0.2, 0.6))
    room[1:30] *= 0.3
    room[0] = 1.0
    level = chance.uniform(-35, -18)

    def in_the_room(said: Samples) -> Samples:
        sound = np.concatenate([delay, said, np.zeros(RATE, np.float32)])
        return np.convolve(np.tanh(1.5 * sound), room)[: len(sound)].astype(np.float32)

    whole = in_the_room(played)
    gain = 10 ** (level / 20) / (float(np.sqrt(np.mean(whole**2))) or 1.0)
    if until is not None:
        whole = in_the_room(np.where(np.arange(len(played)) < until * RATE, played, np.float32(0)))
    whole = np.clip(gain * whole, -1, 1)
    if other is not None:
        at = int(BEGINS * RATE)
        whole = np.pad(whole, (0, max(0, at + len(other) - len(whole))))
        whole[at : at + len(other)] += levelled(other, level + louder)
    whole = whole + chance.standard_normal(len(whole)) * 10 ** (chance.uniform(-75, -55) / 20)
    return np.clip(whole * 32768, -32768, 32767).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Noticed:
    """Somebody was believed to speak."""

    seconds: float
    """After the reply began."""
    understood: tuple[Heard, ...] = ()
    """What was then heard."""


def noticed(seed: int, reply: str, said: str = "", louder: float = 0.0, hearer: Hearer | None = None) -> Noticed | None:
    """Who speaks into the reply, and what `hearer` makes of the sound from there on."""
    played = spoken(reply, "en")
    other = spoken(said, VOICES[seed // len(SAID) % len(VOICES)]) if said else None
    playback = Playback()
    playback.add((played * 32767).astype(np.int16))
    voice = VoiceActivity()
    interruption = Interruption(voice, lambda: playback)
    for number, chunk in enumerate(chunks(heard(np.random.default_rng(seed), played, other, louder), tail=0.0), 1):
        if began := interruption(chunk):
            seconds = number * CHUNK_SAMPLES / RATE
            sound = heard(np.random.default_rng(seed), played, other, louder, until=seconds)
            rest = list(chunks(sound, tail=1.0))[number:]
            return Noticed(seconds, tuple(understood(hearer, interruption, voice, began, rest)) if hearer else ())
    return None


def understood(
    hearer: Hearer, interruption: Interruption, voice: VoiceActivity, began: Said, rest: list[AudioChunk]
) -> Iterator[Heard]:
    """What is heard after Otto fell silent, as `otto.voice.ears.Ears` hands it on."""
    endpoint, interrupting = Endpoint(Hangover(0.6)), True
    deaf = round(DEAF_SECONDS * RATE / CHUNK_SAMPLES)
    sounds = [*began, *(interruption.through(chunk) for chunk in rest[:deaf]), *((each, None) for each in rest[deaf:])]
    for number, (chunk, probability) in enumerate(sounds):
        interrupting = interrupting and (endpoint.speaking or number < len(began) + deaf)
        for event in endpoint(chunk, voice(chunk) if probability is None else probability):
            if found := hearer(Sound(event, 0.0, interrupting=interrupting)):
                yield found


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=200)
    parser.add_argument("--others", type=int, default=40, help="replies that somebody speaks into, at each level")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    texts = replies(given.replies, given.seed)
    settings = load({"stt": "sphinx"})
    with Assistant(settings, nobody) as otto:
        engine = voices.engine(settings, otto.live.ready.snapshot, lambda sentence: None)
        hearer = Hearer(engine, Attention("wake", PHRASES), otto.understand, Spotter(PHRASES))
        own = [noticed(given.seed + number, text, hearer=hearer) for number, text in enumerate(texts)]
    itself = [found for found in own if found]
    calls = [heard for found in itself for heard in found.understood if acted_on(heard)]
    figures: dict[str, object] = {
        "replies": len(own),
        "interrupted_itself": len(itself),
        "calls": len(calls),
        "heard_instead": [heard.transcript.text for found in itself for heard in found.understood],
    }
    long = [text for text in texts if len(text) > 30]
    for louder in (-6, 0, 6):
        found = [
            noticed(given.seed + number, long[number % len(long)], SAID[number % len(SAID)], louder)
            for number in range(given.others)
        ]
        late = [each.seconds - BEGINS for each in found if each and each.seconds > BEGINS]
        figures[f"{louder:+d} dB"] = {"noticed": len(late), "of": len(found), "seconds": round(median(late or [0]), 2)}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
