"""What a broken program, or an enemy, sends: random bytes, and what is valid with random damage, cut anywhere."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest


def damaged(whole: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Streams made of `whole`: of random bytes, with bytes changed, left out or put in, and cut off."""
    chance = random.Random(seed)
    for _ in range(count):
        if chance.random() < 0.2:
            yield chance.randbytes(chance.choice((1, 30, 500, 5_000)))
            continue
        stream = bytearray(whole)
        for _ in range(chance.randrange(6)):
            place = chance.randrange(len(stream))
            match chance.randrange(3):
                case 0:
                    stream[place] = chance.randrange(256)
                case 1:
                    del stream[place : place + chance.randrange(1, 20)]
                case _:
                    stream[place:place] = chance.choice((b"\0", b"\n", b"\xff" * 9, b"9" * 12, b"[" * 3000))
        yield bytes(stream[: chance.randrange(len(stream) + 1)])


def resident_mb() -> float:
    """Memory of this process."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
