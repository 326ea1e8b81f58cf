"""Who does the work: this process, or workers on many machines (`--workers ray`, `finetune/cluster.py`).

    with workers("ray:4") as several, several.keep(partial(open_answerer, named, test, settings)) as pool:
        pool.every(described)                  once in each worker
        pool.run(partial(answered, row))       in one of them
        for result in pool.spread(tasks): …    all of them, results in the order of the tasks

What is kept (a loaded model, an open connection) is made once in each worker and stays there; a task is a function of
it. Only the process that was started writes files: what is known to be done, and where a run goes on, is the same
whoever does the work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from otto.errors import ConfigError

Kept = TypeVar("Kept")
Kept_co = TypeVar("Kept_co", covariant=True)
Result = TypeVar("Result")
Make = Callable[[], AbstractContextManager[Kept]]

OPTION = "Who does the work: here, or ray (ray:4 for four workers; RAY_ADDRESS names a cluster)."
"""Help of `--workers`."""
_WANTED = re.compile(r"here|ray(?::([1-9]\d{0,3}))?")


class Pool(Protocol[Kept_co]):
    """Workers that keep the same thing."""

    def run(self, task: Callable[[Kept_co], Result]) -> Result:
        """The result, awaited; may be called by several threads. An `OttoError` of the task is raised as it is."""

    def every(self, task: Callable[[Kept_co], Result]) -> list[Result]:
        """Once in each worker."""

    def spread(self, tasks: Iterable[Callable[[Kept_co], Result]]) -> Iterator[Result]:
        """The results in the order of the tasks, of which few are begun ahead."""


class Workers(Protocol):
    """Where pools are."""

    @property
    def count(self) -> int:
        """How many work at the same time."""

    def keep(self, make: Make[Kept], threads: int = 0) -> AbstractContextManager[Pool[Kept]]:
        """A pool in which each worker keeps what `make` makes. `threads`: tasks of a worker at the same time, which
        mostly wait; 0: one after the other, with as many processors as there are for each."""


class _OwnPool:
    """This process."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def run(self, task: Callable[[Kept], Result]) -> Result:
        return task(self._kept)  # type: ignore[arg-type]

    def every(self, task: Callable[[Kept], Result]) -> list[Result]:
        return [self.run(task)]

    def spread(self, tasks: Iterable[Callable[[Kept], Result]]) -> Iterator[Result]:
        return map(self.run, tasks)


class Here:
    """This process alone."""

    count = 1

    @contextmanager
    def keep(self, make: Make[Kept], threads: int = 0) -> Iterator[Pool[Kept]]:
        with make() as kept:
            yield _OwnPool(kept)


HERE = Here()


@contextmanager
def workers(wanted: str = "here") -> Iterator[Workers]:
    """Those that `--workers` names. Raises `ConfigError` for other words, and where Ray is missing; `OttoError` where
    no cluster answers."""
    found = _WANTED.fullmatch(wanted.strip().lower())
    if found is None:
        raise ConfigError(f"--workers {wanted}: must be here, ray, or ray:N for N workers (at most 9999)")
    if found[0] == "here":
        yield HERE
        return
    from finetune.cluster import joined

    with joined(int(found[1] or 0)) as cluster:
        yield cluster
