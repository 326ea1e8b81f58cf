"""Python files that could not be read the last time, by their content: the next start waits for them only briefly.

A file that hangs while it is read would otherwise cost every command the whole time limit.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from otto.files import write_atomic

log = logging.getLogger(__name__)

FILE = "suspects.json"


class Suspects:
    """Contents that no skill was found in."""

    def __init__(self, cache: Path) -> None:
        """`cache`: a folder; what cannot be read there counts as nothing, what cannot be written is lost."""
        self._path = cache / FILE
        try:
            self._known = frozenset(map(str, json.loads(self._path.read_bytes())))
        except (OSError, ValueError, TypeError):
            self._known = frozenset()

    def __contains__(self, content: bytes) -> bool:
        return _digest(content) in self._known

    def replace(self, contents: list[bytes]) -> None:
        """These are all that there are now; written only when that is news."""
        known = frozenset(map(_digest, contents))
        if known == self._known:
            return
        self._known = known
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(sorted(known)))
        except OSError as error:
            log.info("%s cannot be written: %s", self._path, error.strerror)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
