"""Workers with Ray, on this machine or many: `--workers ray`.

    with joined(4) as cluster, cluster.keep(make) as pool: …

`RAY_ADDRESS` (host:port) names the cluster; without it one is started on this machine for as long as it is needed: on
loopback alone, with a token of its own, without a dashboard. Ray tells nobody that it is used. What travels (a task,
what it needs, its result) goes from process to process and is never read from a file; a key goes to the workers that
ask with it, and into no log. Each machine has the same version of Otto, and models and files under the same paths.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import secrets
import shutil
import socket
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Generic
from urllib.parse import urlsplit

from finetune.workers import Kept, Make, Pool, Result
from otto.errors import ConfigError, OttoError

EXTRA = "pip install 'otto-assistant[ray]'"
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""The first is how Ray says that a cluster shall have one machine; only then does it keep to 127.0.0.1."""
_OBJECTS = 100 * 2**20
"""Bytes of memory that are shared; nothing large travels."""
_AHEAD = 4
"""Tasks begun for each worker before the first of them is waited for."""
_LIVES = 2
"""How often a worker that is lost is begun again, and its task with it."""
_PATIENCE = 10.0
"""Seconds for a cluster to take a connection."""
_LAST_WORDS = 10.0
"""Seconds for a worker to put away what it keeps."""


@contextmanager
def joined(count: int = 0) -> Iterator[Cluster]:
    """The cluster of `RAY_ADDRESS`, or one of this machine's own. `count`: workers; 0: one for each GPU, or machine.
    Raises `ConfigError` without Ray, `OttoError` where the cluster does not answer or has fewer processors."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(f"--workers ray needs Ray; install: {EXTRA}")
    os.environ.update(_QUIET)
    if not os.environ.get("RAY_ADDRESS"):
        os.environ.update(_LOOPBACK)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with ExitStack() as stack:
        if not _ray().is_initialized():
            _join(count, stack)
        yield Cluster(count)


def _join(count: int, stack: ExitStack) -> None:
    address = os.environ.get("RAY_ADDRESS", "")
    options: dict[str, Any] = {"address": address}
    if address:
        _find(address)
    else:
        folder = tempfile.mkdtemp(prefix="ray")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        options = {
            "address": "local",
            "num_cpus": max(count, os.cpu_count() or 1),
            "include_dashboard": False,
            "object_store_memory": _OBJECTS,
            "_temp_dir": folder,
        }
    stack.callback(_ray().shutdown)
    try:
        _ray().init(**options, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        raise OttoError(f"{where} cannot be had: {_first_line(error)}") from error


def _find(address: str) -> None:
    """Raises `OttoError` where nobody listens: Ray would wait for minutes."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    try:
        if parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE).close()
    except (OSError, ValueError) as error:
        raise OttoError(f"the Ray cluster at {address} (RAY_ADDRESS) cannot be reached: {error}") from error


