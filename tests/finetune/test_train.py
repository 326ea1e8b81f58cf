"""Training: on models that the tests make, in a few steps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from finetune.recipe import Recipe, load
from finetune.shapes import Conversation, DataError, lines, of_calls
from otto.call import parse
from otto.errors import ConfigError, ModelError, ModelFileError, OttoError

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("peft")

from finetune import loading, probe  # noqa: E402
from finetune.material import gather  # noqa: E402
from finetune.plan import check, estimate  # noqa: E402
from finetune.prepared import prepare  # noqa: E402
from finetune.rows import IGNORED, encode  # noqa: E402
from finetune.train import build, train  # noqa: E402
from otto.models import card  # noqa: E402
from otto.prompt import chat_format, router_prompt  # noqa: E402

pytestmark = pytest.mark.heavy

SENTENCES = [
    (f"set a timer for {number} minutes", f'timer(duration="{number} minutes")')
    for number in "two three four five six seven eight nine ten eleven twelve thirteen".split()  # noqa: SIM905
] + [
    ("turn it up", 'volume(action="up")'),
    ("turn it down a bit", 'volume(action="down")'),
    ("what a lovely day", "other()"),
    ("say that again", "repeat()"),
]


def conversations(pairs: list[tuple[str, str]] = SENTENCES) -> list[Conversation]:
    return [of_calls(text, parse(call), "test") for text, call in pairs]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set as `otto data collect` leaves it."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "train.jsonl").write_text(lines(conversations()), encoding="utf-8")
    held = [("set a timer for fourteen minutes", 'timer(duration="fourteen minutes")'), ("mute it", "other()")]
    (folder / "valid.jsonl").write_text(lines(conversations(held)), encoding="utf-8")
    return folder


def scratch(data: Path, **training: object) -> Recipe:
    """A model of its own, small enough for a test."""
    recipe = {
        "name": "test",
        "model": {"shape": {"vocabulary": 420, "hidden": 64, "layers": 2, "heads": 2, "feed_forward": 128}},
        "prompt": {"format": "plain", "system": ""},
        "method": {"kind": "full"},
        "data": {"train": str(data / "train.jsonl"), "valid": str(data / "valid.jsonl"), "max_length": 256},
        "training": {
            "batch_size": 4, "learning_rate": 1e-3, "precision": "fp32", "device": "cpu", "threads": 1, "steps": 3,
            "log_every": 1, "must_answer": False, **training,
        },
    }  # fmt: skip
    return Recipe.model_validate(recipe)


def adapting(base: Path, data: Path, kind: str = "lora", **training: object) -> Recipe:
    """An adapter on that base."""
    recipe = scratch(data, **training).model_dump()
    recipe["model"]["base"] = str(base)
    recipe["method"] = {"kind": kind, "rank": 4, "alpha": 8, "dropout": 0.0}
    return Recipe.model_validate(recipe)


def changed(recipe: Recipe, section: str, **keys: object) -> Recipe:
    content = recipe.model_dump()
    content[section].update(keys)
    return Recipe.model_validate(content)


@pytest.fixture(scope="module")
def base(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model from scratch, as a base for adapters."""
    folder = tmp_path_factory.mktemp("base")
    train(scratch(data, steps=2), folder)
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()}


def first_loss(recipe: Recipe, output: Path) -> float:
    trainer, _ = build(prepare(recipe), output)
    trainer.train()
    return float(trainer.state.log_history[0]["loss"])


def test_loss_is_taken_on_the_answer_and_its_end_and_on_nothing_else(base: Path, data: Path) -> None:
    ready = prepare(adapting(base, data))
    end = ready.tokenizer("</s>", add_special_tokens=False)["input_ids"]
    assert len(end) == 1
    for row, each in zip(ready.material.train, ready.train, strict=True):
        prompt, completion = ready.material.task.training(row)
        trained = [token for token in each.labels if token != IGNORED]
        assert ready.tokenizer.decode(trained) == completion == f"{row.answer}</s>"
        assert trained[-1] == end[0]
        assert ready.tokenizer.decode(each.input_ids[: each.prompt_tokens]) == prompt
        assert all(label in (IGNORED, token) for token, label in zip(each.input_ids, each.labels, strict=True))


