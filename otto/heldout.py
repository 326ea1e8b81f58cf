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
_STEPS, _FINE = 20, 10_000


def held_out(text: str, share: float = SHARE) -> bool:
    """Whether a sentence is in the part that no training sees."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))
    normalised = " ".join(words) or text.strip()
    number = int.from_bytes(hashlib.sha256(normalised.encode(errors="surrogatepass")).digest())
    return (number % _STEPS * _FINE + number // _STEPS % _FINE) / (_STEPS * _FINE) < share
