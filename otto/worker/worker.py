"""The worker: skill files are read and skills are run in another process, never in this one.

    >>> describe([Path("skills/timer.py")], cache=settings.cache_folder)
    {PosixPath('skills/timer.py'): Described(…, skill=Skill('timer', …), problem=None)}
    >>> worker = Worker(memory_mb=512)
    >>> worker.ask({"job": "run", …}, seconds=10)
    {'text': 'The timer is set.', 'data': None}

A file that hangs, crashes or eats memory costs a process, and the next one is there before it is needed. What the
process does is in `otto/worker/job.py`, how it is talked to in `otto/worker/child.py`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otto.errors import SchemaError, WorkerError
from otto.example import Origin, Problem
from otto.files import write_atomic
from otto.skill import Risk, Skill, from_json
from otto.worker.child import Child

log = logging.getLogger(__name__)

FILE_SECONDS = 5.0
"""How long a skill file may take to be read."""
FINISH_SECONDS = 3.0
"""How long a running skill may take to finish when Otto ends."""
MAX_SOURCE = 1_000_000
"""Bytes in a skill file."""
_PATIENCE_SECONDS = 0.5  # a job that takes longer may hang: its replacement is started beside it
_LEAVING_SECONDS = 0.2  # a program that the job has started is in a session of its own, and only the job can end it
_WHERE_SECONDS = 0.3
_CACHED = 1000  # schemas kept


class Worker:
    """A warm process that does one job at a time, and its replacement."""

    def __init__(self, memory_mb: int) -> None:
        """Starts the process in the background: a few milliseconds."""
        self._memory_mb = memory_mb
        self._lock = threading.Lock()
        self._child = Child(memory_mb)
        self._spare: Child | None = None
        self._closed = False

    def ask(self, job: Mapping[str, object], seconds: float) -> dict[str, object]:
        """The answer to `job`. Raises `WorkerError` when there is none after `seconds`, or the process ended; the next
        job then finds a fresh one."""
        with self._lock:
            if not self._child.alive:  # it ended between two jobs
                self._replace()
            try:
                answer = self._answer({**job, "seconds": seconds}, seconds)
            except WorkerError:
                self._replace()
                raise
            except BaseException:  # an interrupt: what runs must not go on unseen
                self._replace(_LEAVING_SECONDS)
                raise
            if answer.get("kind") == "memory":
                self._replace()
            return answer

    def cancel(self) -> None:
        """Ends the job that is running, if one is; its `ask` raises `WorkerError`. From another thread than `ask`."""
        if self._lock.locked():
            self._child.close(_LEAVING_SECONDS)

    def close(self) -> None:
        """Ends the processes: what runs may finish for `FINISH_SECONDS`, and is then ended."""
        finished = self._lock.acquire(timeout=FINISH_SECONDS)
        self._closed = True
        for child in (self._child, self._spare):
            if child:
                child.close()
        if finished:
            self._lock.release()

    def _answer(self, job: Mapping[str, object], seconds: float) -> dict[str, object]:
        self._child.wait_ready()
        self._child.tell(job)
        answer = self._child.answer(min(seconds, _PATIENCE_SECONDS))
        if answer is None:
            self._spare = self._spare or Child(self._memory_mb)
            answer = self._child.answer(seconds - _PATIENCE_SECONDS)
        if answer is None:
            raise WorkerError(f"it took longer than {seconds:g} seconds")
        return answer

    def _replace(self, patience: float = 0.0) -> None:
        self._child.close(patience)
        if not self._closed:
            self._child, self._spare = self._spare or Child(self._memory_mb), None


@dataclass(frozen=True, slots=True)
class Described:
    """What is in a skill file."""

    file: Path
    source: str = ""
    """Its text when it was read; this is what runs, also after the file has changed."""
    skill: Skill | None = None
    """None when the file is broken; `problem` then says how."""
    deadline: float | None = None
    """Seconds that the skill asked for; None: the setting's."""
    session: bool = False
    """Whether the function takes a `Session`."""
    problem: Problem | None = None


