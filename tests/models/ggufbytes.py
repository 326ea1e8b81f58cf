"""GGUF files written byte by byte, so that each field can be wrong: for tests of what reads them with distrust."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 5, 6, 7, 8, 9, 10
F32, F16, Q4_0 = 0, 1, 2
_FORMS = {0: "B", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q"}


@dataclass(frozen=True)
class Tensor:
    name: str = "token_embd.weight"
    shape: tuple[int, ...] = (8, 4)
    kind: int = F32
    offset: int | None = None
    """None: behind the one before."""
    dimensions: int | None = None


@dataclass(frozen=True)
class Made:
    """A GGUF file in the making; `bytes(made)` writes it."""

    entries: tuple[tuple[str, int, Any], ...] = (
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "made by hand"),
        ("llama.block_count", UINT32, 1),
        ("llama.context_length", UINT32, 128),
        ("general.file_type", UINT32, 0),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, ["<s>", "</s>", "<0x0A>", "a"])),
        ("tokenizer.ggml.scores", ARRAY, (FLOAT32, [0.0, 0.0, 0.0, 0.0])),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, [3, 3, 6, 1])),
    )
    tensors: tuple[Tensor, ...] = (Tensor(), Tensor("output_norm.weight", (8,)), Tensor("output.weight", (8, 4), F16))
    magic: bytes = b"GGUF"
    version: int = 3
    tensor_count: int | None = None
    entry_count: int | None = None
    alignment: int = 32
    data: int | None = None
    """Bytes behind the header; None: as many as the tensors need."""

    def with_entry(self, key: str, kind: int, value: Any) -> Made:
        kept = tuple(entry for entry in self.entries if entry[0] != key)
        return replace(self, entries=(*kept, (key, kind, value)))

    def without(self, key: str) -> Made:
        return replace(self, entries=tuple(entry for entry in self.entries if entry[0] != key))

    def with_tensor(self, **changes: Any) -> Made:
        return replace(self, tensors=(replace(self.tensors[0], **changes), *self.tensors[1:]))

    def header(self) -> bytes:
        parts = [
            self.magic,
            struct.pack("<I", self.version),
            struct.pack("<q", len(self.tensors) if self.tensor_count is None else self.tensor_count),
            struct.pack("<q", len(self.entries) if self.entry_count is None else self.entry_count),
        ]
        parts += [_text(key) + struct.pack("<I", kind) + _value(kind, value) for key, kind, value in self.entries]
        end = 0
        for tensor in self.tensors:
            offset = end if tensor.offset is None else tensor.offset
            parts.append(_tensor(tensor, offset))
            end = -(-(offset + _size(tensor)) // self.alignment) * self.alignment
        return b"".join(parts)

    def __bytes__(self) -> bytes:
        header = self.header()
        start = -(-len(header) // self.alignment) * self.alignment
        needed = sum(-(-_size(tensor) // self.alignment) * self.alignment for tensor in self.tensors)
        return header.ljust(start, b"\0") + bytes(needed if self.data is None else self.data)


def _tensor(tensor: Tensor, offset: int) -> bytes:
    dimensions = len(tensor.shape) if tensor.dimensions is None else tensor.dimensions
    shape = b"".join(struct.pack("<q", each) for each in tensor.shape)
    return _text(tensor.name) + struct.pack("<I", dimensions) + shape + struct.pack("<IQ", tensor.kind, offset)


def _size(tensor: Tensor) -> int:
    weights = 1
    for each in tensor.shape:
        weights *= max(each, 0)
    return min(weights, 1 << 20) * {F32: 4, F16: 2}.get(tensor.kind, 1)


def _text(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value: Any) -> bytes:
    if isinstance(value, Raw):
        return value.data
    if kind == STRING:
        return _text(value)
    if kind == ARRAY:
        of, items = value
        return struct.pack("<IQ", of, len(items)) + b"".join(_value(of, item) for item in items)
    return struct.pack(f"<{_FORMS[kind]}", value) if kind in _FORMS else bytes(value)


@dataclass(frozen=True)
class Raw:
    """Bytes in place of a value."""

    data: bytes


def array_claiming(of: int, count: int, content: bytes = b"") -> Raw:
    """A list that says it is longer than it is."""
    return Raw(struct.pack("<IQ", of, count) + content)


def text_claiming(length: int, content: bytes = b"abc") -> Raw:
    return Raw(struct.pack("<Q", length) + content)


def malformed() -> dict[str, bytes]:
    """Files that are wrong in one way each, by what is wrong: the kinds that llama.cpp's own test has, and the ones
    of its advisories."""
    good = Made()
    huge = (1 << 64) - 1
    made: dict[str, Made | bytes] = {
        "another file": b"PK\x03\x04" + bytes(200),
        "only the magic": b"GGUF",
        "magic in the other byte order": replace(good, magic=b"FUGG"),
        "version 0": replace(good, version=0),
        "version 1": replace(good, version=1),
        "version of the future": replace(good, version=99),
        "version in the other byte order": replace(good, version=3 << 24),
        "negative number of tensors": replace(good, tensor_count=-1),
        "more tensors than there are": replace(good, tensor_count=60_000),
        "absurdly many tensors": replace(good, tensor_count=1 << 62),
        "negative number of entries": replace(good, entry_count=-5),
        "absurdly many entries": replace(good, entry_count=1 << 61),
        "more entries than there are": replace(good, entry_count=60_000),
        "no entries": replace(good, entry_count=0),
        "key without a name": good.with_entry("", UINT32, 1),
        "the same key twice": replace(good, entries=(*good.entries, good.entries[0])),
        "key with control characters": good.with_entry("a\nb", UINT32, 1),
        "entry of an unknown type": good.with_entry("x", 13, b"\0\0\0\0"),
        "list of an unknown type": good.with_entry("x", ARRAY, array_claiming(77, 1)),
        "list of lists": good.with_entry("x", ARRAY, array_claiming(ARRAY, 1, bytes(16))),
        "list longer than the file": good.with_entry("x", ARRAY, array_claiming(UINT32, 1 << 20)),
        "list whose size overflows": good.with_entry("x", ARRAY, array_claiming(UINT64, (1 << 61) + 1)),
        "list of endlessly many texts": good.with_entry("x", ARRAY, array_claiming(STRING, huge)),
        "text longer than the file": good.with_entry("x", STRING, text_claiming(1 << 20)),
        "text whose size overflows": good.with_entry("x", STRING, text_claiming(huge)),
        "alignment of zero": good.with_entry("general.alignment", UINT32, 0),
        "alignment that is no power of two": good.with_entry("general.alignment", UINT32, 33),
        "alignment of another type": good.with_entry("general.alignment", INT32, 32),
        "alignment beyond all bounds": good.with_entry("general.alignment", UINT32, 1 << 31),
        "no architecture": good.without("general.architecture"),
        "architecture that is a path": good.with_entry("general.architecture", STRING, "../../llama"),
        "far too many layers": good.with_entry("llama.block_count", UINT32, 100_000),
        "layers that are no number": good.with_entry("llama.block_count", STRING, "two"),
        "vocabulary that is no list": good.with_entry("tokenizer.ggml.tokens", UINT32, 4),
        "more words than scores": good.with_entry("tokenizer.ggml.scores", ARRAY, (FLOAT32, [0.0])),
        "more words than types": good.with_entry("tokenizer.ggml.token_type", ARRAY, (INT32, [1])),
        "byte token that is no byte": good.with_entry(
            "tokenizer.ggml.tokens", ARRAY, (STRING, ["<s>", "</s>", "<0x-1>", "a"])
        ),
        "tensor with an endless name": good.with_tensor(name="n" * 64),
        "two tensors of one name": good.with_tensor(name="output.weight"),
        "tensor without dimensions": good.with_tensor(dimensions=0, shape=()),
        "tensor with five dimensions": good.with_tensor(shape=(1, 1, 1, 1, 32)),
        "tensor with endless dimensions": good.with_tensor(dimensions=0xFFFFFFFF),
        "tensor of nothing": good.with_tensor(shape=(8, 0)),
        "tensor of less than nothing": good.with_tensor(shape=(8, -4)),
        "tensor whose size overflows": good.with_tensor(shape=(1 << 32, 1 << 32)),
        "tensor of nearly all numbers": good.with_tensor(shape=(1 << 40, 1 << 20)),
        "tensor of an unknown kind": good.with_tensor(kind=250),
        "tensor of a kind that was removed": good.with_tensor(kind=4),
        "rows that are no whole blocks": good.with_tensor(kind=Q4_0),
        "tensor over another": good.with_tensor(offset=64),
        "tensor outside of the file": good.with_tensor(offset=1 << 40),
        "tensor at an odd place": good.with_tensor(offset=3),
        "no data": replace(good, data=0),
        "data that is cut off": bytes(good)[:-40],
        "header that is cut off": good.header()[:-20],
        "first half": bytes(good)[: len(good.header()) // 2],
    }
    return {what: each if isinstance(each, bytes) else bytes(each) for what, each in made.items()}


def flips(data: bytes, positions: Sequence[tuple[int, int]]) -> list[bytes]:
    """`data` with one bit mask laid over one byte each: (position, mask)."""
    return [data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :] for at, mask in positions]
