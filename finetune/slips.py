"""Slips: sentences as recognisers and hasty fingers write them.

    set a timer for ten minutes  ->  "Set a timer for ten minutes.", "set timer for ten minutes", "set the the timer…"

Slips touch the words around values only, so that a value stays what it was; capitals and punctuation come at the ends.
"""

from __future__ import annotations

import random
import re

_SOUND_ALIKE = (
    "their there they're", "your you're", "its it's", "whether weather", "right write", "our are", "by buy",
    "hear here", "know no", "new knew", "read red", "where wear", "would wood", "wake weak", "mail male", "add ad",
    "which witch", "alarm a-larm", "timer time-er", "what's whats", "i'm im", "don't dont", "can't cant", "let's lets",
    "that's thats",
)  # fmt: skip
_LIKE: dict[str, tuple[str, ...]] = {
    word: tuple(other for other in group.split() if other != word) for group in _SOUND_ALIKE for word in group.split()
}
_ARTICLE = re.compile(r"\b(?:a|an|the|my|me)\s+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
FILLERS = ("um", "uh", "er", "erm", "well", "so", "okay", "ok", "like")


def slipped(text: str, chance: random.Random) -> str:
    """A part of a sentence without values, sometimes as it is misheard: about one part in eight changes."""
    kind = chance.random()
    if kind < 0.03:
        return _ARTICLE.sub("", text, count=1)
    if kind < 0.06:
        return _WORD.sub(lambda found: chance.choice(_LIKE.get(found[0].lower(), (found[0],))), text)
    words = list(_WORD.finditer(text))
    if kind < 0.12 and words:
        found = chance.choice(words)
        return text[: found.start()] + _mangled(found[0], kind, chance) + text[found.end() :]
    return text


def framed(text: str, chance: random.Random) -> str:
    """The sentence, sometimes with a capital and a full stop as some recognisers write them."""
    kind = chance.random()
    if kind > 0.15:
        return text
    asks = text.lower().startswith(("what", "who", "how", "when", "is ", "can "))
    ending = "" if kind < 0.05 else "?" if asks else "."
    return text[:1].upper() + text[1:] + ending


def _mangled(word: str, kind: float, chance: random.Random) -> str:
    if kind < 0.08:
        return f"{word} {word}"
    if kind < 0.1 or len(word) < 5:
        return f"{chance.choice(FILLERS)} {word}"
    at = chance.randrange(1, len(word) - 2)
    if kind < 0.11:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