def describe(
    files: Iterable[Path], *, cache: Path, seconds: float = FILE_SECONDS, memory_mb: int = 512
) -> dict[Path, Described]:
    """What is in each file, read in a process of its own. One that takes longer than `seconds` is broken.

    `cache`: folder where schemas are kept by the content of their files; no process is started for those.
    """
    found: dict[Path, Described] = {}
    unknown: dict[Path, str] = {}
    for file in files:
        try:
            source = _source(file)
        except SchemaError as error:
            found[file] = _broken(file, "", str(error))
            continue
        entry = _cached(_cache_file(cache, source))
        described = _described(file, source, entry) if entry else None
        if described and described.skill:
            found[file] = described
        else:
            unknown[file] = source
    if unknown:
        found |= _read(unknown, cache, seconds, memory_mb)
    return found


def _read(sources: Mapping[Path, str], cache: Path, seconds: float, memory_mb: int) -> dict[Path, Described]:
    found: dict[Path, Described] = {}
    child = Child(memory_mb)
    try:
        for file, source in sources.items():
            try:
                answer = _asked(child, file, source, seconds)
            except WorkerError as error:
                answer = {"error": str(error)}
            if "skill" in answer:
                _keep(_cache_file(cache, source), answer)
            elif "kind" not in answer:  # no answer of its own: the process is gone, or hangs
                child.kill()
                child = Child(memory_mb)
            found[file] = _described(file, source, answer)
    finally:
        child.close()
    return found


def _asked(child: Child, file: Path, source: str, seconds: float) -> dict[str, object]:
    child.wait_ready()
    child.tell({"job": "describe", "file": str(file), "source": source, "seconds": seconds})
    answer = child.answer(seconds)
    if answer is None:
        child.tell({"job": "where", "file": str(file)})
        answer = child.answer(_WHERE_SECONDS) or {}
        if "skill" not in answer:
            return {"error": f"it took longer than {seconds:g} seconds to import", "line": answer.get("line", 0)}
    return answer


def _described(file: Path, source: str, answer: Mapping[str, Any]) -> Described:
    if "skill" not in answer:
        return _broken(file, source, str(answer.get("error", "")), answer.get("line", 0))
    try:
        entry = from_json(answer["skill"])
        risk: Risk = "confirm" if answer["risk"] == "confirm" else "none"
        skill = Skill(entry.name, entry.parameters, entry.description, risk)
        return Described(file, source, skill, answer["deadline"], answer["session"])
    except (SchemaError, KeyError) as error:
        return _broken(file, source, f"its schema cannot be read: {error}")


def _broken(file: Path, source: str, message: str, line: int = 0) -> Described:
    return Described(file, source, problem=Problem(Origin(str(file), line), message))


def _source(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SchemaError(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_SOURCE:
        raise SchemaError(f"a skill file has at most {MAX_SOURCE:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"the file is not UTF-8 text (byte {error.start + 1})") from error


def _cache_file(cache: Path, source: str) -> Path:
    """Where the schema of this text is kept: under another name when what reads schemas has changed."""
    return cache / "schemas" / f"{hashlib.sha256(_version() + source.encode()).hexdigest()[:32]}.json"


@functools.cache
def _version() -> bytes:
    otto = Path(__file__).parent.parent
    files = [
        *(otto / name for name in ("function.py", "skill.py", "worker/worker.py")),
        *sorted(otto.glob("values/*.py")),
    ]
    return hashlib.sha256(b"".join((sys.version.encode(), *(file.read_bytes() for file in files)))).digest()


def _cached(path: Path) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("skill"), dict) else None


def _keep(path: Path, answer: Mapping[str, object]) -> None:
    """Writes a schema to the cache; a cache that cannot be written costs time and nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(answer))
        kept = sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for old in kept[:-_CACHED]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.info("the schema cache %s cannot be written: %s", path.parent, error.strerror)
