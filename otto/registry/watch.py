"""Live reload: follows the folders of a registry and has it read again what changed, within a second.

    >>> watch = Watch(registry, lambda change: print(change))
    >>> watch.close()

The system reports changes (`watchfiles`). Beside that the files' times are looked at several times a second, which
costs next to nothing and covers what no report covers: folders that do not exist yet, network folders, and systems that
have no watches left.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from otto.registry.registry import Change, Registry

log = logging.getLogger(__name__)

STEP_MS = 40
"""Changes that follow each other closer than this belong together: editors write a file in several steps."""
GROUP_MS = 200
"""The longest that such changes are waited for."""
LOOK_SECONDS = 0.4
"""How often times are looked at."""

State = frozenset[tuple[str, int, int, int]]
"""Of each file: path, number on the disk, size, time of the last change in nanoseconds. Folders likewise."""


class Watch:
    """A thread that follows changes until it is closed."""

    def __init__(self, registry: Registry, changed: Callable[[Change], None]) -> None:
        """`changed` is told every change of skills or problems, in another thread."""
        self._registry = registry
        self._folders = (*registry.folders.examples, *registry.folders.skills)
        self._stop = threading.Event()
        registry.subscribe(changed)
        self._thread = threading.Thread(target=self._follow, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _follow(self) -> None:
        reports = True
        state: State | None = None
        while not self._stop.is_set():
            folders = [folder for folder in self._folders if folder.is_dir()]
            if reports and folders:
                try:
                    state = self._listen(folders, state)
                    continue
                except (OSError, RuntimeError) as error:  # RuntimeError: what watchfiles makes of the system's errors
                    log.info("the system does not report changes of files (%s): looking at their times instead", error)
                    reports = False
            state = self._reload_if_changed(state)
            self._stop.wait(LOOK_SECONDS)

    def _listen(self, folders: list[Path], state: State | None) -> State:
        """Follows the system's reports until a folder comes or goes."""
        from watchfiles import watch

        numbers = _numbers(self._folders)
        reports = watch(
            *folders,
            watch_filter=None,
            recursive=False,
            debounce=GROUP_MS,
            step=STEP_MS,
            rust_timeout=int(1000 * LOOK_SECONDS),
            yield_on_timeout=True,
            raise_interrupt=False,
            stop_event=self._stop,
        )
        state = self._reload_if_changed(state)
        for reported in reports:
            # Two edits within one tick of the file system's clock can leave a file looking the same.
            state = self._reload_if_changed(None if reported else state)
            if _numbers(self._folders) != numbers:
                break
        return state

    def _reload_if_changed(self, state: State | None) -> State:
        now = look(self._folders)
        if now != state:
            self._registry.reload(wait=False)
        return now


def look(folders: Iterable[Path]) -> State:
    """The state of the files in some folders; what cannot be looked at is not there."""
    found: set[tuple[str, int, int, int]] = set()
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                paths = [entry.path for entry in entries if not entry.name.startswith(".")]
        except OSError:
            continue
        for path in paths:
            try:
                status = os.stat(path)
            except OSError:
                continue
            found.add((path, status.st_ino, status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _numbers(folders: Iterable[Path]) -> list[int]:
    """Which folder is which: one that was deleted and made again has another number."""
    numbers: list[int] = []
    for folder in folders:
        try:
            numbers.append(folder.stat().st_ino)
        except OSError:
            numbers.append(0)
    return numbers
