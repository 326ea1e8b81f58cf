"""A Whisper of 100 kB that always says one sentence, made on the spot in CTranslate2's form: no torch, no download.

Its one decoder layer does nothing; the position in the text is a unit vector, and the projection turns the vector of
each position into the word that stands there. All else (features, encoder, beam search, tokens, probabilities) is real.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZE = 32
MELS = 80
FRAMES, POSITIONS = 1500, 448
PROMPT = 2
"""Tokens before the text: the start, and that no timestamps are wanted."""
SPECIALS = ["<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
            "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip


def make(folder: Path, sentence: str, *, sure: float = 40.0, silent: bool = False) -> Path:
    """A model in `folder` that says `sentence` (at most 20 words). `sure`: how steeply it prefers the right word.
    `silent`: it also thinks that there was no speech."""
    from ctranslate2.specs import WhisperSpec
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    words = [f"Ġ{word}" for word in dict.fromkeys(sentence.split())]
    stamps = [f"<|{0.02 * number:.2f}|>" for number in range(1501)]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(word for word in words if word not in letters), *SPECIALS, *stamps]
    ids = {token: number for number, token in enumerate(tokens)}

    said = [ids[f"Ġ{word}"] for word in sentence.split()] + [ids["<|endoftext|>"]]
    projection = np.zeros((len(tokens), SIZE), np.float32)
    for place, token in enumerate(said):
        projection[token, PROMPT - 1 + place] = sure
    if silent:
        projection[ids["<|nospeech|>"], 0] = 40.0
    spec = WhisperSpec(1, 2, 1, 2)
    _encoder(spec.encoder)
    _decoder(spec.decoder, projection)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids, spec.config.alignment_heads = [], [(0, 0)]
    spec.register_vocabulary(tokens)
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))

    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in [*SPECIALS, *stamps]])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def _linear(spec: object, rows: int, columns: int) -> None:
    setattr(spec, "weight", np.zeros((rows, columns), np.float32))  # noqa: B010
    setattr(spec, "bias", np.zeros(rows, np.float32))  # noqa: B010


def _norm(spec: object) -> None:
    setattr(spec, "gamma", np.ones(SIZE, np.float32))  # noqa: B010
    setattr(spec, "beta", np.zeros(SIZE, np.float32))  # noqa: B010


def _encoder(spec: object) -> None:
    chance = np.random.default_rng(0)
    for name, channels in (("conv1", MELS), ("conv2", SIZE)):
        convolution = getattr(spec, name)
        convolution.weight = chance.normal(0, 0.02, (SIZE, channels, 3)).astype(np.float32)
        convolution.bias = np.zeros(SIZE, np.float32)
    spec.position_encodings.encodings = chance.normal(0, 0.02, (FRAMES, SIZE)).astype(np.float32)  # type: ignore[attr-defined]
    _norm(spec.layer_norm)  # type: ignore[attr-defined]
    _layer(spec.layer[0])  # type: ignore[attr-defined]


def _decoder(spec: object, projection: NDArray[np.float32]) -> None:
    places = np.zeros((POSITIONS, SIZE), np.float32)
    places[np.arange(SIZE), np.arange(SIZE)] = 1.0
    spec.embeddings.weight = np.zeros((len(projection), SIZE), np.float32)  # type: ignore[attr-defined]
    spec.position_encodings.encodings = places  # type: ignore[attr-defined]
    _norm(spec.layer_norm)  # type: ignore[attr-defined]
    spec.projection.weight = projection  # type: ignore[attr-defined]
    layer = spec.layer[0]  # type: ignore[attr-defined]
    _layer(layer)
    for linear, rows in zip(layer.attention.linear, (SIZE, 2 * SIZE, SIZE), strict=True):
        _linear(linear, rows, SIZE)
    _norm(layer.attention.layer_norm)


def _layer(layer: object) -> None:
    for linear, rows in zip(layer.self_attention.linear, (3 * SIZE, SIZE), strict=True):  # type: ignore[attr-defined]
        _linear(linear, rows, SIZE)
    _norm(layer.self_attention.layer_norm)  # type: ignore[attr-defined]
    _linear(layer.ffn.linear_0, 2 * SIZE, SIZE)  # type: ignore[attr-defined]
    _linear(layer.ffn.linear_1, SIZE, 2 * SIZE)  # type: ignore[attr-defined]
    _norm(layer.ffn.layer_norm)  # type: ignore[attr-defined]
