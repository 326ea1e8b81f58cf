"""The command line is tested as a person runs it: the real program in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Ran:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Otto = Callable[..., Ran]


def run_otto(arguments: Sequence[str], environment: dict[str, str], stdin: str | bytes = "") -> Ran:
    """Runs the program. `environment` is laid over this process's."""
    done = subprocess.run(
        [sys.executable, "-c", "from otto.cli import main; main()", *arguments],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True,
        env={**os.environ, "TZ": "Europe/Berlin", **environment},
        timeout=120,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def otto(own_folders: Path, trained: Path) -> Otto:
    """`otto("ask", "stop")` runs the command in the test's own folders, with the bundled skills learnt already."""

    def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> Ran:
        return run_otto(arguments, {"XDG_CACHE_HOME": str(trained), **environment}, stdin)

    return run
