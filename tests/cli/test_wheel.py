"""The wheel carries everything: unpacked into an empty folder it answers, with no checkout in sight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation: what builds it is part of the dev extra, so nothing is downloaded here.
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    done = subprocess.run([*build, str(folder), str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


def test_skills_examples_prompts_and_encoder_are_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("examples", "skills", "prompts"):
        bundled = {f"otto/bundled/{folder}/{path.name}" for path in (ROOT / folder).glob("*.*")}
        assert bundled and bundled <= inside
    assert {"otto/data/encoder/model.bin", "otto/data/encoder/LICENSE", "otto/data/places/places.db"} <= inside
    assert not {name for name in inside if name.startswith(("tests/", "benchmarks/", "skills/", "examples/"))}


def test_it_answers_in_an_empty_folder(wheel: Path, tmp_path: Path, trained: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    zipfile.ZipFile(wheel).extractall(site)
    empty.mkdir()
    program = "import otto, sys; print(otto.__file__, file=sys.stderr); from otto.cli import main; main()"
    asked = subprocess.run(
        [sys.executable, "-c", program, "ask", "--json", "what is nine times nine"],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(trained)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stderr.strip() == str(site / "otto" / "__init__.py")
    assert json.loads(asked.stdout)["reply"] == "9 times 9 is 81."
