"""Commands wait their turn: one is carried out, two wait, and the next is refused rather than lost.

    >>> commands = CommandQueue()
    >>> commands.put(Job(run, drop))        # False: it is full, and whoever spoke has to be told
    >>> commands.clear()                    # "stop": those that wait are dropped, each is told so

Home Assistant calls this `queued` with a maximum. What must not wait (stop, cancel) does not come here at all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WAITING = 2
"""Commands that wait beside the one that is carried out."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done in its turn."""

    run: Callable[[], None]
    drop: Callable[[], None]
    """Called in place of `run` when it will not be done after all."""


class CommandQueue:
    """One thread that does one job after another."""

    def __init__(self, waiting: int = WAITING) -> None:
        self._room = waiting
        self._jobs: deque[Job] = deque()
        self._running = False
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
            return not self._running and not self._jobs

    def put(self, job: Job) -> bool:
        """Whether there is room for it."""
        with self._changed:
            taken = len(self._jobs) + self._running
            if self._closed or taken > self._room:
                return False
            self._jobs.append(job)
            self._changed.notify_all()
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
            return self._changed.wait_for(lambda: not self._running and not self._jobs, seconds)

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
                self._running = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
                self._running = True
            job.run()
