"""Every use from data to scores, at toy size: the same code and the same recipe keys as the full size, on models with
random weights that are made here, with a local server that answers and judges."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from finetune.recipe import FOLDER, Recipe, load, names
from finetune.shapes import read
from otto.errors import OttoError
from tests.finetune.scripted import Asked, Reply, Scripted, chat
from tests.finetune.test_judge import wise

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("peft")

from finetune import loading, probe  # noqa: E402
from finetune.prepared import prepare  # noqa: E402
from finetune.train import train  # noqa: E402
from finetune.written import by_run  # noqa: E402
from otto.models import card  # noqa: E402
from tests.tinymodels import byte_tokenizer, random_llama  # noqa: E402

pytestmark = pytest.mark.heavy

TOYS = [name for name in names() if name.endswith("-toy")]


def run(app: Any, *arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, OttoError):
        raise result.exception
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.stdout


def data(*arguments: object) -> str:
    from finetune.cli.data import app

    return run(app, *arguments)


def evaluation(*arguments: object) -> str:
    from finetune.cli.eval import app

    return run(app, *arguments)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama that knows nothing, with a tokenizer that has seen such texts."""
    from finetune.races import rows

    texts = [f"{row['instruction']} {row['context']} {row['response']}" for row in rows(20)]
    return random_llama(tmp_path_factory.mktemp("base"), tokenizer=byte_tokenizer(texts, 500))


@pytest.fixture(scope="module")
def gpt2(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of the same kind, with GPT-2's one special token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    from finetune.races import rows

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    texts = [f"{row['context']} {row['response']}" for row in rows(20)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    bare.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>"
    )
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=1024, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0
    )
    folder = tmp_path_factory.mktemp("gpt2")
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def toy(name: str, base: Path, folder: Path, **changes: object) -> Recipe:
    """The recipe as it is shipped, on that base, on that data set, in a few steps on one thread."""
    keys = {
        "model.base": str(base), "data.train": str(folder / "train.jsonl"), "data.valid": str(folder / "valid.jsonl"),
        "training.device": "cpu", "training.precision": "fp32", "training.steps": 4, "training.evaluate_every": 2,
        "training.save_every": 0, "training.early_stopping": 0, "training.evaluate_rows": 2, "training.predictions": 1,
        "model.offload_folder": str(folder / "offload"),
    }  # fmt: skip
    return load(name, {key: json.dumps(value) for key, value in (keys | changes).items()})


