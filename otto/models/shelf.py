"""The models on this machine: those that came with Otto, those that `otto models pull` got, those in the hub's cache.

    >>> [model.name for model in shelved(settings)]
    ['otto-tiny', 'qwen2.5-0.5b', 'Systran/faster-whisper-base.en']
    >>> find("qwen2.5-0.5b", settings)
    PosixPath('…/otto/models/qwen2.5-0.5b.gguf')

Each lies under `models_folder` with its card beside it: a GGUF model as `name.gguf`, a Piper voice as `name.onnx`, a
Whisper model as a folder. What is being pulled lies in `.part/` there until it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from otto.config import Settings
from otto.errors import ModelFileError
from otto.lock import FileLock
from otto.models import card as cards
from otto.models import gguf
from otto.models.card import SHIPPED, Card, Kind
from otto.models.download import download
from otto.models.source import Source
from otto.progress import Progress
from otto.prompt import router_prompt

Where = Literal["otto", "models folder", "hub cache"]

_PARTS = ".part"
_KINDS: dict[str, Kind] = {".gguf": "gguf", ".onnx": "piper"}


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model on this machine."""

    name: str
    kind: Kind
    path: Path
    size: int
    """Bytes of its weights."""
    where: Where
    card: Card | None = None
    problem: str = ""
    """What is wrong with its card."""


def shelved(settings: Settings) -> list[Shelved]:
    """All models that are found, those of Otto first."""
    found = [*_in_folder(SHIPPED / "tiny", "otto"), *_in_folder(settings.models_folder, "models folder"), *_in_cache()]
    return [model for model in found if model.size]


def find(name: str, settings: Settings) -> Path:
    """Where a model lies: `name` is a path, a name as in `shelved`, what it was pulled as, or a file of the hub
    (`owner/repository/file.gguf`) that is in its cache. Raises `ModelFileError` with how to get it."""
    path = Path(name).expanduser()
    if path.exists() or path.is_absolute():
        return path
    return _cached(name) or named(name, settings).path


def named(name: str, settings: Settings) -> Shelved:
    """The model of that name. Raises `ModelFileError` with how to get it."""
    models = shelved(settings)
    for model in models:
        if name in (model.name, model.path.name, model.card.source if model.card else model.name):
            return model
    known = ", ".join(model.name for model in models) or "none"
    raise ModelFileError(
        f"{settings.models_folder / name}: there is no such model; get it with: otto models pull {name} (here: {known})"
    )


def pull(source: Source, settings: Settings, progress: Progress = lambda what, share: None) -> Path:
    """Gets a model and puts it on the shelf, with its card; returns where. Replaces one of the same name.

    Raises `ModelFileError`; what has come by then is kept, and used by the next try.
    """
    folder = settings.models_folder
    target = _target(source, folder)
    staging = folder / _PARTS / target.name
    staging.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _PARTS / f"{target.name}.lock", wait=1):
        hashes = {}
        for remote in source.files:
            whole = staging / remote.name
            if not (whole.exists() and cards.digest(whole) == remote.sha256):
                download(remote, whole, progress)
            hashes[remote.name] = cards.digest(whole)
        if source.kind == "gguf":
            _refuse_malformed(staging / source.files[0].name, source)
        _put(source, staging, target, hashes, settings.router_format)
    return target


def remove(model: Shelved) -> None:
    """Takes a pulled model off the disk, its card with it. Raises `ModelFileError` for one that is not Otto's to
    remove."""
    if model.where == "otto":
        raise ModelFileError(f"{model.path}: this model came with Otto and goes with it")
    if model.where == "hub cache":
        raise ModelFileError(
            f"{model.name}: it lies in the hub's cache; remove it with: hf cache rm model/{model.name}"
        )
    if model.path.is_dir():
        shutil.rmtree(model.path)
        return
    # The card last: weights without one would count as a model that nothing is known of.
    for path in (model.path, model.path.with_name(f"{model.path.name}.json"), cards.place(model.path)):
        path.unlink(missing_ok=True)