class Cluster:
    """The machines that Ray has joined."""

    def __init__(self, count: int) -> None:
        machines = [
            each["Resources"] for each in _ray().nodes() if each["Alive"] and each["Resources"].get("CPU", 0) >= 1
        ]
        gpus = int(sum(each.get("GPU", 0) for each in machines))
        self.count = count or gpus or max(1, len(machines))
        on_one = -(-self.count // max(1, len(machines)))
        processors = min((int(each["CPU"]) for each in machines), default=0) // on_one
        if processors < 1:
            total = int(sum(each["CPU"] for each in machines))
            raise OttoError(f"--workers ray:{self.count}: the cluster has {total} processors; ask for fewer workers")
        self._heavy = {"num_cpus": processors, "num_gpus": min(1.0, gpus / self.count)}

    @contextmanager
    def keep(self, make: Make[Kept], threads: int = 0) -> Iterator[Pool[Kept]]:
        ray = _ray()
        worker = ray.remote(_Worker).options(
            max_restarts=_LIVES,
            max_task_retries=_LIVES,
            max_concurrency=threads + 1 if threads else 1,
            scheduling_strategy="SPREAD",
            **({"num_cpus": 0} if threads else self._heavy),
        )
        several = [worker.remote() for _ in range(self.count)]
        try:
            yield _ClusterPool(several, ray.put(make))
        finally:
            ray.wait([each.close.remote() for each in several], num_returns=len(several), timeout=_LAST_WORDS)
            for each in several:
                ray.kill(each)


class _Failure:
    """An `OttoError` on its way: what it is and says, for few can be made again from what they were made of."""

    def __init__(self, error: OttoError) -> None:
        self._kind, self._message, self._facts = type(error), str(error), dict(vars(error))

    def error(self) -> OttoError:
        found = self._kind.__new__(self._kind, self._message)
        vars(found).update(self._facts)
        return found


class _Worker:
    """What lives in a process of Ray's."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._stack = ExitStack()
        self._kept: list[Any] = []

    def run(self, task: Callable[[Any], Any], made_by: list[Any]) -> Any:
        """`made_by`: where Ray keeps the `Make`, with each task: a worker that was begun again needs it again."""
        try:
            with self._opening:
                if not self._kept:
                    make: Make[Any] = _ray().get(made_by[0])
                    self._kept.append(self._stack.enter_context(make()))
            return task(self._kept[0])
        except OttoError as error:
            return _Failure(error)

    def close(self) -> None:
        self._stack.close()


class _ClusterPool(Generic[Kept]):
    """Workers of a cluster that keep the same thing."""

    def __init__(self, several: list[Any], made_by: Any) -> None:
        self._several = several
        self._made_by = [made_by]
        self._busy = Counter[int]()
        self._given = [0] * len(several)
        self._counting = threading.Lock()

    def run(self, task: Callable[[Kept], Result]) -> Result:
        with self._counting:
            place = self._least_busy(self._busy)
            self._busy[place] += 1
        try:
            return self._result(self._begun(place, task))
        finally:
            with self._counting:
                self._busy[place] -= 1

    def every(self, task: Callable[[Kept], Result]) -> list[Result]:
        return [self._result(each) for each in [self._begun(place, task) for place in range(len(self._several))]]

    def spread(self, tasks: Iterable[Callable[[Kept], Result]]) -> Iterator[Result]:
        begun: deque[tuple[Any, int]] = deque()
        for task in tasks:
            if len(begun) == _AHEAD * len(self._several):
                yield self._result(begun.popleft()[0])
            place = self._least_busy(self._open(begun))
            begun.append((self._begun(place, task), place))
        while begun:
            yield self._result(begun.popleft()[0])

    def _begun(self, place: int, task: Callable[[Kept], Any]) -> Any:
        return self._several[place].run.remote(task, self._made_by)

    def _open(self, begun: Iterable[tuple[Any, int]]) -> Mapping[int, int]:
        """How many tasks each worker has not ended yet."""
        tasks = dict(begun)
        waiting = _ray().wait(list(tasks), num_returns=len(tasks), timeout=0)[1] if tasks else ()
        return Counter(tasks[each] for each in waiting)

    def _least_busy(self, busy: Mapping[int, int]) -> int:
        """The worker with the least to do, for machines need not be equally fast; of equals the one that had least."""
        place = min(range(len(self._several)), key=lambda each: (busy[each], self._given[each]))
        self._given[place] += 1
        return place

    def _result(self, reference: Any) -> Any:
        ray = _ray()
        try:
            found = ray.get(reference)
        except ray.exceptions.RayActorError as error:
            raise OttoError(f"a worker was lost ({_first_line(error)}); the same command goes on") from error
        if isinstance(found, _Failure):
            raise found.error()
        return found


def _ray() -> Any:
    """The package, which brings types only where it is installed."""
    return importlib.import_module("ray")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