def scores(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def before_and_after(recipe: Recipe, rows: Path, judges: Path, folder: Path) -> dict[str, Any]:
    """Trains; what base and tuned model answer, judged."""
    outcome = train(recipe, folder / "run")
    assert outcome.asked is not None and outcome.metrics["valid_words"] >= 0
    for name, more in (("before", ["--base"]), ("after", [])):
        evaluation("write", folder / "run", *more, "--data", rows, "-n", 2, "-o", folder / f"{name}.jsonl")
    evaluation("judge", folder / "before.jsonl", folder / "after.jsonl", "--judges", judges, "--to", folder / "judged")
    found = scores(folder / "judged")
    assert found["questions"] >= 1 and found["missing"] == 0
    assert set(found["rubric"]) == set(found["reference"]) == {"before", "after"}
    assert (folder / "judged" / "report.html").stat().st_size > 10_000
    return found


def answering(request: Asked) -> Reply:
    """Answers questions, and judges."""
    text = request.body["messages"][-1]["content"]
    if re.match(r"You judge|Two answers|Here is an answer|List every|Text:", text):
        return wise(request)
    who = request.body["model"]
    return Reply(chat(f"Model {who} says: run easily for {len(text) % 50 + 10} minutes.\n\n- sleep well\n- drink"))


def endpoint(path: Path, server: Scripted, *named: str) -> Path:
    path.write_text("".join(f'[[endpoints]]\nmodel = "{each}"\naddress = "{server.address}"\n' for each in named))
    return path


def test_every_recipe_has_a_toy_of_the_same_keys_and_method() -> None:
    uses = [path.stem for path in FOLDER.glob("*.toml") if load(path.stem).task != "router" and path.stem not in TOYS]
    assert sorted(f"{name}-toy" for name in uses) == TOYS and len(uses) == 7
    for name in uses:
        full, small = load(name), load(f"{name}-toy")
        assert (small.task, small.method.kind, small.prompt.system) == (full.task, full.method.kind, full.prompt.system)
        assert small.method.targets == full.method.targets and small.training.optimizer == full.training.optimizer


def test_the_recipes_say_what_the_uses_ask_for() -> None:
    feedback, style, steps = load("feedback-mistral-qlora"), load("style-qwen"), load("style-qwen-20steps")
    assert feedback.method.targets == ["q_proj", "v_proj"] and feedback.data.max_length > 1024
    assert feedback.model.offload_folder != Path() and feedback.model.device_map == "auto"
    assert (style.training.epochs, style.training.learning_rate) == (1, 5e-5)
    assert style.training.optimizer == "paged_adamw_32bit"
    assert (steps.training.steps, steps.training.evaluate_every) == (20, 5)
    assert load("feedback-gpt2").method.kind == "full" and load("coach-mistral-hosted").provider == "mistral"


def test_coach_from_questions_to_scores(base: Path, tmp_path: Path) -> None:
    data("questions", "--shipped", "-o", tmp_path / "q.jsonl")
    short = (tmp_path / "q.jsonl").read_text().splitlines(keepends=True)[::7]
    (tmp_path / "q.jsonl").write_text("".join(short))
    with Scripted(answering) as server:
        models = endpoint(tmp_path / "models.toml", server, "one", "two")
        data("answers", tmp_path / "q.jsonl", "--models", models, "-o", tmp_path / "a.jsonl")
        data("collect", tmp_path / "a.jsonl", "-o", tmp_path / "data")
        manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
        assert set(manifest["kept"]["valid"]["by_source"]) == {"one", "two"}, "a share of each source is held back"
        judges = endpoint(tmp_path / "judges.toml", server, "judge")
        recipe = toy("coach-qlora-toy", base, tmp_path / "data")
        before_and_after(recipe, tmp_path / "data" / "test.jsonl", judges, tmp_path)
    about = card.read(tmp_path / "run")
    assert about and (about.task, about.skills) == ("coach", {}) and about.system.startswith("You are a running coach")


def test_document_from_a_document_to_scores_on_sections_never_trained_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    themes = "sleep shoes hills breakfast altitude stretching hydration cadence holidays darkness winter".split()  # noqa: SIM905
    (tmp_path / "guide.md").write_text(
        "".join(
            f"# {each.title()}\n" + " ".join(f"{each} matters on day {n}." for n in range(12)) + "\n" for each in themes
        )
    )

    def script(request: Asked) -> Reply:
        text = request.body["messages"][-1]["content"]
        if text.startswith("Here is a section"):
            title = text.split('"')[1]
            return Reply(chat({"questions": [f"On which days does {title} matter?", f"Why think of {title} at all?"]}))
        return answering(request)

    with Scripted(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.address)
        data("questions", "--document", tmp_path / "guide.md", "--model", "m", "-n", 2, "-o", tmp_path / "g.jsonl")
        models = endpoint(tmp_path / "models.toml", server, "one")
        for part in ("g", "g.test"):
            data("answers", tmp_path / f"{part}.jsonl", "--models", models, "-o", tmp_path / f"{part}.a.jsonl")
        data("collect", tmp_path / "g.a.jsonl", "-o", tmp_path / "data", "--test", 0, "--valid", 0.1, "--alike", 1)
        trained = {row.about["section"] for row in read(tmp_path / "data" / "train.jsonl")}
        tested = {row.about["section"] for row in read(tmp_path / "g.test.a.jsonl")}
        assert trained and tested and not trained & tested
        judges = endpoint(tmp_path / "judges.toml", server, "judge")
        found = before_and_after(
            toy("document-toy", base, tmp_path / "data"), tmp_path / "g.test.a.jsonl", judges, tmp_path
        )
    assert set(found["faithfulness"]) <= {"before", "after"}


def races(folder: Path, count: int = 24) -> Path:
    from finetune.races import main

    assert main([str(count), str(folder / "races.jsonl")]) == 0
    data("collect", folder / "races.jsonl", "-o", folder / "data", "--near", 1, "--alike", 1)
    return folder / "data"


def test_feedback_from_made_up_races_to_scores_with_gpt2(gpt2: Path, tmp_path: Path) -> None:
    folder = races(tmp_path)
    with Scripted(answering) as server:
        judges = endpoint(tmp_path / "judges.toml", server, "judge")
        recipe = toy("feedback-gpt2-toy", gpt2, folder, **{"prompt.format": "gpt-2"})
        before_and_after(recipe, folder / "valid.jsonl", judges, tmp_path)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["model_type"] == "gpt2"
    assert scores(tmp_path / "run")["valid_grounded"] >= 0


def test_feedback_with_an_adapter_on_q_and_v(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = races(tmp_path)
    with Scripted(answering) as server:
        judges = endpoint(tmp_path / "judges.toml", server, "judge")
        before_and_after(toy("feedback-mistral-qlora-toy", base, folder), folder / "valid.jsonl", judges, tmp_path)
    names = load_file(tmp_path / "run" / "adapter_model.safetensors")
    assert {re.search(r"(\w+_proj)", name)[1] for name in names} == {"q_proj", "v_proj"}  # type: ignore[index]


def test_a_folder_for_layers_on_disk_is_never_missing(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first old failure: a model whose layers partly go to disk, and nobody had said where."""
    monkeypatch.chdir(tmp_path)  # peft 0.21 copies what lies on disk to its own path below the current folder
    folder = races(tmp_path)
    recipe = toy("feedback-mistral-qlora-toy", base, folder, **{"method.kind": "lora", "model.offload_folder": "."})
    outcome = train(recipe, tmp_path / "run")
    assert outcome.asked
    # transformers and peft are then made to put a layer on disk, with the folder that a recipe without one gets.
    places = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk", "model.norm": "cpu",
              "model.rotary_emb": "cpu", "lm_head": "cpu"}  # fmt: skip
    spread = Recipe.model_validate(
        {**recipe.model_dump(), "model": {**recipe.model.model_dump(), "device_map": places, "offload_folder": "."}}
    )
    rows = prepare(recipe).train[0]
    on = loading.hardware(spread)
    tokenizer = loading.load_tokenizer(spread)
    offloaded = loading.load_model(spread, tokenizer, on, tmp_path / "training" / "offload")
    assert {each.device.type for each in offloaded.model.layers[1].parameters()} == {"meta"}, "a layer lies on disk"
    whole = loading.load_model(recipe, tokenizer, on, tmp_path / "whole")
    wanted = probe.loss_of(whole, rows.input_ids, rows.labels)
    assert probe.loss_of(offloaded, rows.input_ids, rows.labels) == pytest.approx(wanted, rel=1e-4)
    tuned, _ = probe.load_saved(tmp_path / "run", spread, on)
    assert probe.loss_of(tuned, rows.input_ids, rows.labels) == pytest.approx(outcome.asked.loss, rel=1e-3)


def test_a_trained_model_that_cannot_be_loaded_fails_its_own_run(
    gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second old failure: training ended well, and the first question was the first sign of trouble."""
    from finetune import train as training

    folder = races(tmp_path)
    recipe = toy("feedback-gpt2-toy", gpt2, folder, **{"prompt.format": "gpt-2", "training.steps": 1})
    written = training.describe

    def damaging(ready: Any, output: Path, metrics: Any) -> None:
        written(ready, output, metrics)
        file = output / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])

    monkeypatch.setattr(training, "describe", damaging)
    with pytest.raises(OttoError, match="what was saved cannot be loaded again"):
        train(recipe, tmp_path / "run")
    monkeypatch.undo()
    outcome = train(recipe, tmp_path / "whole")
    assert outcome.asked and outcome.asked.loss > 0
    assert [row.source for row in by_run(tmp_path / "whole", read(folder / "valid.jsonl")[:1])] == ["feedback-gpt2-toy"]


@pytest.mark.parametrize("name", ["style-qwen-toy", "style-qwen-20steps-toy"])
def test_style_from_rewrites_to_scores_and_curves(name: str, base: Path, tmp_path: Path) -> None:
    verbs = "measured improved planned counted reviewed delivered tested written painted carried".split()  # noqa: SIM905
    rows = [
        {"instruction": f"It is to be noted that {number} reports were {verb} by the team.",
         "response": f"The team {verb} {number} reports.", "source": "rewrites"}
        for number in (12, 30, 45, 78) for verb in verbs
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data("collect", tmp_path / "rows.jsonl", "-o", tmp_path / "data", "--near", 1, "--alike", 1)
    steps = {"training.steps": load(name).training.steps, "training.learning_rate": 2e-3,
             "training.evaluate_every": load(name).training.evaluate_every}  # fmt: skip
    with Scripted(answering) as server:
        judges = endpoint(tmp_path / "judges.toml", server, "judge")
        recipe = toy(name, base, tmp_path / "data", **steps)
        before_and_after(recipe, tmp_path / "data" / "test.jsonl", judges, tmp_path)
    evaluation("curves", tmp_path / "run")
    logged = json.loads((tmp_path / "run" / "curves.json").read_text())
    losses = [each["loss"] for each in logged if "loss" in each]
    assert losses[-1] < losses[0]
    assert len([each for each in logged if "eval_loss" in each]) == (4 if "20steps" in name else 0)
    assert (tmp_path / "run" / "curves.html").is_file()
    assert scores(tmp_path / "run")["valid_meaning"] <= 1


def test_the_hosted_recipe_says_before_paying_that_the_validation_set_is_too_large(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from finetune.cli.train import train as verb
    from tests.finetune.hostedservice import KEY, Imitation

    rows = [{"prompt": f"How long is run number {n} in my plan?", "completion": "Run easily. " * 8} for n in range(120)]
    for name, part in (("train", rows[:100]), ("valid", rows[100:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    sets = [f"data.train={tmp_path / 'train.jsonl'}", f"data.valid={tmp_path / 'valid.jsonl'}"]
    with pytest.raises(OttoError, match=r"too large for mistral: .* give hosted.valid_rows = \d"):
        verb("coach-mistral-hosted-toy", output=tmp_path / "run", changes=[*sets, "hosted.valid_rows=20"], dry_run=True)
    with Imitation("mistral") as service, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MISTRAL_API_KEY", KEY)
        address = [f"hosted.address={service.address}", "hosted.poll_seconds=0.01"]
        verb("coach-mistral-hosted-toy", output=tmp_path / "run", changes=[*sets, *address], dry_run=True)
        verb("coach-mistral-hosted-toy", output=tmp_path / "run", changes=[*sets, *address])
    assert "Trained: ft:" in capsys.readouterr().out
    assert scores(tmp_path / "run")["valid_loss"] == 0.6
