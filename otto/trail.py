"""The audit trail as it is written: every question, every answer, every call that ran, failed or was refused.

    >>> trail = Trail(store.audit, clock, whole=settings.history)
    >>> Dispatcher(settings, trail.asking(confirm))
    >>> trail.results(results)

A store that cannot be written ends nothing: the trail then says so once in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from otto.call import Call
from otto.clock import Clock
from otto.dispatch import Confirm, Result
from otto.errors import StoreError
from otto.skill import Skill
from otto.store import Audit, Event, Record

log = logging.getLogger(__name__)


class Trail:
    """Writes what happens to calls into the store."""

    def __init__(self, audit: Audit, clock: Clock, *, whole: bool) -> None:
        """`whole`: with arguments and reasons, which hold what was said; else only the skill and what became of it."""
        self._audit = audit
        self._clock = clock
        self._whole = whole

    def asking(self, confirm: Confirm) -> Confirm:
        """`confirm`, with question and answer on record."""

        def ask(skill: Skill, call: Call) -> bool:
            self._add(Event.ASKED, call)
            yes = False
            try:
                yes = confirm(skill, call)
            finally:
                self._add(Event.CONFIRMED if yes else Event.DECLINED, call)
            return yes

        return ask

    def results(self, results: Iterable[Result]) -> None:
        """What became of calls. One that a person declined is on record already."""
        for result in results:
            if result.outcome != "declined":
                self._add(Event(result.outcome), result.call, result.error)

    def dry(self, calls: Iterable[Call]) -> None:
        """Calls that would have been carried out."""
        for call in calls:
            self._add(Event.DRY, call)

    def _add(self, event: Event, call: Call, detail: str = "") -> None:
        whole = self._whole
        try:
            self._audit.add(
                Record(self._clock.now(), event, call.name, str(call) if whole else "", detail if whole else "")
            )
        except StoreError as error:
            log.warning("the audit trail is not written: %s", error)