def test_the_batch_that_a_model_sees_has_the_same_labels(base: Path, data: Path, tmp_path: Path) -> None:
    """Whatever trl does to rows on their way: what reaches the model is the answer and its end."""
    trainer, _ = build(prepare(adapting(base, data)), tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    for labels in batch["labels"].tolist():
        text = trainer.processing_class.decode([token for token in labels if token != IGNORED])
        assert text.endswith(")</s>")
        assert parse(text.removesuffix("</s>"))


def test_a_prompt_is_tokenised_as_it_is_served(base: Path, data: Path) -> None:
    ready = prepare(adapting(base, data))
    pair = ready.material.task.training(ready.material.train[0])
    [row] = encode([pair], ready.tokenizer)
    assert row.input_ids[: row.prompt_tokens] == ready.tokenizer(pair[0], add_special_tokens=False)["input_ids"]


def test_packing_and_accumulation_do_not_change_the_loss(base: Path, data: Path, tmp_path: Path) -> None:
    """One step over the same sixteen rows, to one part in ten thousand (the order of a sum in 32 bits)."""
    at_once = first_loss(adapting(base, data, steps=1, batch_size=16), tmp_path / "at once")
    in_parts = first_loss(adapting(base, data, steps=1, batch_size=2, accumulation=8), tmp_path / "in parts")
    packed = first_loss(
        changed(adapting(base, data, steps=1, batch_size=16), "data", packing=True), tmp_path / "packed"
    )
    assert in_parts == pytest.approx(at_once, rel=1e-4)
    assert packed == pytest.approx(at_once, rel=1e-4)


def test_the_loss_is_the_models_own(base: Path, data: Path, tmp_path: Path) -> None:
    """The head for CPUs against the plain forward pass of transformers."""
    ready = prepare(adapting(base, data, batch_size=16))
    trainer, _ = build(ready, tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    own = trainer.compute_loss(trainer.model, dict(batch))
    plain = trainer.model(**batch).loss
    assert own.item() == pytest.approx(plain.item(), rel=1e-5)


def test_checkpointing_does_not_change_the_loss(base: Path, data: Path, tmp_path: Path) -> None:
    plain = first_loss(adapting(base, data, steps=1, batch_size=16), tmp_path / "plain")
    checkpointed = first_loss(
        adapting(base, data, steps=1, batch_size=16, gradient_checkpointing=True), tmp_path / "checkpointed"
    )
    assert checkpointed == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("kind", ["qlora", "lora", "full"])
def test_what_was_trained_is_saved_with_its_card_and_answers(kind: str, base: Path, data: Path, tmp_path: Path) -> None:
    outcome = train(adapting(base, data, kind, steps=2), tmp_path)
    assert outcome.asked
    assert outcome.asked.prompt.startswith("<s>User: ")
    about = card.read(tmp_path)
    assert about
    assert about.kind == ("transformers" if kind == "full" else "adapter")
    assert (about.base, about.task, about.format, about.system) == (str(base), "router", "plain", "")
    assert about.metrics["valid_rows"] == 2
    assert "timer" in about.skills
    card.verify(tmp_path, about)
    assert not list(tmp_path.glob("*.bin"))
    assert json.loads((tmp_path / "metrics.json").read_text())["train_loss"] > 0


def test_a_whole_model_can_be_saved_in_half(base: Path, data: Path, tmp_path: Path) -> None:
    outcome = train(changed(adapting(base, data, "full", steps=1), "model", saved="float16"), tmp_path)
    assert outcome.asked
    assert {value.dtype for value in weights(tmp_path).values()} == {torch.float16}
    assert "lm_head.weight" not in weights(tmp_path)  # tied to the embeddings, and written once
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"


def test_looking_at_a_quantised_model_does_not_change_what_it_learns(base: Path, data: Path, tmp_path: Path) -> None:
    """bitsandbytes repacks 4-bit weights for inference on a CPU with bfloat16, and trains wrongly afterwards."""
    recipe = adapting(base, data, "qlora", steps=3, precision="bf16")
    train(recipe, tmp_path / "blind")
    train(changed(recipe, "training", evaluate_every=1, predictions=1), tmp_path / "watched")
    blind, watched = weights(tmp_path / "blind"), weights(tmp_path / "watched")
    assert all(torch.equal(blind[name], watched[name]) for name in blind)


def test_an_adapter_changes_only_itself(base: Path, data: Path, tmp_path: Path) -> None:
    before = weights(base)
    train(adapting(base, data, "lora", steps=2), tmp_path)
    assert all("lora_" in name for name in weights(tmp_path))
    assert all(torch.equal(value, before[name]) for name, value in weights(base).items())


def test_sampled_sentences_train_a_model_from_scratch(data: Path, tmp_path: Path) -> None:
    recipe = changed(scratch(data, steps=12, learning_rate=3e-3, warmup=0.1), "data", sample=True)
    shape = {**recipe.model.model_dump(), "shape": {**recipe.model.shape.model_dump(), "tokenizer_rows": 300}}
    recipe = Recipe.model_validate({**recipe.model_dump(), "model": shape})
    trainer, _ = build(prepare(recipe), tmp_path)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0] - 0.5


def test_predictions_are_sampled_while_it_trains(base: Path, data: Path, tmp_path: Path) -> None:
    train(adapting(base, data, steps=4, evaluate_every=2, save_every=2, predictions=2), tmp_path)
    found = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert [(line["step"], line["wanted"]) for line in found] == [
        (step, wanted) for step in (2, 4) for wanted in ('timer(duration="fourteen minutes")', "other()")
    ]


def test_training_stops_early_and_keeps_the_best(base: Path, data: Path, tmp_path: Path) -> None:
    """A learning rate that ruins the model: the loss rises, so it ends after the second evaluation."""
    recipe = adapting(
        base, data, "full", steps=40, learning_rate=0.5, evaluate_every=1, early_stopping=1, predictions=0
    )
    trainer, _ = build(prepare(recipe), tmp_path)
    trainer.train()
    assert trainer.state.global_step < 40


def test_a_killed_run_resumed_ends_as_if_it_had_never_been_killed(base: Path, data: Path, tmp_path: Path) -> None:
    recipe = adapting(base, data, "lora", steps=8, save_every=2)
    train(recipe, tmp_path / "whole")
    file = tmp_path / "recipe.json"
    file.write_text(recipe.model_dump_json(), encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; from finetune.recipe import Recipe; from finetune.train import train;"
        "train(Recipe.model_validate_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))"
    )
    killed = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(file), str(killed)], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    state = killed / "checkpoints" / "checkpoint-4" / "trainer_state.json"
    deadline = time.monotonic() + 240
    while not state.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    with pytest.raises(ConfigError, match="--resume"):
        train(recipe, killed)
    train(recipe, killed, resume=True)
    whole, resumed = weights(tmp_path / "whole"), weights(killed)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_model_that_answers_with_nothing_usable_fails_the_run(base: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be used: asked"):
        train(adapting(base, data, steps=1, must_answer=True), tmp_path)
    assert list(tmp_path.glob("*.safetensors"))


def test_a_saved_model_that_is_damaged_is_noticed(base: Path, data: Path, tmp_path: Path) -> None:
    recipe = adapting(base, data, steps=1)
    train(recipe, tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded again"):
        probe.load_saved(tmp_path, recipe, loading.hardware(recipe))


def test_the_plan_counts_weights_exactly(base: Path, data: Path, tmp_path: Path) -> None:
    recipe = adapting(base, data, "lora", steps=0, epochs=2, batch_size=4)
    ready = prepare(recipe)
    plan = estimate(ready, tmp_path)
    trainer, _ = build(ready, tmp_path)
    assert plan.trained == sum(each.numel() for each in trainer.model.parameters() if each.requires_grad)
    assert plan.weights == trainer.model.get_base_model().num_parameters() - plan.trained
    assert (plan.rows, plan.steps, plan.longest) == (16, 8, max(len(each.input_ids) for each in ready.train))
    check(plan)


def test_a_run_that_cannot_fit_is_refused_before_it_starts(base: Path, data: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    plan = estimate(prepare(adapting(base, data)), tmp_path)
    with pytest.raises(ConfigError, match="the disk has"):
        check(replace(plan, disk_there=plan.disk - 1))
    with pytest.raises(ConfigError, match=r"method\.kind to 'qlora'"):
        check(replace(plan, memory_there=plan.memory - 1))
    check(replace(plan, memory_there=plan.memory - 1), offloads=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_that_is_not_there_is_named(base: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match=r"training\.device: CUDA is asked for"):
        prepare(adapting(base, data, device="cuda"))


def test_a_base_that_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"model\.base: '.*nowhere' cannot be loaded"):
        prepare(adapting(tmp_path / "nowhere", data))


def test_a_format_whose_end_the_base_does_not_know_is_refused(base: Path, data: Path) -> None:
    recipe = changed(adapting(base, data), "prompt", format="chatml")
    with pytest.raises(ConfigError, match=r"prompt\.format: 'chatml' ends an answer with '<\|im_end\|>'"):
        prepare(recipe)


BROKEN = [
    ("", "train.jsonl:1: there is no row in it"),
    ('{"messages": [{"role": "user", "content": "hi"}]}', "train.jsonl:1: the last message must be the assistant's"),
    ('{"messages": [{"role": "robot", "content": "hi"}]}', "train.jsonl:1: message 1 has the role 'robot'"),
    ('{"sentence": "hi"}', "train.jsonl:1: none of the columns"),
    ('{"prompt": "hi"}', "train.jsonl:1: the column 'completion' is missing"),
    ('{"text": "hi", "call": "nothing(x=1)"}', "train.jsonl:1: there is no skill 'nothing'"),
    (
        '{"text": "hi", "call": "other()"}\n{"prompt": "hello", "completion": "hello you"}',
        "train.jsonl:2: the answer is no call",
    ),
    (f'{{"text": "{"very " * 60}long", "call": "other()"}}', "train.jsonl:1: this row has"),
]


@pytest.mark.parametrize(("content", "says"), BROKEN)
def test_bad_rows_are_named_by_file_and_line(content: str, says: str, base: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(content, encoding="utf-8")
    recipe = changed(
        adapting(base, data), "data", train=str(tmp_path / "train.jsonl"), valid=str(tmp_path / "none"), max_length=48
    )
    with pytest.raises(DataError) as error:
        prepare(recipe)
    assert says in str(error.value)


def test_a_validation_set_that_is_too_large_or_trained_on_is_refused(base: Path, data: Path, tmp_path: Path) -> None:
    recipe = adapting(base, data)
    leaking = tmp_path / "leaking.jsonl"
    leaking.write_text(lines(conversations([("Turn it UP!", 'volume(action="up")')])), encoding="utf-8")
    with pytest.raises(DataError, match="leaking.jsonl:1: 'Turn it UP!' is also trained on"):
        gather(changed(recipe, "data", valid=str(leaking)))
    large = tmp_path / "large.jsonl"
    large.write_text(lines(conversations([(f"word {n}", "other()") for n in range(9)])), encoding="utf-8")
    with pytest.raises(DataError, match="9 rows to validate with for 16"):
        gather(changed(recipe, "data", valid=str(large)))
    with pytest.raises(DataError, match="otto data collect"):
        gather(changed(recipe, "data", train=str(tmp_path / "nothing.jsonl")))


def test_unsloth_that_is_not_there_is_named(base: Path, data: Path, tmp_path: Path) -> None:
    if __import__("importlib").util.find_spec("unsloth"):
        pytest.skip("Unsloth is installed")
    with pytest.raises(ConfigError, match=r"model\.unsloth"):
        build(prepare(changed(adapting(base, data), "model", unsloth=True)), tmp_path)


def test_a_gpu_is_given_a_paged_optimiser(base: Path, data: Path) -> None:
    from dataclasses import replace

    from finetune.trainersettings import optimizer

    recipe = adapting(base, data, "qlora")
    cpu = loading.hardware(recipe)
    assert optimizer(recipe, cpu) == "adamw_torch_fused"
    assert optimizer(recipe, replace(cpu, device="cuda")) == "paged_adamw_8bit"


def test_layers_that_may_be_offloaded_have_a_folder(base: Path, data: Path, tmp_path: Path) -> None:
    """transformers refuses to spread a model over disk without one, after it has loaded half of it."""
    recipe = changed(adapting(base, data, steps=1), "model", device_map="auto")
    outcome = train(recipe, tmp_path)
    assert outcome.asked


def test_the_verb_shows_the_plan_and_trains_nothing(
    base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from finetune.cli.train import train as verb

    sets = [
        f"model.base={base}",
        f"data.train={data / 'train.jsonl'}",
        f"data.valid={data / 'valid.jsonl'}",
        "data.sample=false",
    ]
    verb("tiny-qlora", output=tmp_path / "out", changes=sets, dry_run=True, as_json=True)
    plan = json.loads(capsys.readouterr().out)
    assert (plan["method"], plan["rows"], plan["valid_rows"]) == ("qlora", 16, 2)
    assert not (tmp_path / "out").exists()
    verb("tiny-qlora", output=tmp_path / "out", changes=sets, dry_run=True)
    assert "recipe   tiny-qlora" in capsys.readouterr().out
    with pytest.raises(OttoError, match="write it as KEY=VALUE"):
        verb("tiny-qlora", changes=["steps"])


def test_figures_and_predictions_reach_weights_and_biases(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    recipe = changed(adapting(base, data, steps=2, evaluate_every=2), "logging", wandb="offline")
    train(recipe, tmp_path)
    [run] = (tmp_path / "wandb").glob("offline-run-*")
    [record] = run.glob("run-*.wandb")
    assert b"eval/loss" in record.read_bytes()
    tables = list(run.glob("files/media/table/predictions*.json"))
    assert tables
    assert json.loads(tables[0].read_text())["columns"] == ["step", "question", "wanted", "answer", "right"]


def test_the_shipped_recipes_prompts_render() -> None:
    for name in ("qwen-0.5b", "mistral-7b", "llama-3", "functiongemma-270m"):
        recipe = load(name)
        pair = router_prompt(recipe.prompt.format).training("hi", parse("other()"), [])
        assert pair[1].endswith(chat_format(recipe.prompt.format).end)
