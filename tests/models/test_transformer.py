"""Hugging Face weights as a language model: the same answers alone and in a batch, the prefix kept, the grammar kept,
and nothing but safetensors read."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from otto.call import parse
from otto.errors import CallSyntaxError, ModelError, ModelFileError
from otto.grammar import grammar
from otto.models.language import Request
from otto.models.transformer import TransformerModel
from otto.prompt import router_prompt
from otto.route import Context
from otto.routers.model import ModelRouter
from otto.skill import Parameter, Skill
from otto.values import Limits

SKILLS = (
    Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room"))),
    Skill("timer", (Parameter("duration", "duration", True),), "Sets a timer."),
)
PROMPT = router_prompt("plain")
TEXTS = ("lights on", "set a timer for ten minutes please", "turn off the kitchen lights", "wie spät ist es", "x")


def requests(gbnf: str = "", most: int = 40) -> list[Request]:
    return [
        Request(PROMPT.opening(text, SKILLS), end="</s>", grammar=gbnf, most_tokens=most, deadline_seconds=60)
        for text in TEXTS
    ]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="needs the finetune extra")
    from tests.tinymodels import random_llama

    return random_llama(tmp_path_factory.mktemp("models") / "base", SKILLS)


@pytest.fixture(scope="module")
def model(base: Path) -> TransformerModel:
    return TransformerModel(base, device="cpu")


@pytest.mark.heavy
@pytest.mark.parametrize("gbnf", ["", grammar(SKILLS)], ids=["free", "grammar"])
def test_a_batch_answers_as_one_at_a_time(model: TransformerModel, gbnf: str) -> None:
    """Padding on the left changes nothing."""
    alone = [model.write(request) for request in requests(gbnf)]
    for size in (2, 5):
        together = list(model.write_many(requests(gbnf), batch=size))
        assert [each.text for each in together] == [each.text for each in alone]
        for one, other in zip(alone, together, strict=True):
            assert other.log_probability == pytest.approx(one.log_probability, abs=1e-3)
            assert (other.tokens, other.prompt_tokens) == (one.tokens, one.prompt_tokens)


@pytest.mark.heavy
def test_it_writes_what_the_library_itself_would(base: Path, model: TransformerModel) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    theirs = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    for request in requests(most=20):
        ids = tokenizer(request.prompt, add_special_tokens=False, return_tensors="pt")
        wrote = theirs.generate(**ids, max_new_tokens=20, do_sample=False, pad_token_id=0)[
            0, ids["input_ids"].shape[1] :
        ]
        text = tokenizer.decode(wrote, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        assert model.write(request).text == text.removesuffix("</s>")


@pytest.mark.heavy
def test_the_prefix_is_evaluated_once(base: Path) -> None:
    fresh = TransformerModel(base, device="cpu")
    first, second, third = (fresh.write(request) for request in requests()[:3])
    assert first.reused_tokens == 0
    for later in (second, third):
        assert later.reused_tokens > 0.9 * later.prompt_tokens
    again = TransformerModel(base, device="cpu")
    assert [again.write(request).text for request in requests()[2::-1]] == [third.text, second.text, first.text]
    batches = list(TransformerModel(base, device="cpu").write_many(requests(), batch=2))
    assert [each.reused_tokens > 200 for each in batches] == [False, False, True, True, True]


@pytest.mark.heavy
def test_under_the_grammar_every_answer_is_a_call_or_cut_short(model: TransformerModel, now: datetime) -> None:
    names = {skill.name for skill in SKILLS} | {"other"}
    for request in requests(grammar(SKILLS), most=256):
        written = model.write(request)
        try:
            assert {call.name for call in parse(written.text)} <= names
        except CallSyntaxError:
            assert written.tokens == 256
    router = ModelRouter(model, SKILLS, PROMPT, name="transformers", grammar=grammar)
    for text in TEXTS:
        route = router.route(text, Context(now))
        for call in route.calls:
            assert call.name == "other" or next(each for each in SKILLS if each.name == call.name).check(call, now)


@pytest.mark.heavy
def test_the_deadline_holds(model: TransformerModel) -> None:
    with pytest.raises(ModelError, match="not enough"):
        model.write(Request(PROMPT.opening("x", SKILLS), most_tokens=100_000, deadline_seconds=0.05))
    assert model.write(requests()[0]).text == next(iter(model.write_many(requests()[:1]))).text


@pytest.mark.heavy
def test_a_grammar_that_cannot_be_read_is_an_error_of_the_model(model: TransformerModel) -> None:
    for wrong in ("root ::= [", "root ::= nothing", "root ::= " + "(" * 60_000 + '"a"' + ")" * 60_000):
        with pytest.raises(ModelError):
            model.write(requests(wrong)[0])


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft's, of transformers
def test_an_adapter_changes_the_answers(base: Path, model: TransformerModel, tmp_path: Path) -> None:
    from tests.tinymodels import random_adapter

    adapter = random_adapter(tmp_path / "adapter", base, skills=SKILLS)
    tuned, named = TransformerModel(base, adapter, device="cpu"), TransformerModel(adapter, device="cpu")
    assert named.path == base
    assert (tuned.name, named.name) == ("transformers:base+adapter", "transformers:base+adapter")
    texts = [each.text for each in tuned.write_many(requests())]
    assert texts != [each.text for each in model.write_many(requests())]
    assert texts == [named.write(request).text for request in requests()]


@pytest.mark.heavy
@pytest.mark.parametrize("family", ["mistral", "qwen2", "gemma2"])
def test_other_families_keep_their_prefix_too(family: str, tmp_path: Path) -> None:
    """Also those that look back only a little: gemma2's window is shorter than the prompt."""
    from tests.tinymodels import random_llama

    folder = random_llama(tmp_path / family, SKILLS, family=family)
    used, fresh = TransformerModel(folder, device="cpu"), TransformerModel(folder, device="cpu")
    for request in requests(most=12):
        alone = TransformerModel(folder, device="cpu").write(request)
        assert used.write(request).text == alone.text
    assert [each.text for each in fresh.write_many(requests(most=12))] == [
        used.write(request).text for request in requests(most=12)
    ]


