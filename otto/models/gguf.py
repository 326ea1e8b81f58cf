"""What a GGUF file says of itself, read with distrust: nothing in it is believed before it is checked.

    >>> header = read(Path("otto-tiny.gguf"))
    >>> header.architecture, header.parameters, header.metadata["general.name"]
    ('llama', 2490624, 'otto-tiny')

llama.cpp is written in C++ and has had its share of files that end it, or worse (GHSA-8wwf-w4qm-gpqr, llama.cpp's pull
requests 19856, 25821, 25969). What is refused here it never sees: sizes that overflow, lists longer than the file,
tensors that lie outside of it or over each other, tables that do not fit together. The format is described in
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3 and the like version 2.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otto.errors import OttoError

MAX_ENTRIES = 65_536
"""Of metadata, and of tensors; the largest models have some 2,000."""
MAX_ELEMENTS = 16_000_000
"""In one list of metadata: vocabularies have some 300,000 words."""
MAX_TEXT = 16_000_000
"""Bytes in one text."""
MAX_NAME = 64
"""Bytes in a tensor's name, its end included."""
MAX_DIMENSIONS = 4
MAX_LAYERS = 512
MAX_ALIGNMENT = 1 << 20

Value = int | float | bool | str | Sequence[str] | None
"""Of metadata. Lists of texts are kept, and the tokens' types as texts; of other lists only None."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_UINT32, _INT32, _BOOLEAN, _TEXT, _LIST = 4, 5, 7, 8, 9
_KINDS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip
"""Weights in a block, and its bytes, by the number of the kind."""
_KEY = re.compile(r"[!-~]{1,256}")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_TOKENS, _TOKEN_TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_OF_A_BYTE = "6"
_MARKS = (
    ("chatml", "<|im_start|>"), ("llama-3", "<|start_header_id|>"), ("gemma", "<start_of_turn>"),
    ("llama-2", "<<SYS>>"), ("mistral", "[INST]"),
)  # fmt: skip
_CUT = "it ends in the middle of its header"
_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")


@dataclass(frozen=True)
class Header:
    """What was found."""

    version: int
    metadata: Mapping[str, Value]
    tensors: int
    parameters: int
    """Weights in all tensors."""
    size: int
    """Bytes of the file."""

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", ""))

    @property
    def context(self) -> int:
        """Tokens that the model was trained to see at once; 0 where the file does not say."""
        found = self.metadata.get(f"{self.architecture}.context_length", 0)
        return found if isinstance(found, int) else 0

    @property
    def format(self) -> str:
        """The prompt format whose marks are in the file's chat template, which is looked at and never rendered; empty
        where there are none."""
        template = str(self.metadata.get("tokenizer.chat_template", ""))
        return next((name for name, mark in _MARKS if mark in template), "")


def read(path: Path) -> Header:
    """The header of a GGUF file. Raises `MalformedError`, and `OSError` where the file cannot be opened."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise MalformedError("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).header()


class MalformedError(OttoError):
    """What is wrong with the bytes; `otto.models.verify` adds where, and what to do."""


