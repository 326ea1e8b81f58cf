"""`otto eval`: rows in, a folder of predictions, figures and pictures out; stopped and resumed; W&B at its boundary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from finetune import eval as evaluation
from finetune.answerer import Answerer, Named, asked_with, inside, system_text
from finetune.cli.eval import app
from finetune.eval import answers, evaluate
from finetune.score import read_predictions
from finetune.testdata import EvaluationSet, open_test
from finetune.tracking import Published, mode_from, publish, pull
from otto.call import OTHER
from otto.config import Settings, load
from otto.errors import ConfigError, ModelError, ModelFileError, OttoError
from otto.models.card import Card
from otto.models.language import Request, Written
from otto.prompt import router_prompt
from otto.routers.model import ModelRouter
from tests.finetune.lights import ROWS, SKILLS, write_set

ROOT = Path(__file__).parent.parent.parent
HEARD = dict(ROWS)


class Parrot:
    """A language model that has learnt the test set by heart, and fails where it is told to."""

    name = "parrot:1"

    def __init__(self, **written: str) -> None:
        self.written = {**HEARD, **{text.replace("_", " "): calls for text, calls in written.items()}}
        self.asked: list[str] = []

    def write(self, request: Request) -> Written:
        text = request.messages[-1].text
        self.asked.append(text)
        if self.written.get(text) == "late":
            raise ModelError("it was late")
        return Written(self.written.get(text, "nonsense("), -0.1, tokens=5, prompt_tokens=20, reused_tokens=15)

    def close(self) -> None:
        pass


class ManyParrots(Parrot):
    """One that answers several at once."""

    def write_many(self, requests: list[Request], batch: int) -> Iterator[Written]:
        assert len(requests) <= batch and all(request.deadline_seconds > 60 for request in requests)
        return iter([self.write(request) for request in requests])


def answerer(model: Any) -> Answerer:
    return Answerer(model.name, ModelRouter(model, SKILLS, router_prompt("plain", ""), seconds=60))


@pytest.fixture
def test_set(tmp_path: Path) -> EvaluationSet:
    return open_test(str(write_set(tmp_path / "lights")), load())


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    """What `evaluate` opens, whatever is named."""
    from contextlib import contextmanager

    parrot = Parrot()

    @contextmanager
    def opened(named: Named, test: EvaluationSet, settings: Settings, progress: Any = None) -> Iterator[Answerer]:
        yield answerer(parrot)

    monkeypatch.setattr(evaluation, "open_answerer", opened)
    return parrot


@pytest.mark.parametrize("kind", [Parrot, ManyParrots])
def test_every_row_gets_its_prediction_in_order(test_set: EvaluationSet, kind: type[Parrot]) -> None:
    parrot = kind(i_had_soup="late", timer_five_minutes='timer(duration="6 minutes")', how_are_you="hello?")
    found = list(answers(answerer(parrot), test_set.rows, test_set.skills))
    assert [each.text for each in found] == [text for text, _ in ROWS]
    assert [each.exact for each in found[:3]] == [True] * 3 and found[-1].exact
    assert [each.text for each in found if not each.answered] == ["i had soup"]
    assert found[4].exact is False and found[5].answered == "other()" and not found[5].well_formed


def test_faults_count_even_where_they_were_mended(test_set: EvaluationSet) -> None:
    class Mends(Parrot):
        def write(self, request: Request) -> Written:
            told = len(request.messages) > 2
            return Written('timer(duration="5 minutes")' if told else "timer(")

    (row,) = [row for row in test_set.rows if row.text == "timer five minutes"]
    (found,) = answers(answerer(Mends()), [row], test_set.skills)
    assert found.exact and not found.well_formed and found.fault


def test_a_stopped_evaluation_goes_on_where_it_was(
    test_set: EvaluationSet, spoken: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"

    def stop(what: str, share: float) -> None:
        if share >= 3 / len(ROWS):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(Named("x"), test_set, load(), folder, progress=stop)
    assert len(read_predictions(folder / "predictions.jsonl")) == 3
    # A crash in the middle of a line.
    with (folder / "predictions.jsonl").open("a") as file:
        file.write('{"text": "timer f')
    monkeypatch.setattr(evaluation, "_LEAST", 0)
    spoken.asked.clear()
    found = evaluate(Named("x"), test_set, load(), folder)
    assert spoken.asked == [text for text, _ in ROWS][3:]
    assert found.metrics.rows == len(ROWS) and found.metrics.exact == 1.0
    assert json.loads((folder / "metrics.json").read_text())["exact_typed"] == 1.0
    assert [each.text for each in read_predictions(folder / "predictions.jsonl")] == [text for text, _ in ROWS]


def test_a_folder_of_another_evaluation_is_not_mixed_up(
    test_set: EvaluationSet, spoken: Parrot, tmp_path: Path
) -> None:
    evaluate(Named("x"), test_set, load(), tmp_path / "run")
    with pytest.raises(OttoError, match=r"another evaluation; name another folder with --to, or say --again"):
        evaluate(Named("y"), test_set, load(), tmp_path / "run")
    assert evaluate(Named("y"), test_set, load(), tmp_path / "run", again=True).run["model"] == "y"


def test_the_command_prints_figures_and_leaves_pictures_and_a_page(spoken: Parrot, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    spoken.written["how are you"] = "<script>alert(1)</script>"
    write_set(tmp_path / "lights")
    run, runner = tmp_path / "run", CliRunner()
    done = runner.invoke(app, ["x", "--data", str(tmp_path / "lights"), "--to", str(run)])
    assert done.exit_code == 0, done.output
    assert "exact_typed        1.0000" in done.output or "exact_typed" in done.output
    assert {file.name for file in (run / "plots").glob("*.png")} == {
        "skills.png", "confusion.png", "calibration.png", "milliseconds.png",
    }  # fmt: skip
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (run / "plots").glob("*.png"))
    page = (run / "report.html").read_text()
    assert "<script>" not in page and "kitchen lights off" not in page and page.count("data:image/png;base64,") == 4
    other = runner.invoke(app, ["x", "-d", str(tmp_path / "lights"), "--to", str(run), "--again", "--json"])
    assert json.loads(other.stdout)["rows"] == len(ROWS)
    same = runner.invoke(app, ["compare", str(run), str(run), "--json"])
    assert json.loads(same.stdout) | {"rows": 0} == {
        "rows": 0, "one": 1.0, "other": 1.0, "both": 8, "neither": 0, "only_one": [], "only_other": [], "p": 1.0,
        "unmatched": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "environment", "mode"),
    [(None, "", "off"), (None, "offline", "offline"), (None, "disabled", "off"), ("online", "offline", "online")],
)
def test_nothing_goes_to_wandb_unasked(
    given: str | None, environment: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", environment)
    assert mode_from(given) == mode
    with pytest.raises(ConfigError, match="--wandb maybe: must be one of online, offline, off"):
        mode_from("maybe")


def test_test_sets_are_read_in_every_shape(tmp_path: Path) -> None:
    folder, settings = write_set(tmp_path / "set"), load()
    assert [str(row.calls[0]) for row in open_test(str(folder), settings).rows][:1] == [ROWS[0][1]]
    chat = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": calls}]}
        for text, calls in ROWS
    ]
    collected = tmp_path / "data"
    (collected / "bench").mkdir(parents=True)
    (collected / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chat))
    (collected / "bench" / "skills.json").write_text((folder / "skills.json").read_text())
    found = open_test(str(collected), settings)
    assert found.rows == open_test(str(folder), settings).rows and found.skills.keys() == {"lights", "timer", OTHER}
    (folder / "test.jsonl").write_text('{"text": "x", "call": "fridge()"}\n')
    with pytest.raises(OttoError, match=r"means skills that .*skills\.json lacks: fridge"):
        open_test(str(folder), settings)
    for content, message in (("", "no row"), ('{"text": "x", "call": 5', r"test\.jsonl:1")):
        (folder / "test.jsonl").write_text(content)
        with pytest.raises(OttoError, match=message):
            open_test(str(folder), settings)
    with pytest.raises(OttoError, match=r"no test\.jsonl there"):
        open_test(str(tmp_path / "missing"), settings)


def test_held_out_examples_are_a_test_set_of_their_own() -> None:
    from otto.bench.heldout import held_out

    found = open_test("held-out", load())
    assert len(found.rows) > 100 and all(held_out(row.text) for row in found.rows) and not found.own_skills


def test_the_prompt_is_the_cards_unless_another_is_named(tmp_path: Path) -> None:
    card = Card(name="x", kind="gguf", format="gemma", system="You route.\n{skills}")
    assert asked_with(Named("x"), card) == router_prompt("gemma", card.system)
    assert asked_with(Named("x", system="Other"), card) == router_prompt("gemma", "Other")
    assert asked_with(Named("x", format="chatml"), card) == router_prompt("chatml", card.system)
    assert asked_with(Named("x", format="plain", system=""), None) == router_prompt("plain", "")
    with pytest.raises(ConfigError, match="x: no card says how it was taught; name its framing: --format"):
        asked_with(Named("x"), None)
    (tmp_path / "mine.txt").write_text(" Do it. \n")
    assert system_text(file=tmp_path / "mine.txt") == "Do it." and system_text() is None
    assert "{skills}" in str(system_text("router"))
    with pytest.raises(ConfigError, match="the prompt cannot be read"):
        system_text(file=tmp_path / "missing")


def test_the_environment_names_model_and_prompt(
    spoken: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    asked: list[Named] = []
    real = evaluation.evaluate
    monkeypatch.setattr(
        evaluation, "evaluate", lambda named, *rest, **more: asked.append(named) or real(named, *rest, **more)
    )
    (tmp_path / "mine.txt").write_text("Do it.")
    write_set(tmp_path / "lights")
    environment: Mapping[str, str] = {"MODEL_ID": "some.gguf", "PROMPT_FILE": str(tmp_path / "mine.txt")}
    done = CliRunner().invoke(app, ["-d", str(tmp_path / "lights"), "--to", str(tmp_path / "run")], env=environment)
    assert done.exit_code == 0, done.output
    assert (asked[0].model, asked[0].system) == ("some.gguf", "Do it.")


def test_what_is_no_model_is_said(tmp_path: Path, test_set: EvaluationSet) -> None:
    with pytest.raises(ModelFileError, match="there is no such model; name a file, a folder, a URL, or a router"):
        evaluate(Named("missing.gguf"), test_set, load(), tmp_path / "run")
    with pytest.raises(ModelFileError, match="no model in it"):
        inside(tmp_path)


class Artifact:
    """What `wandb.Api().artifact()` gives, with a test set in it."""

    qualified_name, digest = "team/otto/heldout:v3", "0123456789abcdef"
    fetched = 0

    def download(self, root: str) -> str:
        type(self).fetched += 1
        write_set(Path(root))
        return root


@pytest.mark.heavy
def test_a_test_set_comes_from_wandb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wandb = pytest.importorskip("wandb")
    asked: list[str] = []

    class Api:
        def artifact(self, name: str) -> Artifact:
            asked.append(name)
            if "secret" in name:
                raise wandb.errors.CommError("permission denied")
            return Artifact()

    monkeypatch.setattr(wandb, "Api", Api)
    found = open_test("wandb:team/otto/heldout:v3", load())
    assert found.name == "wandb:team/otto/heldout:v3" and len(found.rows) == len(ROWS) and Artifact.fetched == 1
    pull("team/otto/heldout", load().cache_folder)
    assert asked == ["team/otto/heldout:v3", "team/otto/heldout:latest"]
    with pytest.raises(OttoError, match=r"wandb:team/otto/secret:v1: cannot be fetched \(permission denied\)"):
        pull("team/otto/secret:v1", tmp_path)
    with pytest.raises(ConfigError, match="must look like wandb:entity/project/name:version"):
        pull("a/b/c/d/e", tmp_path)


@pytest.mark.heavy
def test_an_offline_run_can_be_read_back_by_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_API_KEY", "canary" * 7)
    picture, table = tmp_path / "skills.png", tmp_path / "predictions.jsonl"
    from matplotlib.figure import Figure

    Figure().savefig(picture)
    table.write_text("{}\n")
    where = publish(
        Published(
            "tiny on lights", "eval", {"model": "tiny.gguf"}, {"exact_typed": 0.875}, ["text", "exact"],
            [["lights on", True]], [picture], (), "evaluation-tiny", "evaluation", [table],
        ),
        tmp_path,
        mode="offline",
    )  # fmt: skip
    (run,) = Path(where).glob("*.wandb")
    told = subprocess.run(
        [sys.executable, "-m", "wandb", "leet", "inspect", str(run), "--json"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "WANDB_ERROR_REPORTING": "false"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "tiny on lights" in told.stdout and "exact_typed" in told.stdout and "0.875" in told.stdout
    assert "evaluation-tiny" in told.stdout and "predictions" in told.stdout
    # Nothing about this machine or its secrets lies in the run.
    kept = b"".join(file.read_bytes() for file in Path(where).rglob("*") if file.is_file())
    assert b"canarycanary" not in kept and b"requirements.txt" not in kept
