"""The registry: bundled skills with the user's laid over them, read again while Otto runs.

    >>> registry = Registry(folders(settings), cache=settings.cache_folder)
    >>> registry.snapshot.skills["timer"].skill
    >>> str(registry.reload())
    '+lights'

A reload builds a new snapshot beside the old one and then swaps one reference: whoever holds a snapshot keeps what it
has. A broken file keeps its last good version and is reported; a deleted file takes its skill with it. Python files are
read in another process (`otto/worker/worker.py`), so that one which hangs delays nothing but itself.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from otto.config import Folders
from otto.errors import SchemaError
from otto.example import Origin, Problem
from otto.examples.draft import SUFFIX
from otto.examples.file import ExampleFile, content_of, unchecked
from otto.examples.verdicts import Verdicts
from otto.registry.assemble import Layer, Owners, assemble
from otto.registry.snapshot import Change, PythonFunction, Registered, Snapshot, change
from otto.registry.suspects import Suspects
from otto.worker.worker import FILE_SECONDS, Described, describe

__all__ = ["Change", "PythonFunction", "Registered", "Registry", "Snapshot", "change"]

QUICK_SECONDS = 0.4
"""How long a changed Python file may take before it is reported and tried again with more patience."""
SUSPECT_SECONDS = 1.0
"""How long a Python file may take that could not be read the last time either."""


class Describe(Protocol):
    """What reads Python files: `otto.worker.worker.describe`."""

    def __call__(self, files: Iterable[Path], *, cache: Path, seconds: float) -> Mapping[Path, Described]: ...


@dataclass
class _ExampleState:
    """An example file as it is, and as it was when it was last good."""

    content: bytes | str
    """The bytes, or why there are none."""
    now: ExampleFile
    good: ExampleFile | None


@dataclass
class _PythonState:
    """A Python file as it is, and as it was when it was last good."""

    content: bytes
    """What is on the disk; `now` follows when it has been read."""
    now: Described | None = None
    good: Described | None = None


class Registry:
    """All skills. `snapshot` may be read from any thread at any time."""

    def __init__(
        self, folders: Folders, *, cache: Path, files: Sequence[Path] = (), describe: Describe = describe
    ) -> None:
        """Reads all folders; returns when every file is read or has run out of time. What is in them raises nothing.

        `files`: example and Python files from elsewhere, laid over everything as if they were one more folder.
        """
        self.folders = folders
        self._files = frozenset(files)
        self._cache = cache
        self._describe = describe
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._verdicts = Verdicts(cache)
        self._suspects = Suspects(cache)
        self._owners: Owners = {}
        self._examples: dict[Path, _ExampleState] = {}
        self._python: dict[Path, _PythonState] = {}
        self._strangers: list[Problem] = []
        self._listeners: list[Callable[[Change], None]] = []
        self._quick: _Reading | None = None
        self._patient: _Reading | None = None
        self._snapshot = Snapshot({})
        self.reload()

    @property
    def snapshot(self) -> Snapshot:
        """The newest one. Hold on to it for as long as one command takes."""
        return self._snapshot

    def reload(self, *, wait: bool = True) -> Change:
        """Reads what changed on the disk. `wait=False`: changed Python files are read in the background and follow in
        a later swap, which `subscribe` tells about."""
        with self._lock:
            strangers, self._strangers = self._strangers, []
            differs = self._read_examples()
            gone, changed = self._read_python()
            if changed and wait:
                self._read_now(changed)
            stale = differs or gone or (changed and wait) or strangers != self._strangers or not self._snapshot.skills
            difference = self._swap() if stale else Change()
        if changed and not wait:
            self._read_later(changed)
        self._tell(difference)
        return difference

    def subscribe(self, listener: Callable[[Change], None]) -> None:
        """Calls `listener` after every swap that changed something, one call at a time, in the thread that swapped."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Stops the background threads and tells nobody anything any more."""
        self._listeners.clear()
        for reading in (self._quick, self._patient):
            if reading:
                reading.stop()

    def _read_examples(self) -> bool:
        """Whether any differs from what was known."""
        found = self._contents(self.folders.examples, SUFFIX)
        gone = self._examples.keys() - found.keys()
        for path in gone:
            del self._examples[path]
        differs = bool(gone)
        for path, content in found.items():
            before = self._examples.get(path)
            if before is None or before.content != content:
                now = unchecked(path, content if isinstance(content, bytes) else None)
                good = before.good if before and now.broken else None if now.broken else now
                self._examples[path] = _ExampleState(content, now, good)
                differs = True
        return differs

    def _read_python(self) -> tuple[bool, list[Path]]:
        """Whether files are gone, and those that nobody has described yet in this version."""
        found = self._contents(self.folders.skills, ".py")
        gone = self._python.keys() - found.keys()
        for path in gone:
            del self._python[path]
        changed: list[Path] = []
        for path, content in sorted(found.items()):
            read = content if isinstance(content, bytes) else b""  # what is wrong with it, the worker will say
            before = self._python.get(path)
            if before is None:
                self._python[path] = _PythonState(read)
            elif before.content != read:
                before.content = read
            else:
                continue
            changed.append(path)
        return bool(gone), changed

    def _contents(self, folders: Iterable[Path], suffix: str) -> dict[Path, bytes | str]:
        """What is in the files of one kind, or why that cannot be read."""
        paths = {path for folder in folders for path in self._listed(folder, suffix)}
        paths |= {path for path in self._files if (path.suffix == ".py") == (suffix == ".py")}
        found: dict[Path, bytes | str] = {}
        for path in paths:
            try:
                found[path] = content_of(path)
            except (OSError, SchemaError) as error:
                if os.path.lexists(path):  # or else it was deleted a moment ago
                    found[path] = str(error)
        return found

    def _listed(self, folder: Path, suffix: str) -> list[Path]:
        try:
            paths = [path for path in folder.iterdir() if not path.name.startswith((".", "_"))]
        except FileNotFoundError:
            return []
        except OSError as error:
            self._strangers.append(Problem(Origin(str(folder), 0), f"this folder cannot be read: {error.strerror}"))
            return []
        if suffix == SUFFIX:
            for path in paths:
                if path.suffix == ".txt" and not path.name.endswith(SUFFIX):
                    message = f"is not read: an example file is named {path.stem}{SUFFIX}"
                    self._strangers.append(Problem(Origin(str(path), 0), message, "warning"))
        return [path for path in paths if path.name.endswith(suffix)]

    def _take(self, described: Mapping[Path, Described]) -> None:
        """What was read counts, unless the file has changed again meanwhile."""
        for path, each in described.items():
            state = self._python.get(path)
            if state is None or (each.source and each.source != _text(state.content)):
                continue
            state.now = each
            if each.skill:
                state.good = each

    def _swap(self) -> Change:
        layers = self._layers()
        before = self._snapshot
        after = assemble(layers, self._verdicts, self._owners)
        after = Snapshot(after.skills, (*after.problems, *self._strangers), after.hash)
        self._verdicts.save()
        difference = change(before, after)
        if difference or before.problems != after.problems:
            self._snapshot = after
        return difference

    def _layers(self) -> list[Layer]:
        """Bundled folders first. The last folders of both kinds belong together, however many there are of each."""
        examples, skills = self.folders.examples, self.folders.skills
        depth = max(len(examples), len(skills))
        layers: list[Layer] = []
        for level in range(-depth, 0):
            places = [folders[level] if -level <= len(folders) else None for folders in (examples, skills)]
            layers.append(self._layer(places))
        return [*layers, self._layer()] if self._files else layers

    def _layer(self, places: Sequence[Path | None] = ()) -> Layer:
        """What lies in these folders; without folders, the files from elsewhere."""

        def inside(path: Path) -> bool:
            return (path.parent in places and path not in self._files) if places else path in self._files

        texts = [_example_file(self._examples[path]) for path in sorted(self._examples) if inside(path)]
        files = [_described(self._python[path]) for path in sorted(self._python) if inside(path)]
        return Layer(tuple(texts), tuple(filter(None, files)))

    def _read_now(self, paths: Iterable[Path]) -> None:
        suspect = {path for path in paths if self._python[path].content in self._suspects}
        for group, seconds in ((set(paths) - suspect, FILE_SECONDS), (suspect, SUSPECT_SECONDS)):
            if group:
                self._take(self._describe(sorted(group), cache=self._cache, seconds=seconds))
        wrong = [state.content for state in self._python.values() if state.now and not state.now.skill]
        self._suspects.replace(wrong)

    def _read_later(self, paths: Iterable[Path]) -> None:
        if self._quick is None or self._patient is None:
            self._quick = _Reading("quick", lambda batch: self._read_quickly(batch))
            self._patient = _Reading("patient", lambda batch: self._read(batch, FILE_SECONDS))
        self._quick.put(paths)

    def _read_quickly(self, paths: list[Path]) -> None:
        started = time.monotonic()
        described = self._read(paths, QUICK_SECONDS)
        if self._patient and time.monotonic() - started >= QUICK_SECONDS:
            self._patient.put(path for path, each in described.items() if not each.skill)

    def _read(self, paths: list[Path], seconds: float) -> Mapping[Path, Described]:
        described = self._describe(paths, cache=self._cache, seconds=seconds)
        with self._lock:
            self._take(described)
            difference = self._swap()
        self._tell(difference)
        return described

    def _tell(self, difference: Change) -> None:
        if difference:
            with self._telling:
                for listener in tuple(self._listeners):
                    listener(difference)


