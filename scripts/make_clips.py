"""Makes the short recordings in `tests/data/speech` that the tests of speech to text listen to.

    apt-get install flite && python scripts/make_clips.py

Flite's voices are free to use (CMU, a licence like MIT's); the files are FLAC, 16 kHz, mono, with faint noise.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

OUT = Path(__file__).parent.parent / "tests" / "data" / "speech"
CLIPS = {
    "timer": ("slt", "set a timer for ten minutes"),
    "lights": ("rms", "turn off the living room light"),
    "berlin": ("slt", "what is the weather in berlin tomorrow"),
    "espresso": ("slt", "make a small espresso"),
    "cappuccino": ("slt", "otto, make me a large cappuccino please"),
    "door": ("slt", "otto, please lock the front door"),
    "yes": ("slt", "yes please"),
}
RATE = 16_000


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for name, (voice, sentence) in CLIPS.items():
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", file.name], check=True)
            samples, rate = soundfile.read(file.name)
        if rate != RATE:
            raise SystemExit(f"the voice {voice} has {rate} samples a second")
        silence = np.zeros(int(0.4 * RATE))
        whole = np.concatenate([silence, samples / np.abs(samples).max() * 0.3, silence])
        noisy = whole + chance.normal(0, 0.0005, len(whole))
        soundfile.write(OUT / f"{name}.flac", noisy, RATE, subtype="PCM_16")
        print(f"{name}.flac: {len(whole) / RATE:.1f} s")


if __name__ == "__main__":
    main()