@pytest.mark.heavy
def test_weights_that_are_not_those_of_their_card_are_refused(base: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(base, tmp_path / "copied")
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelFileError, match="not the file that its card describes"):
        TransformerModel(copied).load()
    (copied / "otto.card.json").unlink()
    (copied / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(ModelFileError, match="cannot be loaded"):
        TransformerModel(copied).load()


# Without loading anything


def files(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize("planted", ["adapter_model.bin", "pytorch_model.bin", "training_args.pt", "model.pkl"])
def test_files_that_could_run_code_are_refused(planted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: object())
    base = files(tmp_path / "base", "model.safetensors")
    adapter = files(tmp_path / "adapter", "adapter_model.safetensors", planted)
    with pytest.raises(ModelFileError, match=f"{planted}: a file of this kind can run code"):
        TransformerModel(base, adapter)
    with pytest.raises(ModelFileError, match="can run code"):
        TransformerModel(adapter)


def test_what_training_leaves_in_a_checkpoint_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: object())
    names = (
        "model.safetensors",
        "training_args.bin",
        "optimizer.pt",
        "rng_state.pth",
        "rng_state_0.pth",
        "scheduler.pt",
    )
    assert TransformerModel(files(tmp_path / "checkpoint-100", *names)).name == "transformers:checkpoint-100"


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: object())
    with pytest.raises(ModelFileError, match="there is no such folder"):
        TransformerModel(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match="there are no weights in it"):
        TransformerModel(files(tmp_path / "empty", "config.json"))
    adapter = files(tmp_path / "adapter", "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/model"}))
    with pytest.raises(ModelFileError, match="its base some/model is no folder here"):
        TransformerModel(adapter)
    (adapter / "adapter_config.json").write_text("[]")
    with pytest.raises(ModelFileError, match="does not say which model it belongs to"):
        TransformerModel(adapter)


@pytest.mark.parametrize("missing", ["torch", "transformers", "llguidance", "peft"])
def test_a_missing_extra_is_named_with_its_command(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: None if name == missing else object())
    base, adapter = files(tmp_path / "base", "model.safetensors"), files(tmp_path / "a", "adapter_model.safetensors")
    with pytest.raises(ModelFileError, match=r"pip install 'otto-assistant\[finetune\]'") as refused:
        TransformerModel(base, adapter)
    assert missing in str(refused.value)
