"""Otto's replies in simulated rooms: does it hear itself, and how soon does it hear somebody else?

    python benchmarks/interrupted.py --replies 200

Each reply is spoken by espeak-ng and heard again, through a loudspeaker that distorts a little and a room of its own
(delay, reverberation, level, noise). Then the same with somebody who begins to speak after 1.4 s, louder and quieter
than Otto. Printed as one JSON object: `interrupted_itself` should be 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from overheard import levelled, replies, spoken

from otto.audio.chunk import CHUNK_SAMPLES, RATE
from otto.audio.echo import Playback
from otto.audio.interruption import Interruption
from otto.audio.standin import chunks
from otto.audio.vad import VoiceActivity

Samples = NDArray[np.float32]
SAID = ("stop", "otto stop", "be quiet please", "otto what time is it")
VOICES = ("en-us+f1", "en-gb+m2", "en-us+m4", "en-gb+f3")
BEGINS = 1.4
"""Seconds after the reply began."""


def heard(chance: np.random.Generator, played: Samples, other: Samples | None, louder: float) -> NDArray[np.int16]:
    """What the microphone hears of a reply, and of somebody who is `louder` dB than it is there."""
    delay = np.zeros(int(RATE * chance.uniform(0.05, 0.5)), np.float32)
    sound = np.concatenate([delay, played, np.zeros(RATE, np.float32)])
    count = np.arange(6400)
    room = 0.12 * chance.standard_normal(6400) * np.exp(-6.9 * count / RATE / chance.uniform(0.2, 0.6))
    room[1:30] *= 0.3
    room[0] = 1.0
    level = chance.uniform(-35, -18)
    whole = levelled(np.convolve(np.tanh(1.5 * sound), room)[: len(sound)].astype(np.float32), level)
    if other is not None:
        at = int(BEGINS * RATE)
        whole = np.pad(whole, (0, max(0, at + len(other) - len(whole))))
        whole[at : at + len(other)] += levelled(other, level + louder)
    whole = whole + chance.standard_normal(len(whole)) * 10 ** (chance.uniform(-75, -55) / 20)
    return np.clip(whole * 32768, -32768, 32767).astype(np.int16)


def noticed(seed: int, reply: str, said: str = "", louder: float = 0.0) -> float | None:
    """Seconds into the reply after which somebody was noticed."""
    played = spoken(reply, "en")
    other = spoken(said, VOICES[seed // len(SAID) % len(VOICES)]) if said else None
    playback = Playback()
    playback.add((played * 32767).astype(np.int16))
    interruption = Interruption(VoiceActivity(), lambda: playback)
    for number, chunk in enumerate(chunks(heard(np.random.default_rng(seed), played, other, louder), tail=0.0), 1):
        if interruption(chunk):
            return number * CHUNK_SAMPLES / RATE
    return None


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=200)
    parser.add_argument("--others", type=int, default=40, help="replies that somebody speaks into, at each level")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    texts = replies(given.replies, given.seed)
    own = [noticed(given.seed + number, text) for number, text in enumerate(texts)]
    figures: dict[str, object] = {"replies": len(own), "interrupted_itself": sum(found is not None for found in own)}
    long = [text for text in texts if len(text) > 30]
    for louder in (-6, 0, 6):
        found = [
            noticed(given.seed + number, long[number % len(long)], SAID[number % len(SAID)], louder)
            for number in range(given.others)
        ]
        late = [each - BEGINS for each in found if each is not None and each > BEGINS]
        figures[f"{louder:+d} dB"] = {"noticed": len(late), "of": len(found), "seconds": round(median(late or [0]), 2)}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