class _Reader:
    """One pass over the header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._size = len(data)
        self._at = 0
        self._types: dict[str, int] = {}
        self._lengths: dict[str, int] = {}

    def header(self) -> Header:
        magic = self._take(4)
        if magic != b"GGUF":
            raise MalformedError(f"it begins with {magic!r}")
        version = self._number("I")
        if version not in (2, 3):
            other = version & 0xFFFF == 0
            raise MalformedError(f"version {version}" + (" (of a computer with the other byte order)" if other else ""))
        tensors, entries = self._number("q"), self._number("q")
        for what, count in (("tensors", tensors), ("entries of metadata", entries)):
            if not 0 <= count <= MAX_ENTRIES:
                raise MalformedError(f"it claims to have {count:,} {what}")
        metadata: dict[str, Value] = {}
        for _ in range(entries):
            key = self._key(metadata)
            metadata[key] = self._value(key)
        self._check(metadata)
        parameters = self._check_tensors(tensors, metadata)
        return Header(version, metadata, tensors, parameters, self._size)

    def _key(self, known: Mapping[str, Value]) -> str:
        key = self._text()
        if not _KEY.fullmatch(key):
            raise MalformedError(f"an entry of metadata is called {_short(key)}")
        if key in known:
            raise MalformedError(f"{_short(key)} is there twice")
        return key

    def _value(self, key: str) -> Value:
        kind = self._types[key] = self._number("I")
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            return self._scalar(kind)
        kind, count = self._number("I"), self._number("Q")
        if kind != _TEXT and kind not in _SCALARS:
            raise MalformedError(f"{_short(key)} is a list of the unknown type {kind}")
        if count > MAX_ELEMENTS:
            raise MalformedError(f"{_short(key)} claims to have {count:,} elements")
        self._lengths[key] = count
        if kind == _TEXT:
            return self._texts(count)
        content = self._take(count * struct.calcsize(_SCALARS[kind]))
        if key == _TOKEN_TYPES and kind == _INT32:
            return [str(each) for (each,) in struct.iter_unpack("<i", content)]
        return None

    def _texts(self, count: int) -> list[str]:
        """A list of texts: written out, for vocabularies are long."""
        data, at, size, read = self._data, self._at, self._size, struct.Struct("<Q").unpack_from
        found = []
        for _ in range(count):
            if at + 8 > size:
                raise MalformedError(_CUT)
            (length,) = read(data, at)
            at += 8
            if at + length > size:
                raise MalformedError(_CUT)
            found.append(data[at : at + length].decode("utf-8", errors="replace"))
            at += length
        self._at = at
        return found

    def _scalar(self, kind: int) -> int | float | bool:
        if kind not in _SCALARS:
            raise MalformedError(f"an entry of metadata has the unknown type {kind}")
        if kind == _BOOLEAN:
            return bool(self._number("B"))
        found: int | float | bool = struct.unpack("<" + _SCALARS[kind], self._take(struct.calcsize(_SCALARS[kind])))[0]
        return found

    def _check(self, metadata: Mapping[str, Value]) -> None:
        """Whether what llama.cpp relies on is there and fits together."""
        if not _ARCHITECTURE.fullmatch(str(architecture := metadata.get("general.architecture", ""))):
            raise MalformedError(f"its architecture is {_short(str(architecture))}")
        alignment = metadata.get("general.alignment", 32)
        if self._types.get("general.alignment", _UINT32) != _UINT32 or not isinstance(alignment, int):
            raise MalformedError("its alignment is no whole number")
        if not 1 <= alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
            raise MalformedError(f"its alignment is {alignment}")
        layers = metadata.get(f"{architecture}.block_count", 1)
        if not isinstance(layers, int) or not 1 <= layers <= MAX_LAYERS:
            raise MalformedError(f"it claims to have {layers} layers")
        tokens = metadata.get(_TOKENS, [])
        if not isinstance(tokens, list):
            raise MalformedError("its vocabulary is no list of texts")
        for name in (_TOKEN_TYPES, "tokenizer.ggml.scores"):
            if name in metadata and self._lengths.get(name) != len(tokens):
                raise MalformedError(f"{_short(name)} is not as long as the vocabulary")
        types = metadata.get(_TOKEN_TYPES)
        for token, kind in zip(tokens, types if isinstance(types, list) else (), strict=False):
            if kind == _OF_A_BYTE and not _BYTE.fullmatch(token):
                raise MalformedError(f"its vocabulary has {_short(token)} for a byte")

    def _check_tensors(self, count: int, metadata: Mapping[str, Value]) -> int:
        """Whether all tensors lie in the file, one behind the other. Returns how many weights they have."""
        alignment = metadata.get("general.alignment", 32)
        assert isinstance(alignment, int)
        names: set[str] = set()
        end = parameters = needed = 0
        for _ in range(count):
            name = self._text()
            if len(name.encode()) >= MAX_NAME or name in names:
                raise MalformedError(f"the tensor {_short(name)} is there twice or has a name that is too long")
            names.add(name)
            weights, size = self._extent(name)
            offset = self._number("Q")
            if offset != end:
                raise MalformedError(f"the tensor {_short(name)} lies at {offset:,} where {end:,} is expected")
            parameters += weights
            needed = offset + size
            end = _padded(needed, alignment)
        needed += _padded(self._at, alignment)
        if count and needed > self._size:
            raise MalformedError(f"it has {self._size:,} bytes where its tensors take {needed:,}; it is cut off")
        return parameters

    def _extent(self, name: str) -> tuple[int, int]:
        """Weights and bytes of a tensor."""
        dimensions = self._number("I")
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise MalformedError(f"the tensor {_short(name)} has {dimensions} dimensions")
        shape = [self._number("q") for _ in range(dimensions)]
        weights = 1
        for each in shape:
            weights *= each
            if each < 1 or weights >= 1 << 62:
                raise MalformedError(f"the tensor {_short(name)} has the impossible shape {shape}")
        kind = self._number("I")
        if kind not in _KINDS:
            raise MalformedError(f"the tensor {_short(name)} is of the unknown kind {kind}")
        block, size = _KINDS[kind]
        if shape[0] % block:
            raise MalformedError(f"the rows of the tensor {_short(name)} are no whole blocks of {block}")
        return weights, weights // block * size

    def _text(self) -> str:
        size = self._number("Q")
        if size > MAX_TEXT:
            raise MalformedError(f"a text claims to have {size:,} bytes")
        return self._take(size).decode("utf-8", errors="replace")

    def _number(self, form: str) -> int:
        found: int = struct.unpack("<" + form, self._take(struct.calcsize("<" + form)))[0]
        return found

    def _take(self, size: int) -> bytes:
        if self._at + size > self._size:
            raise MalformedError(_CUT)
        self._at += size
        return self._data[self._at - size : self._at]


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:39]}…")
