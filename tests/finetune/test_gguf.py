"""GGUF files as llama.cpp reads them: the same tokens and the same numbers as Hugging Face."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("llama_cpp")
pytest.importorskip("gguf")

from finetune.gguf import write_adapter, write_model
from finetune.gguf.vocabulary import LLAMA_3, QWEN, pieces
from otto.errors import ModelFileError
from tests.tinymodels import byte_tokenizer, piece_tokenizer, random_adapter, random_gguf, random_llama

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

TEXT = "<s>User: set a timer for ten minutes, please, and wake me at half past seven\nAssistant:\n"
PARTS = (
    "set a timer", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2003", "\u200d", "\ufeff", "'s", "'S", "'ll", "’s",
    "don't", "12", "1234567", "½", "²", "٣٤", "三", "日本語", "Grüße", "e\u0301", "é", "😀", "👩‍👩‍👧", "🇩🇪", "<s>",
    "</s>", "<s", "</ s>", "[INST]", "<<SYS>>", 'weather(location="São Paulo")', "a|b", "\\n", "_", "__", "Straße", "İ",
    "ﬁ", "ｗｉｄｅ", "\x1f", "…", "–", '"', "“x”", "मुझे", "ไทย", "한국어", "עברית", "\u202e",
    "x" * 70, "\u3000", "Ⅷ", "à la",
    "\u0300", "'", "User:", "Assistant:\n",
)  # fmt: skip


def odd_texts(count: int) -> list[str]:
    chance = random.Random(5)
    return ["".join(chance.choices(PARTS, k=chance.randint(1, 12))) for _ in range(count)]


def opened(file: Path, **settings: Any) -> closing[Any]:
    import llama_cpp

    return closing(llama_cpp.Llama(str(file), n_threads=1, verbose=False, **settings))


def hf_scores(folder: Path, tokens: list[int], adapter: Path | None = None) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).float()
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].numpy()


def hf_tokens(folder: Path, text: str) -> list[int]:
    from transformers import AutoTokenizer

    return list(AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"])


def gguf_scores(file: Path, tokens: list[int], **settings: Any) -> Any:
    import numpy as np

    with opened(file, n_ctx=256, logits_all=True, type_k=0, type_v=0, **settings) as model:
        model.eval(tokens)
        return np.array(model.scores[: len(tokens)])


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("gpt-2", "gpt-2"), ("digits", "digits"), ("qwen", QWEN), ("dbrx", LLAMA_3), ("llama-3", LLAMA_3), ("llama-2", ""),
     ("gemma", "")],
)  # fmt: skip
def test_both_cut_odd_texts_into_the_same_tokens(tmp_path: Path, kind: str, rule: str) -> None:
    tokenizer = (
        byte_tokenizer(rule=rule, ignore_merges=kind == "llama-3")
        if rule
        else piece_tokenizer(prefix=kind == "llama-2")
    )
    folder = random_llama(tmp_path / "model", tokenizer=tokenizer)
    write_model(folder, tmp_path / "model.gguf")
    with opened(tmp_path / "model.gguf", vocab_only=True) as model:
        for text in [TEXT, *odd_texts(500)]:
            there = model.tokenize(text.encode(), add_bos=False, special=True)
            assert there == tokenizer(text, add_special_tokens=False)["input_ids"], text


@pytest.mark.parametrize(
    ("family", "tolerance"),
    [("llama", 1e-4), ("mistral", 1e-4), ("qwen2", 1e-4), ("qwen3", 1e-4),
     # Of logits up to 30: llama.cpp looks GELU up in a table of half precision.
     ("gemma", 0.02), ("gemma2", 0.02), ("gemma3", 0.02)],
)  # fmt: skip
def test_each_family_gives_the_same_logits_alone_and_with_an_adapter(
    tmp_path: Path, family: str, tolerance: float
) -> None:
    import numpy as np

    folder = random_llama(tmp_path / "model", family=family)
    write_model(folder, tmp_path / "model.gguf", kind="f32")
    tokens = hf_tokens(folder, TEXT)
    there, here = gguf_scores(tmp_path / "model.gguf", tokens), hf_scores(folder, tokens)
    assert np.abs(there - here).max() < tolerance
    adapter = random_adapter(tmp_path / "adapter", folder)
    write_adapter(adapter, folder, tmp_path / "adapter.gguf")
    tuned = hf_scores(folder, tokens, adapter)
    there = gguf_scores(tmp_path / "model.gguf", tokens, lora_path=str(tmp_path / "adapter.gguf"))
    assert np.abs(there - tuned).max() < 5 * tolerance, "with the adapter"
    assert np.abs(tuned - here).max() > 1, "the adapter does something"


@pytest.mark.parametrize("lora", [
    {"use_rslora": True},
    {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"q_proj": 3, "layers.1.mlp.up_proj": 20}},
], ids=["rank-stabilised", "patterns"])  # fmt: skip
def test_an_adapters_own_scales_are_kept(tmp_path: Path, lora: dict[str, Any]) -> None:
    import numpy as np

    folder = random_llama(tmp_path / "model")
    adapter = random_adapter(tmp_path / "adapter", folder, **lora)
    write_model(folder, tmp_path / "model.gguf", kind="f32")
    write_adapter(adapter, folder, tmp_path / "adapter.gguf")
    tokens = hf_tokens(folder, TEXT)
    there = gguf_scores(tmp_path / "model.gguf", tokens, lora_path=str(tmp_path / "adapter.gguf"))
    assert np.abs(there - hf_scores(folder, tokens, adapter)).max() < 1e-3


def test_llama_3_stretches_its_long_waves(tmp_path: Path) -> None:
    import numpy as np

    rope = {
        "rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }  # fmt: skip
    folder = random_llama(tmp_path / "model", rope_parameters=rope)
    write_model(folder, tmp_path / "model.gguf", kind="f32")
    tokens = hf_tokens(folder, TEXT * 4)
    assert np.abs(gguf_scores(tmp_path / "model.gguf", tokens) - hf_scores(folder, tokens)).max() < 1e-4


@pytest.mark.parametrize(("kind", "tolerance", "share"), [("f16", 0.01, 0.6), ("q8_0", 0.2, 0.4), ("q4_0", 3, 0.35)])
def test_smaller_kinds_stay_near(tmp_path: Path, kind: Any, tolerance: float, share: float) -> None:
    import numpy as np

    folder = random_llama(tmp_path / "model")
    write_model(folder, tmp_path / "full.gguf", kind="f32")
    write_model(folder, tmp_path / "small.gguf", kind=kind)
    tokens = hf_tokens(folder, TEXT)
    assert np.abs(gguf_scores(tmp_path / "small.gguf", tokens) - hf_scores(folder, tokens)).max() < tolerance
    assert (tmp_path / "small.gguf").stat().st_size < share * (tmp_path / "full.gguf").stat().st_size


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_llama(tmp_path_factory.mktemp("base") / "model")


@pytest.mark.parametrize("lora", [
    {"modules": ["q_proj", "embed_tokens"]},
    {"modules": ["q_proj", "lm_head"]},
    {"modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    {"modules": ["q_proj"], "use_dora": True},
], ids=["embeddings", "output", "whole output", "dora"])  # fmt: skip
def test_what_an_adapter_cannot_say_is_refused_with_the_way_out(
    tmp_path: Path, base: Path, lora: dict[str, Any]
) -> None:
    adapter = random_adapter(tmp_path / "adapter", base, **lora)
    with pytest.raises(ModelFileError, match=r"otto export --merge"):
        write_adapter(adapter, base, tmp_path / "adapter.gguf")
    assert not list(tmp_path.glob("*.gguf")) and not list(tmp_path.glob(".*.part"))


def test_a_planted_pickle_is_refused_unread(tmp_path: Path, base: Path) -> None:
    adapter = random_adapter(tmp_path / "adapter", base)
    (adapter / "adapter_model.safetensors").unlink()
    # What pickle would run: os.system("touch planted")
    (adapter / "adapter_model.bin").write_bytes(
        b"cos\nsystem\n(S'touch " + str(tmp_path / "planted").encode() + b"'\ntR."
    )
    with pytest.raises(ModelFileError, match=r"adapter_model\.bin: .* can run code"):
        write_adapter(adapter, base, tmp_path / "adapter.gguf")
    assert not (tmp_path / "planted").exists()


def changed_json(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    folder, to = random_llama(tmp_path / "model"), tmp_path / "model.gguf"
    with pytest.raises(ModelFileError, match="no kind 'q3_k'"):
        write_model(folder, to, kind="q3_k")  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        write_model(tmp_path, to)
    before = (folder / "config.json").read_text()
    changed_json(folder / "config.json", architectures=["MambaForCausalLM"])
    with pytest.raises(ModelFileError, match="'MambaForCausalLM' cannot be exported; known: Llama"):
        write_model(folder, to)
    (folder / "config.json").write_text(before)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    changed_json(folder / "tokenizer.json", pre_tokenizer=tokenizer["pre_tokenizer"] | {"add_prefix_space": True})
    with pytest.raises(ModelFileError, match=r"tokenizer\.json: llama\.cpp has no name for the rule"):
        write_model(folder, to)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFileError, match="not a whole safetensors file"):
        write_model(folder, to)
    assert not to.exists()


def test_a_disk_that_refuses_leaves_no_file(tmp_path: Path, base: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be written"):
        write_model(base, tmp_path / "missing" / "model.gguf")


def test_a_grammar_allows_both_the_same_tokens(tmp_path: Path) -> None:
    """llguidance would by itself insist on the tokenizer's own tokens where only one text is possible."""
    import ctypes

    import llama_cpp
    import numpy as np

    from otto.grammar import grammar
    from otto.models.transformer import TransformerModel
    from tests.finetune.lights import SKILLS

    file = random_gguf(tmp_path / "tiny.gguf", SKILLS)
    rules, calls = grammar(SKILLS), 'lights(state="off", room="hall"); timer(duration="ten minutes")'
    model = TransformerModel(tmp_path / "tiny-hf")
    model.load()
    assert model._loaded is not None
    matcher, size = model._loaded.matcher(rules, "</s>"), len(model._loaded.tokenizer)
    candidate = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    with opened(file, n_ctx=64) as other:
        sampler = llama_cpp.llama_sampler_init_grammar(
            llama_cpp.llama_model_get_vocab(other.model), rules.encode(), b"root"
        )
        for token in [*model._loaded.ids(calls), None]:
            all_tokens = np.zeros(size, candidate)
            all_tokens["id"] = np.arange(size)
            pointer = all_tokens.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
            array = llama_cpp.llama_token_data_array(pointer, size, -1, False)
            llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
            bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")[:size]
            allowed = np.isfinite(all_tokens["logit"])
            # llama.cpp would take the spelling of `<s>` for text; `otto/models/llamachild.py` does not let it.
            allowed[model._loaded.tokenizer.bos_token_id] = False
            assert np.array_equal(allowed, bits.astype(bool)), token
            if token is not None:
                matcher.consume_token(token)
                llama_cpp.llama_sampler_accept(sampler, token)
        llama_cpp.llama_sampler_free(sampler)


def test_a_small_model_for_other_tests_comes_with_its_card(tmp_path: Path) -> None:
    from otto.models import card

    file = random_gguf(tmp_path / "tiny.gguf")
    told = card.read(file)
    assert told is not None and told.format == "plain" and told.system == ""
    card.verify(file, told)


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def test_scores_are_read_from_a_sentencepiece_file(tmp_path: Path) -> None:
    def piece(text: str, score: float) -> Iterator[int]:
        import struct

        inner = b"\x0a" + varint(len(text.encode())) + text.encode() + b"\x15" + struct.pack("<f", score) + b"\x18\x01"
        yield from b"\x0a" + varint(len(inner)) + inner

    data = bytes([*piece("▁timer", -3.5), *piece("é" * 90, -12.25)]) + b"\x12\x02\x08\x01"
    assert pieces(data, tmp_path) == {"▁timer": -3.5, "é" * 90: -12.25}
    for cut in range(1, len(data)):
        try:
            assert pieces(data[:cut], tmp_path).items() <= pieces(data, tmp_path).items()
        except ModelFileError as error:
            assert "not a SentencePiece model" in str(error)
