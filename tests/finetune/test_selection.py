"""Of several models' answers the best, by a judge that is a server."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from finetune.cli.data import app
from tests.finetune.scripted import Asked, Reply, Scripted, chat
from tests.finetune.test_judge import wise


def test_the_best_answer_to_each_question_is_kept_beside_all(tmp_path: Path) -> None:
    """The judge likes figures, and only one model ever gives any."""

    def script(request: Asked) -> Reply:
        text = request.body["messages"][-1]["content"]
        if text.startswith("You judge"):
            return wise(request)
        return Reply(chat("Run 30 minutes." if request.body["model"] == "exact" else "It depends on you."))

    (tmp_path / "q.txt").write_text("How long should I run?\nHow long should I sleep?\n")
    with Scripted(script) as server:
        models = "".join(
            f'[[endpoints]]\nmodel = "{each}"\naddress = "{server.address}"\n' for each in ("vague", "exact")
        )
        (tmp_path / "recipe.toml").write_text(
            'extends = "coach-qlora"\n'
            f"[asking]\n{models.replace('[[', '[[asking.')}"
            f'[judging]\n[[judging.endpoints]]\nmodel = "j"\naddress = "{server.address}"\n'
        )
        arguments = ["answers", tmp_path / "q.txt", "--models", tmp_path / "recipe.toml",
                     "--best", tmp_path / "recipe.toml", "-o", tmp_path / "a.jsonl"]  # fmt: skip
        for _ in range(2):
            result = CliRunner().invoke(app, [str(each) for each in arguments])
            assert result.exit_code == 0, f"{result.output} {result.exception!r}"
            asked = len(server.requests)
    assert asked == 4 + 4, "every answer once, every verdict once, in two runs"
    best = [json.loads(line) for line in (tmp_path / "a.best.jsonl").read_text().splitlines()]
    assert [(row["source"], row["score"]) for row in best] == [("exact", 5.0)] * 2
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4
