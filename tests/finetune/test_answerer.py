"""What `otto eval` opens by name: servers, routers, models of the hub and of W&B."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.answerer import Named, base_of, inside, open_answerer
from finetune.eval import answers
from finetune.testdata import EvaluationSet, open_test, own_test
from otto.config import load
from otto.errors import ConfigError, ModelFileError, OttoError
from otto.models.transformer import TransformerModel
from otto.prompt import router_prompt
from tests.finetune.lights import ROWS, write_set
from tests.models.chatserver import running, said

HEARD = dict(ROWS)


@pytest.fixture
def test_set(tmp_path: Path) -> EvaluationSet:
    return open_test(str(write_set(tmp_path / "lights")), load())


def test_a_server_is_asked_with_the_prompt_that_was_named(
    test_set: EvaluationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTTO_ROUTER_KEY", "sk-canary")
    with running() as server:
        server.answers = [lambda body: said(HEARD[body["messages"][-1]["content"]])]
        named = Named(server.address, served="m", system="Only calls.\n{skills}")
        with open_answerer(named, test_set, load()) as answerer:
            found = list(answers(answerer, test_set.rows, test_set.skills))
        assert all(each.exact for each in found) and answerer.prompt == router_prompt("chatml", "Only calls.\n{skills}")
        assert answerer.card is None and answerer.weights is None
        first = server.sent[0][1]["messages"][0]["content"]
        assert first.startswith("Only calls.\nlights(") and server.sent[0][1]["model"] == "m"


def test_fewshot_learns_from_the_sets_own_rows(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "lights")
    test = open_test(str(folder), load())
    lacking = pytest.raises(OttoError, match=r"fewshot learns from train\.jsonl, which this test set lacks")
    with lacking, open_answerer(Named("fewshot"), test, load()):
        pass
    lines = (folder / "test.jsonl").read_text()
    (folder / "train.jsonl").write_text(lines * 3)
    with open_answerer(Named("fewshot"), open_test(str(folder), load()), load()) as answerer:
        found = list(answers(answerer, test.rows[:2], test.skills))
    assert answerer.prompt is None and [each.answered_skill for each in found] == ["lights", "lights"]


def hugging_face(folder: Path) -> Path:
    """A folder that looks like weights from outside."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def test_models_of_the_hub_are_fetched_without_code_or_pickles(
    tmp_path: Path, test_set: EvaluationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked: list[tuple[str, list[str]]] = []

    def snapshot(repository: str, *, allow_patterns: list[str]) -> str:
        asked.append((repository, allow_patterns))
        if repository == "gone/model":
            raise OSError("404 Client Error\nRepository Not Found")
        return str(hugging_face(tmp_path / "hub"))

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    monkeypatch.setattr(TransformerModel, "load", lambda self: None)
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: object())
    with open_answerer(Named("me/lights", format="chatml"), test_set, load()) as answerer:
        assert answerer.name == "transformers:hub" and answerer.weights == tmp_path / "hub"
    (repository, patterns) = asked[0]
    assert repository == "me/lights" and not [each for each in patterns if each.endswith((".bin", ".py", "*"))]
    refused = pytest.raises(ModelFileError, match=r"gone/model: .* the Hugging Face hub says: 404 Client Error$")
    with refused, open_answerer(Named("gone/model", format="chatml"), test_set, load()):
        pass


@pytest.mark.heavy
def test_an_adapter_for_llama_cpp_wants_its_base(test_set: EvaluationSet, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    pytest.importorskip("llama_cpp")
    file = tmp_path / "lights.gguf"
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    refused = pytest.raises(ConfigError, match=r"is an adapter; name the GGUF of its base, too: otto eval BASE\.gguf")
    with refused, open_answerer(Named(str(file), format="chatml"), test_set, load()):
        pass


def test_an_adapter_finds_its_base(tmp_path: Path) -> None:
    base, adapter = hugging_face(tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "' + str(base) + '"}')
    assert base_of(adapter) == base and inside(adapter) == adapter
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "otto-tiny"}')
    assert base_of(adapter).name == "tiny" and base_of(adapter, str(base)) == base


def test_a_run_is_scored_on_what_it_left_untouched(tmp_path: Path) -> None:
    run, data = tmp_path / "run", write_set(tmp_path / "data")
    run.mkdir()
    with pytest.raises(ConfigError, match=r"run: no test set is known of it; name one with --data"):
        own_test(run)
    (run / "recipe.json").write_text(json.dumps({"data": {"train": str(data / "train.jsonl"), "sample": False}}))
    assert own_test(run) == str(data)
    (run / "recipe.json").write_text(json.dumps({"data": {"train": "data/train.jsonl", "sample": True}}))
    assert own_test(run) == "held-out"


def test_the_model_in_a_folder_is_found(tmp_path: Path) -> None:
    run = tmp_path / "run"
    hugging_face(run / "model")
    assert inside(run) == run / "model"
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.gguf").write_bytes(b"GGUF")
    assert inside(other) == other / "x.gguf"
    (other / "y.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelFileError, match="no model in it"):
        inside(other)


@pytest.mark.heavy
def test_a_model_comes_from_wandb(tmp_path: Path, test_set: EvaluationSet, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb: Any = pytest.importorskip("wandb")
    pytest.importorskip("llama_cpp")
    from tests.tinymodels import random_gguf

    class Artifact:
        qualified_name, digest = "me/otto/lights:v2", "abc"

        def download(self, root: str) -> str:
            Path(root).mkdir(parents=True)
            random_gguf(Path(root) / "lights.gguf", list(test_set.skills.values()))
            return root

    class Api:
        def artifact(self, name: str) -> Artifact:
            assert name == "me/otto/lights:v2"
            return Artifact()

    monkeypatch.setattr(wandb, "Api", Api)
    with open_answerer(Named("wandb:me/otto/lights:v2"), test_set, load()) as answerer:
        (found,) = answers(answerer, test_set.rows[:1], test_set.skills)
    assert answerer.name == "llama:lights.gguf" and answerer.card is not None and found.answered
