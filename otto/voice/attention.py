"""Whether what was said is meant for Otto: the wake phrase, and the moments in which none is needed.

>>> attention = Attention("wake", ("otto", "hey otto"))
>>> attention.addressed("hey auto set a timer")
'set a timer'
>>> attention.addressed("the weather is nice") is None
True
>>> attention.open(6.0)                 # Otto has asked something
>>> attention.addressed("ten minutes")
'ten minutes'
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Literal

Mode = Literal["wake", "always", "push"]
ASKED_SECONDS = 8.0
"""How long an answer to Otto's question needs no wake phrase, counted from the end of the question."""
CALLED_SECONDS = 6.0
"""The same after the wake phrase alone."""
_HEARD_FOR = {"otto": ("auto", "otter", "oto", "ottoman", "ado", "otho", "alto", "outdoor")}
"""What recognisers write for it. A homophone counts as the wake phrase only where the sound agreed, too."""


class Attention:
    """One listener's."""

    def __init__(self, mode: Mode, phrases: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self.mode = mode
        self._clock = clock
        self._open_until = float("-inf")
        self._pattern = _pattern(phrases)

    @property
    def is_open(self) -> bool:
        """Whether no wake phrase is needed at the moment."""
        return self.mode == "always" or self._clock() < self._open_until

    def open(self, seconds: float) -> None:
        """No wake phrase for an utterance that begins within `seconds`."""
        self._open_until = self._clock() + seconds

    def shut(self) -> None:
        self._open_until = float("-inf")

    def mentioned(self, text: str) -> bool:
        """Whether a wake phrase stands anywhere in `text`."""
        return any(self._pattern.match(text, found.start()) for found in re.finditer(r"\b\w", text))

    def addressed(self, text: str, *, open_then: bool | None = None) -> str | None:
        """The command in `text` without the wake phrase; None when it is not meant for Otto.

        `open_then`: whether attention was open when the utterance began; None: as it is now.
        """
        found = self._pattern.match(text)
        if found:
            return text[found.end() :].strip()
        return text if (self.is_open if open_then is None else open_then) else None


def names(phrases: Iterable[str]) -> frozenset[str]:
    """The words without which there is no wake phrase: the last of each, and what recognisers write for it."""
    last = [phrase.lower().split()[-1] for phrase in phrases]
    return frozenset(word for name in last for word in (name, *_HEARD_FOR.get(name, ())))


def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Matches a wake phrase at the beginning, whatever a recogniser makes of it, with what follows it up to a word."""
    alternatives = []
    for phrase in sorted(phrases, key=len, reverse=True):
        words = [
            "(?:" + "|".join(map(re.escape, (word, *_HEARD_FOR.get(word, ())))) + ")" for word in phrase.lower().split()
        ]
        alternatives.append(r"[\s,]+".join(words))
    once = rf"\W*(?:(?:hey|hi|ok|okay|uh|um)\W+)?(?:{'|'.join(alternatives) or '(?!)'})\b[\s,.!?:;-]*"
    return re.compile(f"(?:{once})+", re.IGNORECASE)
