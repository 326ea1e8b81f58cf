from __future__ import annotations

import ast
import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otto.files import write_atomic

ROOT = Path(__file__).parent.parent
posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != "xdg")


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "Öl\r\nund\n")
    write_atomic(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "a").read_bytes() == "Öl\r\nund\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
    assert names(tmp_path) == ["a", "b"]


@posix
def test_a_private_file_is_the_users_alone_even_if_it_was_not_before(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    write_atomic(file, "new", private=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@posix
def test_other_files_follow_the_umask_and_keep_the_mode_they_have(tmp_path: Path) -> None:
    file, before = tmp_path / "file", os.umask(0o027)
    try:
        write_atomic(file, "one")
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        file.chmod(0o600)
        write_atomic(file, "two")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target, link = tmp_path / "dotfiles" / "otto.toml", tmp_path / "otto.toml"
    target.write_text("old")
    link.symlink_to(target)
    write_atomic(link, "new")
    assert link.is_symlink() and target.read_text() == "new"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(file, "new")
    assert file.read_text() == "old" and names(tmp_path) == ["file"]


def test_a_folder_in_its_place_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError):
        write_atomic(tmp_path / "file", "new")
    assert names(tmp_path) == ["file"]


WRITER = """
import sys
from pathlib import Path
from otto.files import write_atomic
print("ready", flush=True)
for number in range(10**9):
    write_atomic(Path(sys.argv[1]), f"{number}\\n" * 20_000)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
@pytest.mark.parametrize("kills", [8, pytest.param(150, marks=pytest.mark.nightly)])
def test_kill_9_never_leaves_a_cut_file(tmp_path: Path, kills: int) -> None:
    chance, file = random.Random(32), tmp_path / "file"
    write_atomic(file, "0\n" * 20_000)
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0, 0.1))
            writer.kill()
        lines = file.read_text().splitlines()
        assert len(lines) == 20_000 and len(set(lines)) == 1


EXEMPT = {
    "otto/files.py": "is the one",
    "otto/audio/wav.py": "writes into memory",
}


def writes_in_place(source: str) -> list[int]:
    """The lines of `source` that may leave a cut file: `open` to write, `write_text`, `write_bytes`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        # `open(file, mode)` and `Path.open(mode)`; `os.open` takes numbers and creates what SQLite or a lock fills.
        texts = [value.value for value in (*node.args[:2], *(keyword.value for keyword in node.keywords))
                 if isinstance(value, ast.Constant) and isinstance(value.value, str)]  # fmt: skip
        modes = [text for text in texts if set(text) <= set("rwaxbt+") and set(text) & set("wx+")]
        if name in ("write_text", "write_bytes") or (name == "open" and modes):
            found.append(node.lineno)
    return found


def test_the_search_finds_what_it_is_for() -> None:
    for line in ('open(p, "w")', 'p.open("wb")', 'open(p, mode="x")', "p.write_text(t)", 'io.open(p, "r+")'):
        assert writes_in_place(line) == [1], line
    for line in ("open(p)", 'open(p, "a", encoding="utf-8")', 'p.open("rb")', 'open("w.txt")'):
        assert writes_in_place(line) == [], line


def test_every_file_is_written_whole() -> None:
    """Appending to a log is all right; writing over a file is for `write_atomic` alone."""
    found = {
        f"{file.relative_to(ROOT)}:{line}"
        for package in ("otto", "skills", "finetune")
        for file in (ROOT / package).rglob("*.py")
        for line in writes_in_place(file.read_text(encoding="utf-8"))
        if str(file.relative_to(ROOT)) not in EXEMPT
    }
    assert found == set()
