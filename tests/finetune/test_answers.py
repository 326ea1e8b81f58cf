from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.answers import load, read_questions
from finetune.cli.data import app
from finetune.service import ServiceError
from finetune.shapes import DataError, read
from otto.errors import ConfigError
from tests.finetune.scripted import Asked, Reply, Scripted, chat


def models(folder: Path, *servers: tuple[str, str]) -> Path:
    """A file of endpoints by name and address."""
    parts = [f'[[endpoints]]\nmodel = "m"\nname = "{name}"\naddress = "{address}"\nprice_out = 2.0\n'
             f"parameters = {{ temperature = 0.5 }}\n" for name, address in servers]  # fmt: skip
    (folder / "models.toml").write_text('system = "story"\n' + "\n".join(parts))
    return folder / "models.toml"


def answering(name: str) -> Scripted:
    return Scripted(lambda request: Reply(chat(f"{name}: {request.body['messages'][-1]['content']}")))


def run(folder: Path, questions: Path) -> None:
    result = CliRunner().invoke(
        app, ["answers", str(questions), "--models", str(folder / "models.toml"), "-o", str(folder / "answers.jsonl")]
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def test_every_model_answers_every_question_once(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"question": "How long is a taper?", "topic": "racing"}\n{"question": "Why rest?"}\n{"prompt": "why REST"}\n'
    )
    with answering("one") as one, answering("two") as two:
        models(tmp_path, ("one", one.address), ("two", two.address))
        run(tmp_path, tmp_path / "q.jsonl")
        found = read(tmp_path / "answers.jsonl")
        assert [(row.question, row.answer, row.source) for row in found] == [
            (text, f"{name}: {text}", name) for text in ("How long is a taper?", "Why rest?") for name in ("one", "two")
        ]
        assert found[0].about["topic"] == "racing" and found[0].about["model"] == "scripted-1"
        assert found[0].about["cost"] == pytest.approx(10e-6)
        first = one.requests[0].body
        assert first["messages"][0]["role"] == "system" and first["temperature"] == 0.5
        # More questions: only these are asked, and the file holds all.
        (tmp_path / "more.txt").write_text("# mine\nWhy rest?\n\nWhat to eat?\nHow long is a taper?\n")
        before = len(one.requests)
        run(tmp_path, tmp_path / "more.txt")
        assert len(one.requests) == before + 1 and len(read(tmp_path / "answers.jsonl")) == 6


def test_what_is_answered_stays_when_a_model_fails(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("a question\nanother one\n")

    def refuses(request: Asked) -> Reply:
        return Reply({"error": {"message": "no money"}}, 402)

    with answering("one") as one, Scripted(refuses) as two:
        models(tmp_path, ("one", one.address), ("two", two.address))
        with pytest.raises(ServiceError, match="no money"):
            run(tmp_path, tmp_path / "q.txt")
    assert [row.source for row in read(tmp_path / "answers.jsonl")] == ["one", "one"]


def test_wrong_files_are_named(tmp_path: Path) -> None:
    for content, says in (
        ("", "endpoints: Field required"),
        ("endpoints = []", "endpoints"),
        ('[[endpoints]]\nmodel = "m"\nkey = "sk-1"', r"endpoints\.0\.key"),
        ('[[endpoints]]\nmodel = "m"\n[[endpoints]]\nmodel = "m"', "two endpoints are called 'm'"),
        ("endpoints = [", "not valid TOML"),
    ):
        (tmp_path / "models.toml").write_text(content)
        with pytest.raises(ConfigError, match=rf"models\.toml: {says}"):
            load(tmp_path / "models.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")
    for content, says in (
        ('{"topic": "a"}', "q.jsonl:1: expected a question"),
        ("[", "q.jsonl:1: not valid"),
        ("\n", "no question"),
    ):
        (tmp_path / "q.jsonl").write_text(content)
        with pytest.raises(DataError, match=says):
            read_questions(tmp_path / "q.jsonl")
