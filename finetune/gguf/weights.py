"""Reads a model's or adapter's weights, one tensor at a time, from safetensors files and nothing else.

A folder holds `model.safetensors`, or several files and `model.safetensors.index.json`; an adapter holds
`adapter_model.safetensors`. Pickled weights (`*.bin`, `*.pt`) can run code when they are read and are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otto.errors import ModelFileError

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def weight_files(folder: Path, stem: str = "model") -> list[Path]:
    """The safetensors files of a folder. Raises `ModelFileError` where there are none, or pickled ones instead."""
    found = sorted(folder.glob(f"{stem}*.safetensors"))
    if found:
        return found
    pickled = [file.name for file in sorted(folder.iterdir()) if file.suffix in PICKLED] if folder.is_dir() else []
    if pickled:
        raise ModelFileError(
            f"{folder / pickled[0]}: weights in this form can run code when they are read; "
            "save them as safetensors (model.save_pretrained does) and try again"
        )
    raise ModelFileError(f"{folder}: no {stem}*.safetensors there; give the folder that training or merging wrote")


class Weights:
    """The tensors of a folder by name. Use as a context manager."""

    def __init__(self, folder: Path, stem: str = "model") -> None:
        """Raises `ModelFileError` where a file is missing, damaged or pickled."""
        from safetensors import SafetensorError, safe_open

        opened: Any
        self._place: dict[str, Any] = {}
        for file in weight_files(folder, stem):
            try:
                opened = safe_open(file, framework="pt")
            except (SafetensorError, OSError) as error:
                raise ModelFileError(f"{file}: not a whole safetensors file ({error}); save the model again") from error
            self._place |= dict.fromkeys(opened.keys(), opened)

    def __enter__(self) -> Weights:
        return self

    def __exit__(self, *exception: object) -> None:
        self._place.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._place))

    def __contains__(self, name: str) -> bool:
        return name in self._place

    def shape(self, name: str) -> tuple[int, ...]:
        """Without reading the values."""
        return tuple(self._place[name].get_slice(name).get_shape())

    def read(self, name: str) -> Any:
        """The tensor as a numpy array of float32, whatever it is stored as."""
        return self._place[name].get_tensor(name).float().numpy()
