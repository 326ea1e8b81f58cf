"""Finds what somebody means in a list of names, when they do not say it letter by letter.

>>> closest("the milk", ["buy milk", "call Ada"])
[0]
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST = 75.0
"""How alike two texts must be, from 0 to 100."""
TIE = 3.0
"""What is less alike than the best by no more than this is as good."""

_WORD = re.compile(r"\w+")
_FILLERS = frozenset(["a", "an", "the", "my", "to", "please", "about", "that"])


def closest(said: str, names: Sequence[str], *, least: float = LEAST) -> list[int]:
    """Places in `names` of what fits best, best first: none, one, or several that fit equally well."""
    scores = [likeness(said, name) for name in names]
    best = max(scores, default=0.0)
    if best < least:
        return []
    found = [place for place, score in enumerate(scores) if score >= max(least, best - TIE)]
    return sorted(found, key=lambda place: -scores[place])


def likeness(said: str, name: str) -> float:
    """How alike two texts are, from 0 to 100: letter by letter, and 90 or more where `name` holds all words said."""
    from rapidfuzz import fuzz

    asked, named = words(said), words(name)
    if not asked or not named:
        return 0.0
    alike = max(fuzz.ratio("".join(asked), "".join(named)), fuzz.token_sort_ratio(" ".join(asked), " ".join(named)))
    if set(asked) <= set(named):
        alike = max(alike, 90.0 + 9.0 * len(asked) / len(named))
    return alike


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without fillers unless there is nothing else."""
    found = _WORD.findall(text.casefold())
    return [word for word in found if word not in _FILLERS] or found
