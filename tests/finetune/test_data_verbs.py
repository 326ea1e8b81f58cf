"""`otto data` as it is called: arguments in, files and output out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.cli.data import app
from otto.errors import OttoError

LIGHTS = """#### Prompt:
lights(state="on|off") switches lights.

#### Examples:

User: lights on please
Assistant: lights(state="on")

User: it is too bright in here
Assistant: lights(state="off")
"""


def run(*arguments: object) -> str:
    """What is printed. An error of Otto's is raised; another exit code than 0 fails."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, OttoError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("verb", ["generate", "answers", "collect", "split", "stats", "convert"])
def test_help_has_an_example(verb: str) -> None:
    assert f"otto data {verb} " in run(verb, "--help")


def test_collect_takes_a_new_skill_and_everything_bundled(tmp_path: Path) -> None:
    (tmp_path / "lights_examples.txt").write_text(LIGHTS)
    out = tmp_path / "data"
    manifest = json.loads(run("collect", tmp_path / "lights_examples.txt", "--examples", "-o", out, "--json"))
    assert manifest["kept"]["train"]["rows"] > 5000
    sources = {json.loads(line)["source"] for line in (out / "train.jsonl").read_text().splitlines()}
    assert {"examples", "lights"} <= sources
    assert sorted(path.name for path in out.iterdir()) == [
        "bench", "manifest.json", "test.jsonl", "train.jsonl", "valid.jsonl"
    ]  # fmt: skip
    # The bundled examples alone were without a leak and without anything private: nothing is left out here.
    assert manifest["dropped"]["by_reason"].keys() <= {"the same stands in", "with the same answer"}


def test_split_finds_a_planted_leak(tmp_path: Path) -> None:
    for name, text in (("train", "lights on"), ("test", "Lights on")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": text, "call": "lights()"}) + "\n")
    result = CliRunner().invoke(app, ["split", "--check", str(tmp_path)])
    assert result.exit_code == 1 and "is also trained on (the same words)" in result.stdout


def test_split_keeps_every_row(tmp_path: Path) -> None:
    rows = [
        {"prompt": f"question {chr(97 + n % 26) * 5} {n}", "completion": "yes", "source": "abc"[n % 3]}
        for n in range(150)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "150" not in run("split", tmp_path / "rows.jsonl", "-o", tmp_path / "data")
    kept = [line for name in ("train", "valid", "test")
            for line in (tmp_path / "data" / f"{name}.jsonl").read_text().splitlines()]  # fmt: skip
    assert len(kept) == 150


def test_convert_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "lights_examples.txt").write_text(LIGHTS)
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    assert run("convert", tmp_path / "lights_examples.txt", one, "--to", "sharegpt").startswith("2 rows")
    run("convert", one, two, "--to", "calls")
    assert json.loads(two.read_text().splitlines()[1])["call"] == 'lights(state="off")'
    with pytest.raises(OttoError, match="no shape 'csv'"):
        run("convert", one, two, "--to", "csv")


def test_wrong_options_are_named(tmp_path: Path) -> None:
    with pytest.raises(OttoError, match="--private"):
        run("collect", "--private", "perhaps", "-o", tmp_path)
    with pytest.raises(OttoError, match="leave some to train"):
        run("collect", "--valid", 0.5, "--test", 0.5, "-o", tmp_path)
