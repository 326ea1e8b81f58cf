"""Who is asked whether something risky may be done: whoever gave the command.

>>> asker = Asker()
>>> otto = Assistant(settings, asker.ask)
>>> with asker.through(terminal_question):
...     otto.turn("open firefox")           # asks at the terminal
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from otto.call import Call
from otto.dispatch import Confirm, nobody
from otto.question import for_permission
from otto.skill import Skill


class Asker:
    """The `confirm` of an assistant that several people talk to."""

    def __init__(self) -> None:
        self.otherwise: Confirm = nobody
        """Who is asked where `through` says nobody else: the voice, when there is one."""
        self._local = threading.local()

    @contextmanager
    def through(self, ask: Callable[[str], bool]) -> Iterator[None]:
        """What this thread does is confirmed by `ask`, which is given the question."""
        self._local.ask = ask
        try:
            yield
        finally:
            self._local.ask = None

    def ask(self, skill: Skill, call: Call) -> bool:
        ask: Callable[[str], bool] | None = getattr(self._local, "ask", None)
        return ask(for_permission(call)) if ask else self.otherwise(skill, call)
