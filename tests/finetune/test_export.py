"""`otto export`: what was trained becomes a file for llama.cpp that answers alike, with its card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("llama_cpp")
pytest.importorskip("gguf")

from finetune.answerer import Named, base_of
from finetune.eval import evaluate
from finetune.export import Exported, Options, agreement, export
from finetune.hub import push, readme
from finetune.score import Prediction
from finetune.testdata import EvaluationSet, open_test
from otto.config import load
from otto.errors import ModelFileError, OttoError
from otto.models import card as cards
from tests.finetune.lights import ROWS, SKILLS, write_set
from tests.tinymodels import learned_adapter, learned_llama, random_adapter, random_llama

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the rows by heart, with figures on its card that are not those of any exported file."""
    folder = learned_llama(tmp_path_factory.mktemp("learned") / "lights", ROWS, SKILLS)
    card = cards.read(folder)
    assert card is not None
    cards.write(
        folder, replace(card, licence="Apache-2.0", data_hash="d" * 64, recipe="lights", metrics={"exact": 0.5})
    )
    return folder


@pytest.fixture(scope="module")
def test_set(tmp_path_factory: pytest.TempPathFactory) -> EvaluationSet:
    return open_test(str(write_set(tmp_path_factory.mktemp("set"))), load())


def exported(source: Path, to: Path, test: EvaluationSet | None, **options: Any) -> Exported:
    return export(source, to, Options(**options), test, load())


def test_a_whole_model_answers_alike_and_its_card_holds_its_own_figures(
    tmp_path: Path, learned: Path, test_set: EvaluationSet
) -> None:
    done = exported(learned, tmp_path / "lights.gguf", test_set, kind="q8_0")
    assert done.agreement is not None and done.agreement.equal == 1.0 and done.agreement.rows == len(ROWS)
    card = cards.read(done.file)
    assert card is not None and card == done.card
    cards.verify(done.file, card)
    assert (card.kind, card.licence, card.recipe, card.data_hash) == ("gguf", "Apache-2.0", "lights", "d" * 64)
    assert (card.metrics["exact"], card.metrics["agreement"]) == (1.0, 1.0)
    assert set(card.skills) == {"lights", "timer"} and card.format == "plain" and card.format_hash
    assert card.size == done.file.stat().st_size
    assert sorted(file.name for file in tmp_path.glob("*.gguf*")) == ["lights.gguf", "lights.gguf.card.json"]
    # What is exported can be evaluated by its name alone: the card says how it is asked.
    found = evaluate(Named(str(done.file)), test_set, load(), tmp_path / "run")
    assert found.metrics.exact == 1.0 and found.metrics.well_formed == 1.0
    assert found.metrics.reused_share is not None and found.metrics.tokens_per_second is not None


NEW = (("dim the hall", 'lights(state="off", room="hall")'), ("brew for ten minutes", 'timer(duration="10 minutes")'))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, learned: Path) -> Path:
    """An adapter that knows two sentences more than its base."""
    folder = learned_adapter(tmp_path_factory.mktemp("tuned") / "adapter", learned, (*ROWS, *NEW), SKILLS)
    card = cards.read(folder)
    assert card is not None
    cards.write(folder, replace(card, licence=""))
    return folder


@pytest.mark.parametrize("merge", [False, True], ids=["as it is", "merged"])
def test_an_adapter_brings_what_it_learnt(tmp_path: Path, learned: Path, tuned: Path, merge: bool) -> None:
    test_set = open_test(str(write_set(tmp_path / "set", (*ROWS, *NEW))), load())
    before = exported(learned, tmp_path / "base.gguf", test_set)
    done = exported(tuned, tmp_path / "tuned.gguf", test_set, merge=merge)
    assert done.card.kind == ("gguf" if merge else "gguf-adapter") and done.card.base == str(learned)
    assert done.card.licence == "Apache-2.0", "an adapter without a licence has its base's"
    assert done.agreement is not None and done.agreement.equal == 1.0
    assert before.card.metrics["exact"] < 1.0 and done.card.metrics["exact"] == 1.0
    named = Named(str(done.file)) if merge else Named(str(before.file), str(done.file))
    assert evaluate(named, test_set, load(), tmp_path / "gguf").metrics.exact == 1.0
    assert evaluate(Named(str(tuned)), test_set, load(), tmp_path / "hf").metrics.exact == 1.0


def test_a_file_that_disagrees_gets_neither_name_nor_card(
    tmp_path: Path, learned: Path, test_set: EvaluationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.gguf import family

    # The mistake that is made most easily: Q and K left in Hugging Face's order.
    monkeypatch.setattr(family, "interleaved", lambda tensor, heads: tensor)
    with pytest.raises(ModelFileError, match=r"lights\.disagrees\.gguf: it gives .* not in 99%"):
        exported(learned, tmp_path / "lights.gguf", test_set)
    assert sorted(file.name for file in tmp_path.glob("*.gguf*")) == ["lights.disagrees.gguf"]


def test_what_cannot_be_exported_leaves_nothing_behind(tmp_path: Path, learned: Path) -> None:
    with pytest.raises(ModelFileError, match="no adapter to merge"):
        exported(learned, tmp_path / "x.gguf", None, merge=True)
    with pytest.raises(ModelFileError, match="no model in it"):
        exported(tmp_path, tmp_path / "x.gguf", None)
    bare = random_llama(tmp_path / "bare")
    (bare / "otto.card.json").unlink()
    with pytest.raises(ModelFileError, match="no card says how it was taught; name its framing: --format"):
        exported(bare, tmp_path / "x.gguf", None)
    adapter = random_adapter(tmp_path / "adapter", learned)
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    for merge in (False, True):
        with pytest.raises(ModelFileError, match=r"adapter_model\.bin: weights in this form can run code"):
            exported(adapter, tmp_path / "x.gguf", None, merge=merge)
    assert not list(tmp_path.glob("*.gguf*"))


def test_a_base_that_has_moved_can_be_named(tmp_path: Path, learned: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", learned)
    assert base_of(adapter) == learned
    settings = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "/gone"}))
    (adapter / "otto.card.json").unlink()
    assert base_of(adapter, str(learned)) == learned
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"adapter_config\.json: it does not say .* --base"):
        base_of(adapter)


