"""Sentences of which the user has said what they mean: they mean it, whatever a router makes of their likes.

    >>> router = LearntRouter(fewshot, skills, examples)     # the user's own examples, corrections among them
    >>> str(router.route("Stop the music!", context))        # corrected once to: notes(action="list")
    'notes(action="list")'

A router learns from a correction what is like it; where hundreds of examples say otherwise, one more is outvoted.
Whoever corrects a command wants at least that very sentence understood the next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from otto.bench.heldout import normalised
from otto.call import OTHER, Call
from otto.errors import CallError
from otto.example import Example
from otto.route import Alternative, Context, Route, Router
from otto.skill import Skill

SURE = 0.99
"""Confidence in what somebody has said."""


class LearntRouter:
    """In front of another router."""

    def __init__(self, router: Router, skills: Mapping[str, Skill], examples: Iterable[Example]) -> None:
        self.name = router.name
        self._router = router
        self._skills = skills
        self._meant = {normalised(example.text): example for example in examples}

    def route(self, text: str, context: Context) -> Route:
        """See `Router`."""
        example = self._meant.get(normalised(text)) if self._meant else None
        if example is None:
            return self._router.route(text, context)
        try:
            calls = tuple(self._canonical(call, context) for call in example.calls)
        except (CallError, KeyError):  # a time that is over, a skill that is gone
            return self._router.route(text, context)
        found = self._router.route(text, context)
        if found.calls == calls:
            return found
        others = (Alternative(found.calls, (1 - SURE) * found.confidence), *found.alternatives)
        return Route(calls, SURE, self.name, others, {**found.trace, "example": str(example.origin)})

    def _canonical(self, call: Call, context: Context) -> Call:
        return call if call.name == OTHER else self._skills[call.name].canonical(call, context.now)
