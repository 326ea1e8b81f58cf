"""What was found wrong with the examples of files, kept between starts.

Reading the values of thousands of examples takes longer than everything else at the start, and the result depends only
on the file's text, on the skills it calls and on the code that reads values.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from otto.example import Origin, Problem
from otto.examples.file import ExampleFile, Fault
from otto.files import write_atomic
from otto.skill import Skill

log = logging.getLogger(__name__)

FILE = "verdicts.json"


class Verdicts:
    """The faults of example files by their text and the schemas they were held against."""

    def __init__(self, cache: Path) -> None:
        """`cache`: a folder; what cannot be read there counts as nothing, what cannot be written is lost."""
        self._path = cache / FILE
        self._kept = _load(self._path)
        self._saved = set(self._kept)
        self._used: dict[str, list[tuple[int, int, str]]] = {}

    def of(self, file: ExampleFile, schemas: Mapping[str, Skill]) -> tuple[Fault, ...]:
        """`file.faults(schemas)`, from the cache where possible."""
        names = sorted({call.name for example in file.examples for call in example.calls})
        skills = [f"{name} {schemas[name].hash if name in schemas else ''}" for name in names]
        key = hashlib.sha256("\n".join((file.hash, *skills)).encode()).hexdigest()[:32]
        if key not in self._kept:
            self._kept[key] = [_row(fault) for fault in file.faults(schemas)]
        self._used[key] = self._kept[key]
        return tuple(_fault(file.path, *row) for row in self._kept[key])

    def save(self) -> None:
        """Keeps what was asked for since the last time and forgets the rest; writes only when that changes the file."""
        self._kept, self._used = self._used, {}
        if self._saved == self._kept.keys():
            return
        self._saved = set(self._kept)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps({"version": _version(), "files": self._kept}))
        except OSError as error:
            log.info("%s cannot be written: %s", self._path, error.strerror)


def _row(fault: Fault) -> tuple[int, int, str]:
    return fault.line, fault.problem.origin.line if fault.problem else 0, fault.problem.message if fault.problem else ""


def _fault(path: Path, line: int, at: int, message: str) -> Fault:
    return Fault(line, Problem(Origin(str(path), at), message) if message else None)


def _load(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    try:
        content = json.loads(path.read_bytes())
        if content["version"] != _version():
            return {}
        return {
            str(key): [(int(line), int(at), str(message)) for line, at, message in rows]
            for key, rows in content["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


@functools.cache
def _version() -> str:
    """Changes with the code that reads values."""
    otto = Path(__file__).parent.parent
    files = [*(otto / name for name in ("call.py", "skill.py", "examples/file.py")), *sorted(otto.glob("values/*.py"))]
    states = [(file.name, found.st_size, found.st_mtime_ns) for file in files for found in [file.stat()]]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()[:16]
