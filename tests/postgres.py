"""A real PostgreSQL server for the tests: its own data folder and socket, nobody else's, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
MISSING = "PostgreSQL is not installed: apt-get install postgresql"


def available() -> bool:
    """Whether a server and the packages to talk to it are here."""
    from importlib.util import find_spec

    return bool(PROGRAMS) and all(map(find_spec, ("sqlalchemy", "psycopg")))


@contextmanager
def server(folder: Path | None = None) -> Iterator[str]:
    """Runs one with its files in a folder of its own, and its socket there or in `folder`; its URL. PostgreSQL refuses
    to run as root: then it runs as `postgres`."""
    programs = PROGRAMS[-1]
    user = "postgres" if os.name == "posix" and os.getuid() == 0 else None
    # Not in pytest's own temporary folder: others' test runs clear that up, and postgres could not get into it.
    with tempfile.TemporaryDirectory(prefix="otto-pg-") as temporary:
        place = Path(temporary)
        data, socket = place / "data", folder or place
        for each in filter(None, (place, folder)):
            if user:
                shutil.chown(each, user)

        def run(*command: str | Path) -> None:
            subprocess.run(list(map(str, command)), check=True, user=user, stdout=subprocess.DEVNULL, cwd=place)

        run(programs / "initdb", "-D", data, "-U", "otto", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-k {socket} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
        run(programs / "pg_ctl", "-D", data, "-o", options, "-l", place / "log", "-w", "start")
        try:
            yield f"postgresql://otto@/postgres?host={socket}"
        finally:
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
