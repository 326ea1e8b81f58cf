"""What a skill answers: a sentence to be spoken, and optionally data to be shown.

>>> Reply("It is 21 degrees in Berlin.", {"temperature": 21})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """A skill's answer. A skill may also return plain text, which is a `Reply` without data."""

    text: str
    """One or a few sentences, fit to be spoken."""
    data: Mapping[str, object] | None = None
    """For a screen or a program: whatever JSON can hold."""
    undo: Mapping[str, object] | None = None
    """What the skill needs to take back what it did (whatever JSON can hold); None: there is nothing to take back. See
    `otto/undo.py`."""
