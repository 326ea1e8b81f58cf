"""Commands wait their turn: one is carried out, two wait, and the next is refused rather than lost.

    >>> commands = CommandQueue()
    >>> commands.put(Job(run, drop))        # False: it is full, and whoever spoke has to be told
    >>> commands.clear()                    # "stop": those that wait are dropped, each is told so

Home Assistant calls this `queued` with a maximum. Two of its other modes can be set for a skill: `restart`, where a new
command takes the place of the skill's earlier ones, the one under way included; and `single`, where it is refused while
one is there. There is no `parallel`: skills run one at a time, so that "stop" means one thing. What must not wait
(stop, cancel) does not come here at all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from otto.config import Settings

WAITING = 2
"""Commands that wait beside the one that is carried out."""
BUSY = "I am still busy. Please say that again in a moment."
"""What is answered to a command that finds no place."""
DROPPED = "That was dropped before it was done."
"""What becomes of those that wait when somebody says "stop"."""
Mode = Literal["queued", "restart", "single"]


def mode_of(settings: Settings, skill: str) -> Mode:
    """How a skill's commands wait for one another."""
    if skill in settings.single:
        return "single"
    return "restart" if skill in settings.restart else "queued"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done in its turn."""

    run: Callable[[], None]
    drop: Callable[[], None]
    """Called in place of `run` when it will not be done after all."""
    skill: str = ""
    """What it is called, for `mode`."""
    mode: Mode = "queued"


class CommandQueue:
    """One thread that does one job after another."""

    def __init__(self, waiting: int = WAITING, *, cancel: Callable[[], None] = lambda: None) -> None:
        """`cancel` ends what is being done, soon."""
        self.superseded = False
        """Whether what is being done was ended because a newer command took its place."""
        self._room = waiting
        self._cancel = cancel
        self._jobs: deque[Job] = deque()
        self._running: Job | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="commands", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return len(self._jobs)

    @property
    def idle(self) -> bool:
        """Whether nothing is being done and nothing waits."""
        with self._changed:
            return self._running is None and not self._jobs

    def put(self, job: Job) -> bool:
        """Whether there is room for it."""
        with self._changed:
            same = [each for each in self._jobs if each.skill == job.skill] if job.mode != "queued" else []
            running = job.mode != "queued" and self._running is not None and self._running.skill == job.skill
            if job.mode == "single" and (same or running):
                return False
            taken = len(self._jobs) - len(same) + (self._running is not None)
            if self._closed or taken > self._room:
                return False
            self._jobs = deque(each for each in self._jobs if each not in same)
            self._jobs.append(job)
            self.superseded = self.superseded or running
            self._changed.notify_all()
        for each in same:
            each.drop()
        if running:
            self._cancel()
        return True

    def clear(self) -> int:
        """Drops everything that waits; what is being done goes on. How many were dropped."""
        with self._changed:
            dropped = list(self._jobs)
            self._jobs.clear()
            self._changed.notify_all()
        for job in dropped:
            job.drop()
        return len(dropped)

    def wait_idle(self, seconds: float) -> bool:
        """Whether everything was done within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running is None and not self._jobs, seconds)

    def close(self, seconds: float) -> bool:
        """Drops what waits; what is being done may take `seconds` more. Whether it ended in time."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closed = True
        self.clear()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._running = None
                self.superseded = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                job = self._running = self._jobs.popleft()
            job.run()
