"""What a router is and what it hands over: calls, how sure it is, and what else it thought of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from otto.call import OTHER, Call, write


@dataclass(frozen=True, slots=True)
class Question:
    """What Otto has just asked: for an argument that is missing, or which of several things was meant."""

    calls: tuple[Call, ...] = ()
    """For an argument: what waits for it, in order; the first call lacks `parameter`."""
    parameter: str = ""
    options: tuple[tuple[Call, ...], ...] = ()
    """For "did you mean …?": what it could have been, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Context:
    """All that a router may know beside the text. Never a skill's output: see the action-selector pattern
    (arXiv 2506.08837). A front end's `Conversation` makes one for each sentence."""

    now: datetime
    """The time in the user's time zone (aware)."""
    expected: str = ""
    """Name of the skill that just asked a question, if one did."""
    last: tuple[Call, ...] = ()
    """What was done last, in order; canonical."""
    said: str = ""
    """The sentence that meant it."""
    asked: Question | None = None
    """What Otto asked last, while it waits for the answer."""
    until: datetime | None = None
    """Until when `last` and `asked` hold; None: there is nothing that could."""
    undoable: bool = False
    """Whether what was done last can be undone."""

    @property
    def fresh(self) -> bool:
        """Whether what went before still counts."""
        return self.until is not None and self.now <= self.until


@dataclass(frozen=True, slots=True)
class Alternative:
    """Something else that the sentence could have meant."""

    calls: tuple[Call, ...]
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Route:
    """A router's answer."""

    calls: tuple[Call, ...]
    """In the order in which to carry them out; `other()` when no skill applies. Never empty."""
    confidence: float
    """Calibrated: of the routes given 0.8, about 80% are right."""
    router: str
    """Name of the router that answered."""
    alternatives: tuple[Alternative, ...] = ()
    """Best first, without the chosen one."""
    trace: Mapping[str, str | float] = field(default_factory=dict)
    """Why: scores and thresholds that led here, for people who look."""

    @property
    def rejected(self) -> bool:
        """Whether no skill applies."""
        return all(call.name == OTHER for call in self.calls)

    def __str__(self) -> str:
        return write(self.calls)


class Router(Protocol):
    """From a text to calls. Pure: it never touches the world."""

    @property
    def name(self) -> str:
        """What `Route.router` says."""
        ...

    def route(self, text: str, context: Context) -> Route:
        """What `text` (at most 10,000 characters; only the first 512 are looked at) means."""
        ...
