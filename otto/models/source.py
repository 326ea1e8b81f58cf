"""What a model's name stands for: which files, from where, under which licence.

    >>> source("qwen2.5-0.5b")                                        the catalogue, otto/data/models.json
    >>> source("owner/repository/model-Q4_K_M.gguf")                  a file on the Hugging Face hub
    >>> source("owner/repository")                                    the hub chooses: its only or usual file
    >>> source("https://example.org/model.gguf", sha256="9f8e…")

The hub tells size, hash and licence of each file; `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they usually
do. Of a plain address nothing is known but what `sha256` says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from otto.errors import ModelFileError
from otto.models.card import Kind
from otto.models.download import Remote

CATALOGUE = Path(__file__).parent.parent / "data" / "models.json"
WHISPER = (
    "config.json",
    "preprocessor_config.json",
    "model.bin",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
)
USUAL = "q4_k_m"
"""In the name of the file that is taken of several."""
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
_HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Source:
    """A model that can be pulled."""

    name: str
    """What it is called here."""
    kind: Kind
    files: tuple[Remote, ...]
    asked: str
    """What it was asked for as: pulls it again."""
    licence: str = ""
    format: str = ""
    """Framing of prompts, where it is known."""


@dataclass(frozen=True, slots=True)
class Recommended:
    """An entry of the catalogue."""

    name: str
    kind: Kind
    repository: str
    files: tuple[str, ...]
    licence: str
    purpose: str
    format: str = ""


def catalogue() -> dict[str, Recommended]:
    """The models that Otto recommends, by name."""
    content = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {
        name: Recommended(
            name, entry["kind"], entry["repository"], tuple(entry.get("files", ())), entry["licence"], entry["for"],
            entry.get("format", ""),
        )
        for name, entry in content.items()
    }  # fmt: skip


def source(asked: str, *, sha256: str = "") -> Source:
    """What to pull. Raises `ModelFileError` for a name that is none, or when the hub cannot be asked."""
    known = catalogue()
    if "://" in asked:
        return _from_address(asked, sha256)
    if entry := known.get(asked):
        found = _from_hub(entry.repository, entry.files, asked, asked)
        return Source(asked, entry.kind, found.files, asked, entry.licence, entry.format)
    owner, _, rest = asked.partition("/")
    repository, _, file = rest.partition("/")
    if not owner or not repository or asked.startswith((".", "/", "~")):
        raise ModelFileError(
            f"there is no model {asked!r}: neither a name of the catalogue ({', '.join(known)}), nor owner/repository "
            "on the hub, nor an https address"
        )
    return _from_hub(f"{owner}/{repository}", (file,) if file else (), asked, "")


def _from_address(url: str, sha256: str) -> Source:
    file = unquote(PurePosixPath(urlsplit(url).path).name)
    if not file.lower().endswith((".gguf", ".onnx")) or file.startswith(".") or "/" in file or "\\" in file:
        raise ModelFileError(f"{url}: the address of a model ends in .gguf or .onnx")
    if file.lower().endswith(".onnx"):
        remotes = (Remote(url, file, sha256), Remote(f"{url}.json", f"{file}.json"))
        return Source(file[: -len(".onnx")], "piper", remotes, url)
    return Source(file[: -len(".gguf")], "gguf", (Remote(url, file, sha256),), url)


def _from_hub(repository: str, files: Sequence[str], asked: str, name: str) -> Source:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise ModelFileError(f"{asked}: HF_HUB_OFFLINE is set; unset it to get models from the hub")
    info = _asked_hub(repository, asked)
    there = {str(each["rfilename"]): each for each in info.get("siblings") or ()}
    wanted, kind = (list(files), _kind(files)) if files else _chosen(repository, list(there))
    if missing := [file for file in wanted if file not in there]:
        raise ModelFileError(f"{asked}: {repository} has no {missing[0]}; it has: {_listed(list(there))}")
    if (own_card := f"{wanted[0]}.card.json") in there:
        wanted.append(own_card)
    remotes = tuple(_remote(repository, str(info.get("sha") or "main"), there[file]) for file in wanted)
    licence = str((info.get("cardData") or {}).get("license") or "")
    main = PurePosixPath(wanted[0]).name
    own = name or (PurePosixPath(repository).name if kind == "whisper" else main.rpartition(".")[0])
    return Source(own, kind, remotes, asked, licence)


def _asked_hub(repository: str, asked: str) -> Mapping[str, Any]:
    """What the hub knows of a repository, its files with their sizes and hashes among it."""
    import httpx

    from otto.network.connection import certificates

    if not _REPOSITORY.fullmatch(repository):
        raise ModelFileError(f"{asked}: {repository} is no name on the hub")
    url = f"{_endpoint()}/api/models/{repository}"
    try:
        answer = httpx.get(
            url,
            params={"blobs": "true"},
            headers=dict(_token()),
            timeout=20,
            follow_redirects=True,
            verify=certificates(),
        )
    except httpx.HTTPError as error:
        raise ModelFileError(f"{asked}: {urlsplit(url).hostname} cannot be reached ({type(error).__name__})") from error
    if answer.status_code in (401, 403, 404):
        raise ModelFileError(
            f"{asked}: the hub has no {repository}, or shows it only to some; accept its terms there and set HF_TOKEN, "
            "or see: otto models list --available"
        )
    try:
        content = answer.raise_for_status().json()
    except (httpx.HTTPStatusError, ValueError) as error:
        raise ModelFileError(f"{asked}: the hub answered with error {answer.status_code}; try again later") from error
    return content if isinstance(content, dict) else {}


def _chosen(repository: str, there: Sequence[str]) -> tuple[list[str], Kind]:
    """What is meant by a whole repository."""
    if "model.bin" in there and any(file.startswith("vocabulary.") for file in there):
        return [file for file in WHISPER if file in there], "whisper"
    weights = [file for file in there if file.lower().endswith(".gguf") and not _PART.search(file)]
    usual = [file for file in weights if USUAL in file.lower()]
    for choice in (weights, usual):
        if len(choice) == 1:
            return choice, "gguf"
    raise ModelFileError(
        f"{repository}: which of its files? Ask for one: otto models pull {repository}/{(weights or ['FILE'])[0]}; "
        f"it has: {_listed(weights or there)}"
    )


def _kind(files: Sequence[str]) -> Kind:
    if _PART.search(files[0]):
        raise ModelFileError(
            f"{files[0]}: a model in several files, which Otto does not pull; take one in a single file"
        )
    if files[0].endswith(".gguf"):
        return "gguf"
    if files[0].endswith(".onnx"):
        return "piper"
    raise ModelFileError(f"{files[0]}: a model file ends in .gguf or .onnx")


def _remote(repository: str, revision: str, file: Mapping[str, Any]) -> Remote:
    path, large = str(file["rfilename"]), file.get("lfs") or {}
    return Remote(
        f"{_endpoint()}/{repository}/resolve/{revision}/{quote(path)}",
        PurePosixPath(path).name,
        sha256=str(large.get("sha256") or ""),
        git="" if large else str(file.get("blobId") or ""),
        size=int(large.get("size") or file.get("size") or 0),
        headers=_token(),
    )


def _token() -> tuple[tuple[str, str], ...]:
    token = os.environ.get("HF_TOKEN", "")
    return (("authorization", f"Bearer {token}"),) if token else ()


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or _HUB


def _listed(files: Sequence[str]) -> str:
    return ", ".join(files[:10]) + (f" and {len(files) - 10} more" if len(files) > 10 else "")