class _Reading:
    """A thread that reads what it is given, several files at once where several are waiting. It ends with the program:
    a file that hangs holds nothing up."""

    def __init__(self, name: str, read: Callable[[list[Path]], object]) -> None:
        self._waiting: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._read = read
        threading.Thread(target=self._work, name=f"registry {name}", daemon=True).start()

    def put(self, paths: Iterable[Path]) -> None:
        for path in paths:
            self._waiting.put(path)

    def stop(self) -> None:
        self._waiting.put(None)

    def _work(self) -> None:
        while (path := self._waiting.get()) is not None:
            batch = [path]
            while not self._waiting.empty():
                if (path := self._waiting.get()) is None:
                    return
                batch.append(path)
            self._read(list(dict.fromkeys(batch)))


def _example_file(state: _ExampleState) -> ExampleFile:
    """What counts: the file as it is, or its last good version with what is wrong now."""
    if not state.now.broken or state.good is None:
        return state.now
    return replace(state.good, problems=tuple(map(_kept, state.now.problems)))


def _described(state: _PythonState) -> Described | None:
    if state.now is None or state.now.skill or state.good is None:
        return state.now
    return replace(state.good, problem=state.now.problem and _kept(state.now.problem))


def _kept(problem: Problem) -> Problem:
    return replace(problem, message=f"{problem.message} (its last good version stays in use)")


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", errors="replace")
