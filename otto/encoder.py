"""The sentence encoder: from a text to one vector for the whole, and one for each word piece.

    >>> encoder = Encoder.load()
    >>> encoder(["set a timer"])[0].sentence.shape
    (384,)

all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957; sentence-transformers), int8, run by CTranslate2 on one thread.
Its files lie in `otto/data/encoder` and are made by `scripts/convert_encoder.py`; each is checked against its sha256
before it is used, once for each change of its size or time.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from otto.errors import ModelFileError
from otto.files import write_atomic

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FOLDER = Path(__file__).parent / "data" / "encoder"
SIZE = 384
"""Numbers in a vector."""
MAX_PIECES = 200
"""Word pieces looked at; a command of 512 characters has about half as many. The model knows 512 places."""
BATCH_PIECES = 4096
SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One text as vectors."""

    sentence: NDArray[np.float32]
    """Shape (384,): the mean of all pieces, of length 1."""
    pieces: NDArray[np.float32]
    """Shape (n, 384): the last layer for each word piece, the marks of beginning and end among them."""
    offsets: tuple[tuple[int, int], ...]
    """Of each piece, from and to which character of the text; (0, 0) for the marks."""


Encode = Callable[[Sequence[str]], Sequence[Encoded]]
"""What makes vectors of texts: an `Encoder`, or what stands in for one."""


class Encoder:
    """A loaded encoder. Thread-safe; one text takes a millisecond or two."""

    def __init__(self, model: Any, tokenizer: Tokenizer, version: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.version = version
        """16 hex digits that name these weights, for caches."""

    @classmethod
    def load(cls, cache: Path | None = None, folder: Path | None = None, threads: int = 1) -> Self:
        """Loads the encoder in `folder` (else `$OTTO_ENCODER`, else the one that came with Otto).

        `cache`: folder in which it is remembered that the files are whole. Raises `ModelFileError`.
        """
        where = folder or Path(os.environ.get("OTTO_ENCODER") or FOLDER)
        sums = verified(where, cache)
        import ctranslate2
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(where / "tokenizer.json"))
        try:
            model = ctranslate2.Encoder(
                str(where), device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
            )
        except RuntimeError as error:
            raise ModelFileError(f"The sentence encoder in {where} cannot be loaded: {error}") from error
        return cls(model, tokenizer, hashlib.sha256(sums.encode()).hexdigest()[:16])

    def __call__(self, texts: Sequence[str]) -> list[Encoded]:
        """The texts as vectors, in their order. Any text is fine, also an empty one."""
        tokenized = [self._tokenizer.encode(text) for text in texts]
        # Texts of similar length go together, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lambda each: len(tokenized[each].ids))
        encoded: list[Encoded | None] = [None] * len(texts)
        for batch in _batches(order, [min(len(each.ids), MAX_PIECES) for each in tokenized]):
            output = self._model.forward_batch([tokenized[each].ids[:MAX_PIECES] for each in batch])
            hidden = np.array(output.last_hidden_state)
            for row, each in enumerate(batch):
                offsets = tuple(tokenized[each].offsets[:MAX_PIECES])
                pieces = hidden[row, : len(offsets)].astype(np.float32, copy=True)
                mean = pieces.mean(0)
                encoded[each] = Encoded(mean / max(float(np.linalg.norm(mean)), 1e-9), pieces, offsets)
        return [each for each in encoded if each is not None]


@functools.lru_cache(maxsize=1)
def shared(cache: Path | None = None) -> Encoder:
    """The encoder of this process, loaded when first asked for. Raises `ModelFileError`."""
    return Encoder.load(cache)


def verified(folder: Path, cache: Path | None) -> str:
    """The content of `SHA256SUMS`, if every file is what it says. Raises `ModelFileError` naming the file."""
    try:
        sums = (folder / SUMS).read_text(encoding="utf-8")
        named = [(folder / name, digest) for digest, name in (line.split() for line in sums.splitlines())]
        state = json.dumps([sums, *((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path, _ in named)])
        remembered = cache / "encoder.json" if cache else None
        if remembered and _content(remembered) == state:
            return sums
        for path, digest in named:
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                raise ModelFileError(f"The sentence encoder is damaged: {path} is not what it should be. {_REMEDY}")
    except (OSError, ValueError) as error:
        path = getattr(error, "filename", None) or folder / SUMS
        reason = getattr(error, "strerror", None) or "unreadable"
        raise ModelFileError(f"The sentence encoder is not whole: {path}: {reason}. {_REMEDY}") from error
    if remembered:
        _remember(remembered, state)
    return sums


_REMEDY = "Install Otto again: pip install --force-reinstall --no-deps otto-assistant"


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _remember(path: Path, state: str) -> None:
    """A cache that cannot be written only costs time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, state)
    except OSError:
        return


def _batches(order: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Runs of `order` (short to long) that hold at most `BATCH_PIECES` pieces when padded."""
    batches: list[list[int]] = []
    for each in order:
        if not batches or (len(batches[-1]) + 1) * max(lengths[each], 1) > BATCH_PIECES:
            batches.append([])
        batches[-1].append(each)
    return batches
