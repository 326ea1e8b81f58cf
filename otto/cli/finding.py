"""What `otto doctor` finds: one thing looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    state: str
    """`ok`, `missing` (something works less well) or `broken` (Otto cannot do its work)."""
    says: str
    remedy: str = ""
    """What to do about it."""
