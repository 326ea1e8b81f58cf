"""Which examples are held back when a model is measured: decided by the text alone, so that everyone agrees.

The fine-tuning pipeline keeps the same sentences out of training (`finetune/split.py`), whatever else is added to an
example file or taken from it.

>>> held_out("set a timer for ten minutes")
False
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

SHARE = 0.1
"""Held back of everything: validation and test together."""

_WORD = re.compile(r"\w+(?:['’]\w+)*|[+*/^%=<>×÷€$£°#]|(?<=\s)[-−](?=\s)|(?<=\d)[-−](?=\d)")
"""Words, and signs that change what is meant: "2 + 3" is not "2 - 3"."""
_STEPS, _FINE = 20, 10_000


def held_out(text: str, share: float = SHARE) -> bool:
    """Whether a sentence is in the part that no training sees."""
    return point(text) < share


def point(text: str) -> float:
    """Where a text stands on the scale, from 0 to below 1: sha256 of the normalised text modulo 20, and finer."""
    number = int.from_bytes(hashlib.sha256(normalised(text).encode(errors="surrogatepass")).digest())
    return (number % _STEPS * _FINE + number // _STEPS % _FINE) / (_STEPS * _FINE)


def normalised(text: str) -> str:
    """The words of a text, in lower case and apart by one blank; where it has none, the text without outer space."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))
    return " ".join(words) or text.strip()
