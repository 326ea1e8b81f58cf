from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from otto.errors import StoreError
from otto.lock import FileLock


def test_one_holder_at_a_time_and_the_next_after_it_lets_go(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert one.take()
    assert not other.take()
    one.release()
    assert other.take()
    other.release()
    other.release()


def test_waiting_ends_in_a_sentence(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock", wait=1), pytest.raises(StoreError, match="Another Otto has held"):
        FileLock(tmp_path / "lock", wait=0.05).__enter__()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from otto.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline() == b"True\n"
        lock = FileLock(tmp_path / "lock")
        assert not lock.take()
        child.kill()
    deadline = time.monotonic() + 5
    while not lock.take():
        assert time.monotonic() < deadline
    lock.release()