def _target(source: Source, folder: Path) -> Path:
    ending = {"gguf": ".gguf", "piper": ".onnx"}.get(source.kind, "")
    return folder / f"{source.name.replace(os.sep, '--')}{ending}"


def _put(source: Source, staging: Path, target: Path, hashes: dict[str, str], usual_format: str) -> None:
    """Moves what is whole to its place. Weights come last: where they are, all that belongs to them is."""
    if source.kind == "whisper":
        cards.write(staging, _card_of(source, hashes, sum((staging / name).stat().st_size for name in hashes)))
        if target.exists():
            shutil.rmtree(target)
        os.replace(staging, target)
        return
    weights = staging / source.files[0].name
    card = _card_of(source, {target.name: hashes[weights.name]}, weights.stat().st_size)
    if source.kind == "gguf":
        card = _taught(card, weights, source.format or gguf.read(weights).format or usual_format)
    for remote in source.files[1:]:
        if source.kind == "piper":
            os.replace(staging / remote.name, target.with_name(f"{target.name}.json"))
    target.unlink(missing_ok=True)  # an earlier one, which the new card would not fit
    cards.write(target, card)
    os.replace(weights, target)
    shutil.rmtree(staging)


def _card_of(source: Source, hashes: dict[str, str], size: int) -> Card:
    today = datetime.now(UTC).date().isoformat()
    return Card(
        name=source.name, kind=source.kind, licence=source.licence, size=size, sha256=hashes, source=source.asked,
        made=today,
    )  # fmt: skip


def _taught(card: Card, weights: Path, format_name: str) -> Card:
    """With how the model is asked: as the card that came along says, else in its family's framing."""
    if own := cards.read(weights):
        found = {"sha256": card.sha256, "size": card.size, "source": card.source, "name": card.name}
        return replace(own, licence=own.licence or card.licence, **found)  # type: ignore[arg-type]
    prompt = router_prompt(format_name)
    return replace(card, format=prompt.format.name, format_hash=prompt.format.hash, system=prompt.system)


def _refuse_malformed(file: Path, source: Source) -> None:
    try:
        gguf.read(file)
    except gguf.MalformedError as error:
        file.unlink()
        raise ModelFileError(
            f"{source.asked}: what came is not a usable GGUF file: {error}; it was thrown away"
        ) from error


def _in_folder(folder: Path, where: Where) -> Iterator[Shelved]:
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if kind := _kind(path):
            card, problem = _card(path)
            files = [path] if path.is_file() else [each for each in path.iterdir() if each.is_file()]
            size = sum(file.stat().st_size for file in files)
            yield Shelved(
                card.name if card else path.stem, card.kind if card else kind, path, size, where, card, problem
            )


def _kind(path: Path) -> Kind | None:
    if path.is_dir():
        return "whisper" if (path / "model.bin").is_file() else None
    return _KINDS.get(path.suffix)


def _card(path: Path) -> tuple[Card | None, str]:
    try:
        return cards.read(path), ""
    except ModelFileError as error:
        return None, str(error)


def _cached(name: str) -> Path | None:
    """A GGUF file that another program has got from the hub."""
    parts = name.split("/", 2)
    if len(parts) < 3 or not name.endswith(".gguf"):
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(f"{parts[0]}/{parts[1]}", parts[2])
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def _in_cache() -> Iterator[Shelved]:
    """Speech models that faster-whisper got on its own."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except (CacheNotFound, ValueError, OSError):
        return
    for repository in sorted(repositories, key=lambda each: each.repo_id):
        names = {file.file_name for revision in repository.revisions for file in revision.files}
        if repository.repo_type == "model" and "model.bin" in names and "config.json" in names:
            newest = max(repository.revisions, key=lambda each: each.last_modified)
            yield Shelved(repository.repo_id, "whisper", newest.snapshot_path, repository.size_on_disk, "hub cache")
