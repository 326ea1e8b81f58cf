"""`otto models` on the command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otto.cli import main
from otto.config import load
from otto.models import card as cards
from tests.models.ggufbytes import Made, flips, malformed
from tests.models.hub import Hub

Run = Callable[..., tuple[int, str, str]]
"""Exit code, standard output, standard error of `otto models …`."""
HOUSE = bytes(Made(data=40_000))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", "/nonexistent")
    with Hub({"owner/house": {"house.gguf": HOUSE}}) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        yield made


@pytest.fixture
def otto(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["otto", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


def test_a_model_is_pulled_listed_shown_and_removed(hub: Hub, otto: Run) -> None:
    digest = hashlib.sha256(HOUSE).hexdigest()
    code, out, err = otto("pull", "owner/house")
    assert code == 0
    assert out == f"house: {len(HOUSE) / 1000:.3g} kB, licence: mit, sha256 {digest}\n"
    assert 'router_model = "' in err
    code, out, _ = otto("list")
    assert "licence" in out.splitlines()[0]
    (line,) = (line for line in out.splitlines() if line.startswith("house"))
    assert line.split() == ["house", "gguf", f"{len(HOUSE) / 1000:.3g}", "kB", "mit", digest[:12], "models", "folder"]
    (row,) = (row for row in json.loads(otto("list", "--json")[1])["models"] if row["name"] == "house")
    assert row["sha256"] == {"house.gguf": digest}
    assert row["size"] == len(HOUSE)
    facts = json.loads(otto("info", "house", "--json")[1])
    assert (facts["architecture"], facts["context"], facts["licence"]) == ("llama", 128, "mit")
    assert "owner/house" in otto("info", "house")[1]
    code, _, err = otto("remove", "house")  # nobody is there to say yes
    assert code == 1
    assert "--yes" in err
    assert otto("remove", "house", "--yes")[:2] == (0, "house is removed.\n")
    assert "house" not in otto("list")[1]


def test_a_damaged_model_is_pulled_again_by_its_name(hub: Hub, otto: Run) -> None:
    assert json.loads(otto("pull", "owner/house", "--json")[1])["source"] == "owner/house"
    file = load().models_folder / "house.gguf"
    file.write_bytes(HOUSE[:-1] + b"x")
    code, _, err = otto("info", "house")
    assert code == 2
    assert err.startswith(f"otto: {file}: not the file that its card describes")
    assert err.endswith("otto models pull house\n")
    assert otto("pull", "house")[0] == 0
    assert otto("info", "house")[0] == 0


def test_what_can_be_got_is_listed(otto: Run) -> None:
    code, out, _ = otto("list", "--available")
    assert code == 0
    assert "qwen2.5-0.5b" in out
    assert "Apache-2.0" in out
    entries = json.loads(otto("list", "--available", "--json")[1])["available"]
    assert {"name", "kind", "licence", "repository"} <= entries[0].keys()


def test_refusals_are_one_line_and_exit_2(hub: Hub, otto: Run) -> None:
    for arguments in (["pull", "nonsense"], ["pull", "owner/none"], ["info", "none"], ["remove", "none", "--yes"]):
        code, out, err = otto(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("otto: ")
        assert err.count("\n") == 1


def test_malformed_files_are_refused_by_the_command_line(otto: Run, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    for what, data in malformed().items():
        file.write_bytes(data)
        began = time.monotonic()
        code, _, err = otto("info", str(file))
        assert code == 2, what
        assert err.startswith(f"otto: {file}: not a usable GGUF file: "), what
        assert err.endswith("get it again with: otto models pull model\n"), what
        assert time.monotonic() - began < 5, what


def test_a_hundred_flipped_bytes_of_a_real_header_are_refused(otto: Run, tmp_path: Path) -> None:
    file, header = tmp_path / "model.gguf", len(Made().header())
    file.write_bytes(HOUSE)
    cards.write(file, cards.Card(name="model", kind="gguf", sha256={file.name: cards.digest(file)}, size=len(HOUSE)))
    for data in flips(HOUSE, [(place * header // 100, 1 << place % 8) for place in range(100)]):
        file.write_bytes(data)
        code, _, err = otto("info", str(file))
        assert code == 2
        assert err.count("\n") == 1


def test_without_a_traceback_as_a_program_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    ended = subprocess.run(
        [sys.executable, "-c", "from otto.cli import main; main()", "models", "info", str(file)],
        capture_output=True, text=True, env=os.environ.copy(), timeout=30, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == (
        f"otto: {file}: not a usable GGUF file: it ends in the middle of its header; get it again with: "
        "otto models pull model\n"
    )
