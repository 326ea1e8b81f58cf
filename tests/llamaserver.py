"""A real engine behind a real server, for tests of what asks one: `python -m llama_cpp.server` on loopback.

    with serving(random_gguf(folder / "random.gguf"), context=1024) as address:
        model = EndpointModel("random", base_url=address)

Needs `llama_cpp.server`: for tests that are marked `heavy`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 90


@contextmanager
def serving(weights: Path, context: int) -> Iterator[str]:
    """The address, with its `/v1`, while the block runs. `context`: tokens of prompt and answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "llama_cpp.server", "--model", str(weights), "--host", "127.0.0.1", "--port", str(port),
        "--n_ctx", str(context), "--n_threads", "1", "--chat_format", "chatml",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None and time.monotonic() < end, "the server does not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()  # asked to leave, it would first finish an answer that nobody waits for
        server.wait(20)
