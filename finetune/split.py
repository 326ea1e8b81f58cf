"""Which split a sentence belongs to: decided by the sentence alone, so that every set ever made of it agrees.

>>> part("set a timer for ten minutes")
'train'

The tiny model is trained on sentences sampled from the example files and measured on the ones it never saw; what is
collected from the same files later falls into the same splits. A twentieth is for validation and a twentieth for tests.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from otto.examplefile import plain

Part = Literal["train", "valid", "test"]

PARTS: tuple[Part, ...] = ("train", "valid", "test")
_HELD_OUT: dict[int, Part] = {0: "valid", 1: "test"}


def part(text: str, *, one_in: int = 20) -> Part:
    """The split of a sentence, whatever its capitals and punctuation: valid and test get one sentence in `one_in`."""
    number = int.from_bytes(hashlib.sha256(plain(text).encode(errors="surrogatepass")).digest()[:8], "big")
    return _HELD_OUT.get(number % one_in, "train")
