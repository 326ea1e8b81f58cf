"""How far something long has come, told to whoever waits for it: the command line draws a bar.

def told(what: str, share: float) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Told what is being done, and which share of it is done, 0 to 1."""
