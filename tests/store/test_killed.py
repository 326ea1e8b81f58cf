"""kill -9 at any moment: nothing that was acknowledged is lost, nothing is corrupt."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otto.store import open_store

WRITER = Path(__file__).parent / "writer.py"


def written_until_killed(path: Path, chance: random.Random, longest: float) -> set[tuple[str, int]]:
    """The rows that a writer acknowledged before it was killed at a random moment, `longest` seconds at most."""
    with subprocess.Popen([sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        first = b""
        if chance.random() < 0.2:  # while it opens the store
            time.sleep(chance.uniform(0.05, 0.3))
        else:
            first = writer.stdout.readline()
            time.sleep(chance.uniform(0, longest))
        writer.kill()
        lines = (first + writer.stdout.read()).decode().splitlines(keepends=True)
    return {(table, int(number)) for table, number in (line.split() for line in lines if line.endswith("\n"))}


@pytest.mark.parametrize(
    ("kills", "least", "longest"),
    [(12, 60, 0.15), pytest.param(200, 10_000, 0.5, marks=pytest.mark.nightly)],
    ids=["share", "all"],
)
def test_nothing_acknowledged_is_lost_and_nothing_is_corrupt(
    path: Path, kills: int, least: int, longest: float
) -> None:
    chance = random.Random(31)
    acknowledged: set[tuple[str, int]] = set()
    round_ = 0
    while round_ < kills or len(acknowledged) < least:
        round_ += 1
        assert round_ < 10 * kills, "the writer hardly gets to write"
        fresh = written_until_killed(path, chance, longest)
        assert not acknowledged & fresh  # a number is never given twice, not even after a crash
        acknowledged |= fresh
        with open_store(path) as store:
            assert store.trouble == ""
            with store._database.read("everything") as connection:
                assert [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
    found = set()
    connection = sqlite3.connect(path)
    for table in ("alerts", "notes", "todo"):
        found |= {(table, number) for (number,) in connection.execute(f"SELECT id FROM {table}")}
    connection.close()
    print(f"{round_} kills, {len(acknowledged)} acknowledged, {len(acknowledged - found)} lost")
    assert acknowledged <= found
    assert list(path.parent.glob("*.corrupt.*")) == []
