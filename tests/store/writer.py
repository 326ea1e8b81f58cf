"""Writes to a store as fast as it can until it is killed: `python writer.py DATABASE`. Started by `test_killed.py`.

Every finished write is acknowledged by a line on standard output: the table and the number of the row.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from otto.store import Entry, open_store

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def main() -> None:
    with open_store(Path(sys.argv[1])) as store:
        assert store.saves, store.trouble
        for number in count():
            acknowledge("alerts", store.alerts.add_timer(timedelta(seconds=number % 999 + 1), NOW, f"{number}").id)
            acknowledge("notes", store.notes.add(f"note {number}", NOW).id)
            acknowledge("alerts", store.alerts.add_reminder(f"{number}", NOW + timedelta(hours=1), NOW).id)
            acknowledge("todo", store.todo.add(f"item {number}", NOW).id)
            store.history.add(Entry(NOW, f"command {number}", "", 1.0, "fewshot", True, ""))


def acknowledge(table: str, number: int) -> None:
    os.write(1, f"{table} {number}\n".encode())


if __name__ == "__main__":
    main()
