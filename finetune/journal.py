"""A journal: what a long run has done so far, one JSON object a line, so that it can go on after kill -9.

    journal = Journal(Path("run.jsonl"))
    journal.entries             what an earlier run wrote
    journal.add({"key": "17", "text": "…"})

A line is on the disk before `add` returns. A line that was cut by a kill is taken away when the journal is opened
again: it stands for something that was never acknowledged.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from finetune.shapes import DataError, dumps
from otto.errors import OttoError
from otto.example import Origin


class Journal:
    """Opened for this process alone; may be written by several threads."""

    def __init__(self, path: Path) -> None:
        """Opens it, or begins it. Raises `OttoError`, also while another process has it open."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise OttoError(f"{path}: the journal cannot be opened: {error.strerror}") from error
        try:
            _lock(self._file, path)
            self.entries: list[dict[str, Any]] = self._read()
            """What was written, the oldest first."""
        except BaseException:
            os.close(self._file)
            raise
        self._writing = threading.Lock()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, entry: Mapping[str, Any]) -> None:
        """Writes it, and returns when it lasts. Raises `OttoError` when it cannot, with nothing half written."""
        data = (dumps(entry) + "\n").encode()
        with self._writing:
            size = os.fstat(self._file).st_size
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                os.fsync(self._file)
            except OSError as error:
                os.ftruncate(self._file, size)
                raise OttoError(f"{self.path}: the journal cannot be written: {error.strerror}") from error
            self.entries.append(dict(entry))

    def close(self) -> None:
        """Lets others have it."""
        os.close(self._file)

    def put_away(self) -> Path:
        """Closes it and gives it a number, so that the next run begins anew; returns where it is kept."""
        self.close()
        number = 1
        while (kept := self.path.with_name(f"{self.path.stem}.{number}{self.path.suffix}")).exists():
            number += 1
        os.replace(self.path, kept)
        return kept

    def _read(self) -> list[dict[str, Any]]:
        with open(self._file, "rb", closefd=False) as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        entries = []
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise DataError(Origin(str(self.path), number), "this line is damaged; move the file away") from error
            entries.append(entry)
        return entries


def _lock(file: int, path: Path) -> None:
    """Two runs in one journal would do everything twice."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OttoError(f"{path}: another run is writing here; wait for it or end it") from error
