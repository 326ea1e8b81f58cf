"""Answers of one endpoint to a task's questions. Those of trained runs are tested in test_uses.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.cli.eval import app
from finetune.item import read
from finetune.written import recipe_of
from otto.errors import OttoError
from tests.finetune.scripted import Asked, Reply, Scripted, chat


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(result.exception, OttoError):
        raise result.exception
    assert result.exit_code == 0, f"{result.output} {result.exception!r}"
    return result.stdout


def rows(path: Path) -> Path:
    content = [
        {"messages": [{"role": "user", "content": "How far?"}, {"role": "assistant", "content": "Ten."}],
         "topic": "training"},
        {"messages": [{"role": "user", "content": "how far"}, {"role": "assistant", "content": "Twelve."}]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
                      {"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Rest."}],
         "context": "Rest after runs."},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(each) + "\n" for each in content))
    return path


def test_an_endpoint_answers_each_question_once_with_further_answers_drawn(tmp_path: Path) -> None:
    def script(request: Asked) -> Reply:
        body = request.body
        drawn = body.get("temperature") == 1.0
        return Reply(chat(f"{'Drawn' if drawn else 'Likeliest'}: {len(body['messages'])} messages"))

    with Scripted(script) as server:
        (tmp_path / "one.toml").write_text(
            f'system = "coach"\n[[endpoints]]\nmodel = "m"\naddress = "{server.address}"\n'
            "parameters = { temperature = 0.0 }\n"
        )
        for _ in range(2):
            run(
                "write",
                tmp_path / "one.toml",
                "--data",
                rows(tmp_path / "t.jsonl"),
                "--samples",
                2,
                "-o",
                tmp_path / "w.jsonl",
            )
        asked = server.requests
    assert len(asked) == 6, "two questions, one answer and two further ones each; a second run asks nothing"
    assert all(each.body["messages"][0]["content"].startswith("You are a running coach") for each in asked)
    written = read(tmp_path / "w.jsonl")
    first, second = written.items.values()
    assert (first.asked, first.answer, first.reference, first.topic) == (
        "How far?",
        "Likeliest: 2 messages",
        "Ten.",
        "training",
    )
    assert second.samples == ("Drawn: 4 messages",) * 2 and second.context == "Rest after runs."
    assert second.asked == "User: Hi\n\nAssistant: Hello\n\nUser: And then?"


def test_what_cannot_write_is_named(tmp_path: Path) -> None:
    data = rows(tmp_path / "t.jsonl")
    (tmp_path / "two.toml").write_text('[[endpoints]]\nmodel = "a"\n[[endpoints]]\nmodel = "b"\n')
    with pytest.raises(OttoError, match="names 2 endpoints"):
        run("write", tmp_path / "two.toml", "--data", data)
    with pytest.raises(OttoError, match="is no folder of a run"):
        recipe_of(tmp_path)
    with pytest.raises(OttoError, match=r"no \[\[endpoints\]\], and as a recipe no section \[asking\]"):
        run("write", "tiny-qlora", "--data", data)
