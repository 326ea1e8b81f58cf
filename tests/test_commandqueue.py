"""One is carried out, two wait, the next is refused."""

from __future__ import annotations

import threading

from otto.commandqueue import CommandQueue, Job


class Work:
    """Jobs that wait for a sign."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.ran: list[int] = []
        self.dropped: list[int] = []

    def job(self, number: int) -> Job:
        def run() -> None:
            self.go.wait(5)
            self.ran.append(number)

        return Job(run, lambda: self.dropped.append(number))


def test_two_wait_and_the_third_is_refused() -> None:
    queue, work = CommandQueue(), Work()
    assert [queue.put(work.job(number)) for number in range(5)] == [True, True, True, False, False]
    assert not queue.idle
    work.go.set()
    assert queue.wait_idle(5)
    assert work.ran == [0, 1, 2]
    assert queue.put(work.job(3))
    assert queue.close(5)
    assert work.dropped in ([], [3])


def test_clearing_drops_what_waits_and_tells_it() -> None:
    queue, work = CommandQueue(), Work()
    for number in range(3):
        queue.put(work.job(number))
    while queue.waiting != 2:
        pass
    assert queue.clear() == 2
    work.go.set()
    assert queue.close(5)
    assert (work.ran, work.dropped) == ([0], [1, 2])


def test_closing_does_not_wait_for_ever() -> None:
    queue, work = CommandQueue(), Work()
    queue.put(work.job(0))
    while queue.waiting:
        pass
    assert not queue.close(0.1)
    assert not queue.put(work.job(1))
    work.go.set()
    assert queue.close(5)
