"""The tiny model's tokenizer: made for copying, and plain enough for llama.cpp."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from finetune.material import known
from finetune.sample import Sampler
from finetune.tokenizer import pairs, train
from otto.call import write
from otto.config import bundled
from otto.prompt import router_prompt

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [f"{row.text}\n{write(row.calls)}" for row in Sampler(*known(bundled("examples")), seed=1).sample(3000)]


def test_words_are_cut_alike_wherever_they_stand(texts: list[str]) -> None:
    tokenizer = train(texts, size=1200)
    vocabulary = tokenizer.get_vocab()
    for word in ("quixotic", "timer", "weather", "antidisestablishment", "nothing"):
        inside = tokenizer.tokenize(f"say {word}")[len(tokenizer.tokenize("say")) :]
        behind_quote = tokenizer.tokenize(f'="{word}')[1:]
        assert [piece for piece in "".join(inside).split("Ġ") if piece] == ["".join(behind_quote)]
        if len(inside) == len(behind_quote):
            assert (vocabulary[behind_quote[0]], vocabulary[inside[0]]) in pairs(tokenizer)
            assert inside[1:] == behind_quote[1:]
        else:  # too rare a piece for a form with a blank
            assert inside == ["Ġ", *behind_quote]


def test_everything_comes_back_as_it_was(texts: list[str]) -> None:
    tokenizer = train(texts, size=800)
    for text in ("Grüße aus Köln", "  two  blanks ", "日本語 🙂", "it's 12:30, isn't it?", "a\tb\n\nc"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert tokenizer.unk_token_id not in ids


def test_a_row_of_the_plain_format_wastes_no_tokens(texts: list[str]) -> None:
    tokenizer = train(texts, size=1200, keep=["timer", "duration"])
    prompt = router_prompt("plain", system="").opening("set a timer", [])
    assert tokenizer.tokenize(prompt)[:3] == ["<s>", "User", ":"]
    assert tokenizer.tokenize(prompt)[-4:] == ["Ċ", "Assistant", ":", "Ċ"]
    assert tokenizer.tokenize('timer(duration="') == ["timer", "(", "duration", '="']
    assert tokenizer("</s>", add_special_tokens=False)["input_ids"] == [tokenizer.eos_token_id]


def test_the_file_is_nothing_but_gpt2s_cut_and_byte_level_bpe(texts: list[str], tmp_path: Path) -> None:
    """What llama.cpp calls `gpt2` with the pre-tokenizer `gpt-2`."""
    train(texts, size=600).save_pretrained(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    cut = content["pre_tokenizer"]
    assert (cut["type"], cut["add_prefix_space"], cut["use_regex"]) == ("ByteLevel", False, True)
    assert content["model"]["type"] == "BPE"
    assert content["normalizer"] is None
