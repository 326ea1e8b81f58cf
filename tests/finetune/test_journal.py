from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from finetune.journal import Journal
from finetune.shapes import DataError
from otto.errors import OttoError


def test_a_cut_line_is_taken_away_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "run" / "j.jsonl"
    with Journal(path) as journal:
        journal.add({"n": 1, "text": "a\u2028b"})
        journal.add({"n": 2})
    whole = path.read_bytes()
    for cut in range(1, len(b'{"n": 3}')):
        path.write_bytes(whole + b'{"n": 3}'[:cut])
        with Journal(path) as journal:
            assert [entry["n"] for entry in journal.entries] == [1, 2]
            journal.add({"n": 4})
        assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [1, 2, 4]
        path.write_bytes(whole)


def test_a_damaged_line_is_named_and_nothing_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": \x00\n{"n": 3}\n')
    with pytest.raises(DataError, match=r"j\.jsonl:2"):
        Journal(path)
    assert path.read_bytes().count(b"\n") == 3
    path.unlink()
    Journal(path).close()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path / "j.jsonl") as journal:
        journal.add({"n": 1})
        write = os.write

        def full(file: int, data: bytes) -> int:
            if len(data) > 4:
                return write(file, data[:4])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OttoError, match="No space left"):
            journal.add({"n": 123456})
        monkeypatch.undo()
        journal.add({"n": 3})
    assert [json.loads(line)["n"] for line in (tmp_path / "j.jsonl").read_text().splitlines()] == [1, 3]


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.jsonl"), pytest.raises(OttoError, match="another run is writing"):
        Journal(tmp_path / "j.jsonl")


def test_a_finished_journal_is_kept_beside_the_next(tmp_path: Path) -> None:
    for number in (1, 2):
        journal = Journal(tmp_path / "j.jsonl")
        assert journal.entries == []
        journal.add({"run": number})
        assert journal.put_away().name == f"j.{number}.jsonl"
    assert json.loads((tmp_path / "j.2.jsonl").read_text()) == {"run": 2}
