"""One is carried out, two wait, the next is refused."""

from __future__ import annotations

import threading

from otto.commandqueue import CommandQueue, Job, Mode


class Work:
    """Jobs that wait for a sign."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.ran: list[int] = []
        self.dropped: list[int] = []

    def job(self, number: int, skill: str = "", mode: Mode = "queued") -> Job:
        def run() -> None:
            self.go.wait(5)
            self.ran.append(number)

        return Job(run, lambda: self.dropped.append(number), skill, mode)


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


def test_a_single_skill_does_one_thing_at_a_time() -> None:
    queue, work = CommandQueue(), Work()
    assert queue.put(work.job(0, "light", "single"))
    assert not queue.put(work.job(1, "light", "single"))
    assert queue.put(work.job(2, "timer", "single"))
    assert not queue.put(work.job(3, "timer", "single"))
    work.go.set()
    assert queue.wait_idle(5)
    assert queue.put(work.job(4, "light", "single"))
    assert queue.close(5)
    assert work.ran[:2] == [0, 2]


def test_a_newer_command_takes_the_place_of_those_of_its_skill() -> None:
    work = Work()
    ended: list[bool] = []

    def cancel() -> None:
        ended.append(queue.superseded)
        work.go.set()

    queue = CommandQueue(cancel=cancel)
    queue.put(work.job(0, "timer"))
    while queue.waiting:
        pass
    assert queue.put(work.job(1, "news", "restart"))
    assert queue.put(work.job(2, "other"))
    assert queue.put(work.job(3, "news", "restart"))  # in the place of 1: there is room for it
    assert (work.dropped, ended) == ([1], [])
    work.go.set()
    assert queue.wait_idle(5)
    work.go.clear()
    queue.put(work.job(4, "news", "restart"))
    while queue.waiting:
        pass
    assert queue.put(work.job(5, "news", "restart"))  # ends the one under way
    assert queue.wait_idle(5)
    assert ended == [True]
    assert not queue.superseded
    assert work.ran == [0, 2, 3, 4, 5]
    assert queue.close(5)