def test_without_a_comparison_the_card_claims_no_figures(tmp_path: Path, learned: Path) -> None:
    done = exported(learned, tmp_path / "x.gguf", None, licence="MIT")
    assert done.agreement is None and done.card.metrics == {} and done.card.licence == "MIT"


def test_agreement_counts_calls_and_not_whether_they_are_right() -> None:
    one = [Prediction("a", "x()", "y()"), Prediction("b", "x()", "x()", exact=True)]
    other = [one[0], Prediction("b", "x()", "")]
    found = agreement(one, other)
    assert found.equal == 0.5 and found.differing == [(one[1], other[1])] and agreement(one, one).equal == 1


def test_the_hub_is_sent_the_file_its_card_and_a_page(
    tmp_path: Path, learned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    done = exported(learned, tmp_path / "x.gguf", None)
    sent: dict[str, Any] = {}

    class Hub:
        def create_repo(self, name: str, **options: Any) -> str:
            if name == "other/x":
                raise ValueError("403 Forbidden")
            sent["repository"] = (name, options)
            return f"https://huggingface.co/{name}"

        def create_commit(self, name: str, *, operations: list[Any], commit_message: str) -> None:
            sent["files"] = {each.path_in_repo: each.path_or_fileobj for each in operations}

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    assert push(done.file, done.card, "me/x") == "https://huggingface.co/me/x"
    assert b"/" not in json.loads(sent["files"]["x.gguf.card.json"])["base"].encode()
    assert sent["repository"] == ("me/x", {"private": True, "exist_ok": True})
    assert set(sent["files"]) == {"x.gguf", "x.gguf.card.json", "README.md"}
    page = sent["files"]["README.md"].decode()
    assert "license: apache-2.0" in page and done.card.sha256["x.gguf"] in page and "lights, timer" in page
    with pytest.raises(OttoError, match=r"other/x: the Hugging Face hub refused: 403 Forbidden; log in"):
        push(done.file, done.card, "other/x")


def test_the_page_names_a_base_of_the_hub_and_never_a_folder_of_this_machine() -> None:
    card = cards.Card(name="x", kind="gguf-adapter", base="Qwen/Qwen2.5-0.5B-Instruct", metrics={"exact": 0.75})
    page = readme(Path("x.gguf"), card)
    assert "base_model: Qwen/Qwen2.5-0.5B-Instruct" in page and "| exact | 0.75 |" in page
    assert "/home/me" not in readme(Path("x.gguf"), replace(card, base="/home/me/base"))


def test_the_command_tells_the_share_of_equal_calls(tmp_path: Path, learned: Path) -> None:
    import typer
    from typer.testing import CliRunner

    from finetune.cli import export as verb

    app = typer.Typer()
    app.command()(verb.export)
    data, file = write_set(tmp_path / "set"), tmp_path / "x.gguf"
    run = CliRunner()
    done = run.invoke(app, [str(learned), "--data", str(data), "--to", str(file), "-q", "q4_0", "--agree", "0"])
    assert done.exit_code == 0, done.output
    assert "Same calls as the trained model in " in done.output and f"% of {len(ROWS)} rows." in done.output
    assert "exact_typed: trained 1.0000, this file" in done.output and f'router_model = "{file}"' in done.output
    asked = [str(learned), "--no-check", "--to", str(file), "--json", "--wandb", "off"]
    told = json.loads(run.invoke(app, asked).stdout)
    assert told["agreement"] is None and told["kind"] == "gguf" and told["wandb"] == ""
    coach = random_llama(tmp_path / "coach")
    card = cards.read(coach)
    assert card is not None
    cards.write(coach, replace(card, task="coach"))
    texts = run.invoke(app, [str(coach), "--data", str(data)])
    assert "the task coach are texts, which cannot be compared: --no-check" in str(texts.exception)
    refused = run.invoke(app, [str(learned), "-q", "q3_k"])
    assert "--quantise q3_k: must be one of f32" in str(refused.exception)


def test_the_evaluator_is_a_script_too_and_hides_no_package(tmp_path: Path, learned: Path) -> None:
    """Beside finetune/eval.py lies finetune/gguf/, which a script would find in place of the package gguf."""
    import os
    import subprocess
    import sys

    script = Path(__file__).parent.parent.parent / "finetune" / "eval.py"
    data = write_set(tmp_path / "set")
    done = subprocess.run(
        [sys.executable, str(script), "--data", str(data), "--to", str(tmp_path / "run"), "--json"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "MODEL_ID": str(learned)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exact"] == 1.0
    wrong = subprocess.run(
        [sys.executable, str(script), "missing.gguf", "-d", str(data)], capture_output=True, text=True, timeout=120
    )
    assert wrong.returncode == 2 and wrong.stderr.startswith("otto: missing.gguf: there is no such model")
