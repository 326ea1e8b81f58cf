"""The tools that each MCP server had when it was last seen: `mcp_tools.json` in the cache folder.

Sentences that the user has taught for a tool stand in files; while its server is away, this tells that they belong to
it and are no skill of their own. A file that is missing or damaged costs that, and nothing else.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path

from otto.files import write_atomic

log = logging.getLogger(__name__)

FILE = "mcp_tools.json"


class Seen:
    """Names of skills by server. Safe to use from several threads."""

    def __init__(self, cache: Path | None) -> None:
        """`cache`: a folder; None: what is kept is forgotten at the end."""
        self._path = cache / FILE if cache else None
        self._lock = threading.Lock()
        self._names = _read(self._path) if self._path else {}

    def of(self, server: str) -> frozenset[str]:
        """What its tools were called as skills."""
        with self._lock:
            return frozenset(self._names.get(server, ()))

    def keep(self, server: str, names: Iterable[str]) -> None:
        """What they are called now."""
        with self._lock:
            found = sorted(names)
            if self._names.get(server) == found:
                return
            self._names[server] = found
            if self._path is None:
                return
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(self._path, json.dumps(self._names))
            except OSError as error:
                log.info("%s cannot be written: %s", self._path, error.strerror)


def _read(path: Path) -> dict[str, list[str]]:
    try:
        content = json.loads(path.read_bytes())
        return {str(server): [str(name) for name in names] for server, names in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
