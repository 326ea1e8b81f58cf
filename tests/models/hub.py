"""A server like the Hugging Face hub, on this machine: it lists repositories and hands out their files, also in parts.

with Hub({"owner/house": {"house.gguf": data}}) as hub:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

REVISION = "5f0c1d2e"
LARGE = 1000
"""Bytes from which the hub knows a file by its sha256, and below by Git's hash."""
_PIECE = 65_536


@dataclass
class Hub:
    """What it has, and how it behaves."""

    repositories: dict[str, dict[str, bytes]]
    licence: str = "mit"
    pause: float = 0.0
    """Seconds between two pieces of 64 kB."""
    breaks_after: int = 0
    """Bytes after which an answer breaks off; 0: never."""
    ranges: bool = True
    """Whether it hands out parts."""
    lies: bool = False
    """Whether its files differ from the hashes that it tells."""
    status: int = 0
    """Answered to everything, unless 0."""
    asked: list[str] = field(default_factory=list)
    """Paths, with the range where one was asked for."""

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                self.answer(hub)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def listing(self, repository: str) -> Mapping[str, Any]:
        files = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest(),
                **(
                    {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
                    if len(data) > LARGE
                    else {}
                ),
            }
            for name, data in self.repositories[repository].items()
        ]
        return {"id": repository, "sha": REVISION, "siblings": files, "cardData": {"license": self.licence}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, hub: Hub) -> None:
        path, wanted = self.path.partition("?")[0], self.headers.get("range", "")
        hub.asked.append(f"{path} {wanted}".strip())
        if hub.status:
            self.send_error(hub.status)
        elif path.startswith("/api/models/"):
            repository = path.removeprefix("/api/models/")
            if repository not in hub.repositories:
                self.send_error(404)
                return
            self.whole(json.dumps(hub.listing(repository)).encode())
        else:
            owner, name, *_, file = path.strip("/").split("/")
            folder = path.partition(f"/resolve/{REVISION}/")[2] or file
            self.file(hub, hub.repositories.get(f"{owner}/{name}", {}).get(folder), wanted)

    def file(self, hub: Hub, data: bytes | None, wanted: str) -> None:
        if data is None:
            self.send_error(404)
            return
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        data = data[:-1] + b"!" if hub.lies else data
        start = int(found[1]) if (found := re.fullmatch(r"bytes=(\d+)-", wanted)) and hub.ranges else 0
        if self.headers.get("if-range", etag) != etag:
            start = 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("etag", etag)
        if start:
            self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("content-length", str(len(data) - start))
        self.end_headers()
        end = min(len(data), start + hub.breaks_after) if hub.breaks_after else len(data)
        try:
            for at in range(start, end, _PIECE):
                self.wfile.write(data[at : min(at + _PIECE, end)])
                time.sleep(hub.pause)
        except OSError:
            pass  # who asked is gone
        self.close_connection = end < len(data) or self.close_connection

    def whole(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""
