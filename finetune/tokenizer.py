"""The tiny model's own tokenizer: byte-level BPE, trained on sampled sentences.

    tokenizer = train(texts, size=3072)
    tokenizer.save_pretrained(folder)               tokenizer.json, tokenizer_config.json

Two things make copying easy for a small model. A blank is a token of its own before all but the most frequent words, so
that a word reads the same inside a sentence and behind a quotation mark; and digits stay single. Both lie in the merges
alone: the file says nothing but GPT-2's cut into words and byte-level BPE, which llama.cpp reads as `gpt2` with the
pre-tokenizer `gpt-2`, token for token the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

BEGIN, END, UNKNOWN, PAD = "<s>", "</s>", "<unk>", "<pad>"
SPECIAL = (UNKNOWN, BEGIN, END, PAD)
"""In the order of their ids, from 0."""
WITH_BLANK = 256
"""So many of the most frequent words have a token that begins with a blank, which shortens sentences by a fifth."""
ALWAYS = ("User", "Assistant")
"""One token each: the names that the plain format puts into every row."""
_BLANK = "Ġ"
_CUT = r"'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}| |[^\s\p{L}\p{N}]+|\s"


def train(texts: Iterable[str], *, size: int, keep: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A tokenizer of exactly `size` tokens (at most; fewer where the texts do not give so many).

    `keep`: words that must each be one token, such as the names of skills and parameters.
    """
    from transformers import PreTrainedTokenizerFast

    rows = list(texts)
    words = _frequent(rows)[:WITH_BLANK]
    often = len(rows) // 50 + 1
    small = _trained([*rows, *(f"{word} " * often for word in (*ALWAYS, *keep))], size - len(words))
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_with_blanks(small, words),
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        add_prefix_space=False,
    )


def _trained(rows: Sequence[str], size: int) -> Tokenizer:
    """Trained on words without their blanks and on single digits."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(rows, trainer)
    return tokenizer


def _with_blanks(tokenizer: Tokenizer, words: Sequence[str]) -> Tokenizer:
    """With one merge more for each of these words that is a token: the blank before it. The last merges come last, so
    they change nothing inside words."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers

    content = json.loads(tokenizer.to_str())
    model = content["model"]
    for word in words:
        if word in model["vocab"] and _BLANK + word not in model["vocab"]:
            model["vocab"][_BLANK + word] = len(model["vocab"])
            model["merges"].append([_BLANK, word])
    whole = Tokenizer.from_str(json.dumps(content))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    whole.decoder = decoders.ByteLevel()
    return whole


def _frequent(rows: Iterable[str]) -> list[str]:
    counts = Counter(word for row in rows for word in row.split() if word.isascii() and word.isalpha())
    return [word for word, _ in counts.most_common()]
