"""The tiny model's own tokenizer: byte-level BPE, trained on sampled sentences.

    tokenizer = train(texts, size=4096)
    tokenizer.save_pretrained(folder)               tokenizer.json, tokenizer_config.json

Copying is what it is made for. Words are cut the same way wherever they stand, and a blank joins the first piece last:
a word is `Ġqu ix otic` inside a sentence and `qu ix otic` behind a quotation mark. Such pairs begin with embeddings
that differ by one and the same vector (`pairs`), so that a model need not learn each of them. All of that lies in the
merges alone: the file says nothing but GPT-2's cut into words and byte-level BPE, which llama.cpp reads as `gpt2` with
the pre-tokenizer `gpt-2`, token for token the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

BEGIN, END, UNKNOWN, PAD = "<s>", "</s>", "<unk>", "<pad>"
SPECIAL = (UNKNOWN, BEGIN, END, PAD)
"""In the order of their ids, from 0."""
WITHOUT_BLANK = 0.55
"""Share of the tokens that begin without a blank; the others are the commonest of these with a blank before."""
ALWAYS = ("User", "Assistant")
"""One token each: the names that the plain format puts into every row."""
_BLANK = "Ġ"
_CUT = r"'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}{1,2}| |[^\s\p{L}\p{N}]+|\s"


def train(texts: Iterable[str], *, size: int, keep: Sequence[str] = ()) -> PreTrainedTokenizerFast:
    """A tokenizer of exactly `size` tokens (at most; fewer where the texts do not give so many).

    `keep`: words that must each be one token, such as the names of skills and parameters.
    """
    from transformers import PreTrainedTokenizerFast

    rows = list(texts)
    often = len(rows) // 50 + 1
    small = _trained([*rows, *(f"{word} " * often for word in (*ALWAYS, *keep))], int(size * WITHOUT_BLANK))
    pieces = _first_pieces(small, rows)[: size - small.get_vocab_size()]
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_with_blanks(small, pieces),
        bos_token=BEGIN,
        eos_token=END,
        unk_token=UNKNOWN,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        add_prefix_space=False,
    )


def pairs(tokenizer: PreTrainedTokenizerBase) -> list[tuple[int, int]]:
    """(id of a piece, id of the same piece behind a blank)."""
    vocabulary = tokenizer.get_vocab()
    return [
        (vocabulary[piece[1:]], number)
        for piece, number in sorted(vocabulary.items(), key=lambda entry: entry[1])
        if piece[:1] == _BLANK and piece[1:] in vocabulary
    ]


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


def _with_blanks(tokenizer: Tokenizer, pieces: Sequence[str]) -> Tokenizer:
    """With one merge more for each of these pieces: the blank before it. These merges come last, so that they change
    nothing inside words."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers

    content = json.loads(tokenizer.to_str())
    model = content["model"]
    for piece in pieces:
        model["vocab"][_BLANK + piece] = len(model["vocab"])
        model["merges"].append([_BLANK, piece])
    whole = Tokenizer.from_str(json.dumps(content))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    whole.decoder = decoders.ByteLevel()
    return whole


def _first_pieces(tokenizer: Tokenizer, rows: Sequence[str]) -> list[str]:
    """The pieces with which words begin, the commonest first."""
    words = Counter(word for row in rows for word in row.split())
    counts: Counter[str] = Counter()
    for word, found in zip(words, tokenizer.encode_batch(list(words)), strict=True):
        if found.tokens and not found.tokens[0].startswith(_BLANK):
            counts[found.tokens[0]] += words[word]
    return [piece for piece, _ in counts.most_common()]
