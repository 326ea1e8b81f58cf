"""Programs run to their end, set off, or ended."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from otto import program
from otto.errors import SkillError


def script(folder: Path, *lines: str) -> str:
    path = folder / "script"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return str(path)


def noted(note: Path) -> int:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if note.exists() and (text := note.read_text().strip()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError("the program was never started")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_it_prints_and_how_it_ends_is_told(tmp_path: Path) -> None:
    ended = program.run([script(tmp_path, 'echo "out $1"', "echo err >&2", "exit 3"), "a b"], seconds=5)
    assert ended == program.Ended(3, "out a b\n", "err\n")


def test_it_reads_nothing(tmp_path: Path) -> None:
    assert program.run(["cat"], seconds=5).output == ""


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    assert program.run([script(tmp_path, r"printf 'a\377b'")], seconds=5).output == "a\ufffdb"


def test_only_so_much_of_the_output_is_kept() -> None:
    assert len(program.run(["head", "-c", "5000000", "/dev/zero"], seconds=5).output) == program.MAX_OUTPUT


def test_what_is_set_off_goes_on_alone_and_leaves_no_zombie(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    begun = time.monotonic()
    program.start([script(tmp_path, f"echo $$ > {note}", "exec sleep 2")])
    assert time.monotonic() - begun < 2
    pid = noted(note)
    assert os.getsid(pid) == pid != os.getsid(0)
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_what_runs_can_be_ended_from_another_thread(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    arguments = [script(tmp_path, f"echo $$ > {note}", "sleep 60")]
    ends: list[program.Ended] = []
    thread = threading.Thread(target=lambda: ends.append(program.run(arguments, seconds=30)))
    thread.start()
    pid = noted(note)
    program.end_running()
    thread.join(5)
    assert not alive(pid) and [ended.code for ended in ends] == [-9]


def test_what_is_just_being_started_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note, begun = tmp_path / "pid", program._started

    def slowly(arguments: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        process = begun(arguments, output)
        noted(note)
        time.sleep(0.3)  # it runs, and nobody has noted that yet
        return process

    monkeypatch.setattr(program, "_started", slowly)
    arguments = [script(tmp_path, f"echo $$ > {note}", "sleep 60")]
    thread = threading.Thread(target=lambda: program.run(arguments, seconds=30))
    thread.start()
    pid = noted(note)
    program.end_running()
    thread.join(5)
    assert not alive(pid)


@pytest.mark.parametrize("arguments", [["echo", "a\0b"], ["echo", "\ud800"], ["echo", "x" * 3_000_000], ["/etc"]])
def test_what_cannot_start_is_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(SkillError, match="could not be started|not installed"):
        program.run(arguments, seconds=5)


def test_a_program_is_found_on_the_path_only() -> None:
    assert program.find("sh").startswith("/")
    for name in ("no-such-program", "", "../../bin/sh", "bin/sh"):
        with pytest.raises(SkillError, match="not installed"):
            program.find(name)
