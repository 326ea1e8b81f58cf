"""Writes a GGUF file: metadata first, then tensor by tensor, so that memory holds one of them at a time.

The file appears under its name only when it is whole and on the disk; until then it is `.<name>.part`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otto.errors import ConfigError, ModelFileError
from otto.progress import Progress

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFWriter

INSTALL = "pip install 'otto-assistant[finetune]'"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the file to be, read only when its turn comes."""

    name: str
    shape: tuple[int, ...]
    type: GGMLQuantizationType
    read: Callable[[], Any]
    """Gives a float32 array of `shape`."""


def new_writer(architecture: str) -> GGUFWriter:
    """A writer that gathers metadata; `write_whole` gives it its file."""
    try:
        from gguf import GGUFWriter
    except ImportError as error:
        raise ConfigError(f"writing GGUF needs the package gguf: {INSTALL}") from error
    return GGUFWriter(None, architecture)


def write_whole(to: Path, writer: GGUFWriter, tensors: Iterable[Tensor], progress: Progress | None = None) -> None:
    """Puts metadata and tensors at `to`, all or nothing. Raises `ModelFileError` where the disk refuses."""
    from gguf import quants

    kept = list(tensors)
    for tensor in kept:
        raw = quants.quant_shape_to_byte_shape(tensor.shape, tensor.type)
        size = 1
        for length in raw:
            size *= length
        writer.add_tensor_info(tensor.name, tensor.shape, _float32(), size, raw_dtype=tensor.type)
    partial = to.with_name(f".{to.name}.part")
    try:
        writer.write_header_to_file(partial)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for number, tensor in enumerate(kept):
            if progress is not None:
                progress(f"writing {to.name}", number / len(kept))
            writer.write_tensor_data(quants.quantize(tensor.read(), tensor.type))
        writer.flush()
        writer.close()
        _sync(partial)
        os.replace(partial, to)
    except OSError as error:
        raise ModelFileError(f"{to}: cannot be written: {error.strerror}; make room or name another file") from error
    finally:
        partial.unlink(missing_ok=True)


def _float32() -> Any:
    import numpy as np

    return np.dtype(np.float32)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
