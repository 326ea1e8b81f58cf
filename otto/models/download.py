"""One file from a server to this machine, whole or not at all.

    >>> download(Remote("https://example.org/tiny.gguf", "tiny.gguf", sha256="9f8e…"), folder / "tiny.gguf", progress)

It grows as `tiny.gguf.part` and gets its name only once its hash is right. Interrupted, it goes on where it stopped,
if the server still has the same file. The address is one that the user named, on the command line or in the catalogue;
nothing that was said leads here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otto.errors import ModelFileError
from otto.files import write_atomic
from otto.progress import Progress

if TYPE_CHECKING:
    import httpx

PATIENCE_SECONDS = 30.0
"""For connecting, and between two pieces."""
TRIES = 3
"""For a connection that breaks off; each goes on where the last one stopped."""
SPARE = 200_000_000
"""Bytes that stay free on the disk."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server."""

    url: str
    name: str
    """What it is called here."""
    sha256: str = ""
    """Empty: not known beforehand."""
    git: str = ""
    """Its hash as Git counts it, which the hub tells of small files in place of the other."""
    size: int = 0
    """Bytes; 0: not known."""
    headers: tuple[tuple[str, str], ...] = ()
    """Such as the user's token for the hub; not passed on to another host."""


def download(remote: Remote, target: Path, progress: Progress = lambda what, share: None) -> str:
    """The sha256 of `target`, which is the whole file now. Raises `ModelFileError` with what to do; what has come so
    far is kept then, unless its hash is wrong."""
    _refuse_unsafe(remote.url)
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, TRIES + 1):
        if _continued(remote, part, progress, last=attempt == TRIES):
            break
    progress(f"Checking {remote.name}", 1.0)
    found = _checked(remote, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, target)
    _mark(part).unlink(missing_ok=True)
    return found


def _continued(remote: Remote, part: Path, progress: Progress, *, last: bool) -> bool:
    """Whether all of it is there now. Raises `ModelFileError`; for a broken connection only in the `last` try."""
    import httpx

    have = _size(part)
    if remote.size and have == remote.size:
        return True
    headers = dict(remote.headers) | {"accept-encoding": "identity"}
    mark = _known_mark(part)
    if have and (mark or remote.sha256 or remote.git):
        headers |= {"range": f"bytes={have}-"} | ({"if-range": mark} if mark else {})
    else:
        part.unlink(missing_ok=True)
        have = 0
    try:
        with _answer(remote.url, headers) as answer:
            if answer.status_code == 416:  # nothing lies beyond what is there; the hash says whether that is right
                return True
            if answer.status_code not in (200, 206):
                raise ModelFileError(_refused(remote.url, answer.status_code))
            start = have if answer.status_code == 206 and _starts_at(answer, have) else 0
            total = start + int(answer.headers.get("content-length", 0) or 0)
            _refuse_full_disk(part.parent, total - start, remote.name)
            if strong := _strong(answer.headers.get("etag", "")):
                write_atomic(_mark(part), strong)
            _append(answer, part, start, lambda got: progress(remote.name, got / total if total else 0.0))
            return not total or _size(part) >= total
    except httpx.HTTPError as error:
        if last:
            host = urlsplit(remote.url).hostname
            raise ModelFileError(
                f"{remote.name}: {host} cannot be reached or broke off ({type(error).__name__}); run the same command "
                "again to go on from there"
            ) from error
        return False


def _append(answer: httpx.Response, part: Path, start: int, got: Callable[[int], None]) -> None:
    with part.open("ab") as file:
        file.truncate(start)
        have = start
        for piece in answer.iter_raw():
            file.write(piece)
            have += len(piece)
            got(have)


@contextmanager
def _answer(url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The server's answer, after redirects; each must be as safe as the first address."""
    import httpx

    from otto.network.connection import certificates

    def check(request: httpx.Request) -> None:
        _refuse_unsafe(str(request.url))

    hooks: dict[str, list[Callable[..., Any]]] = {"request": [check]}
    with (
        httpx.Client(
            follow_redirects=True, timeout=PATIENCE_SECONDS, verify=certificates(), max_redirects=5, event_hooks=hooks
        ) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        yield answer


def _checked(remote: Remote, part: Path) -> str:
    """The sha256 of what has come. Raises `ModelFileError`, and throws it away, where it is not what was wanted."""
    sha256, git = hashlib.sha256(), hashlib.sha1(f"blob {_size(part)}\0".encode(), usedforsecurity=False)
    with part.open("rb") as file:
        while piece := file.read(1 << 20):
            sha256.update(piece)
            if remote.git:
                git.update(piece)
    wrong = (
        (remote.size and _size(part) != remote.size)
        or (remote.sha256 and sha256.hexdigest() != remote.sha256.lower())
        or (remote.git and git.hexdigest() != remote.git)
    )
    if wrong:
        part.unlink()
        _mark(part).unlink(missing_ok=True)
        raise ModelFileError(
            f"{remote.name}: what came is not the file that was meant (sha256 {sha256.hexdigest()[:12]}…) and was "
            "thrown away; run the same command to try again"
        )
    return sha256.hexdigest()


def _refuse_unsafe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")):
        return
    raise ModelFileError(f"{url}: models are only taken over https")


def _refused(url: str, status: int) -> str:
    host = urlsplit(url).hostname
    if status in (401, 403):
        return f"{url}: {host} wants to know who you are (error {status}); accept the model's terms there, set HF_TOKEN"
    if status == 404:
        return f"{url}: {host} has no such file; see: otto models list --available"
    return f"{url}: {host} answered with error {status}; try again later"


def _refuse_full_disk(folder: Path, needed: int, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed + SPARE > free:
        raise ModelFileError(
            f"{name} takes {needed:,} bytes and {folder} has {free:,} left; make room, or set models_folder"
        )


def _starts_at(answer: httpx.Response, have: int) -> bool:
    return str(answer.headers.get("content-range", "")).startswith(f"bytes {have}-")


def _strong(etag: str) -> str:
    return etag if etag.startswith('"') and len(etag) < 200 else ""


def _mark(part: Path) -> Path:
    """Where the server's name for this very content is kept, so that one file is never continued with another."""
    return part.with_name(f"{part.name}.etag")


def _known_mark(part: Path) -> str:
    try:
        return _mark(part).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
