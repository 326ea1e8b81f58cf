"""Generation from a real OpenAI-compatible server with a real model: `python -m llama_cpp.server` on loopback.

The model has random weights: what it writes is nonsense, and what the schema forces must hold all the same.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from finetune.ask import Endpoint, Limits, Question, ask, spent
from finetune.candidate import Judge
from finetune.generate import Run, Wish, append, check, questions, read
from finetune.journal import Journal
from finetune.service import ServiceError
from otto.examples import file as examplefile
from otto.skill import Parameter, Skill
from otto.values import Limits as Bounds

pytestmark = pytest.mark.heavy
STATE = Parameter("state", "choice", required=True, limits=Bounds(("on", "off")))
LIGHTS = Skill("lights", (STATE, Parameter("dimmed", "boolean")), "Switches lights.")
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("llama_cpp.server", exc_type=ImportError)
    pytest.importorskip("torch")
    from tests.tinymodels import random_gguf

    return random_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


def start(weights: Path, port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "llama_cpp.server", "--model", str(weights), "--host", "127.0.0.1", "--port", str(port),
        "--n_ctx", "2048", "--n_threads", "1", "--chat_format", "chatml",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1).close()
            return server
        except (urllib.error.URLError, OSError):
            assert server.poll() is None and time.monotonic() < end, "the server does not start"
            time.sleep(0.2)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def address(weights: Path, port: int) -> Iterator[str]:
    server = start(weights, port)
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(20)


def short(question: Question) -> Question:
    """With limits that make a model which knows no end come to one."""
    schema: Any = dict(question.schema or {})
    item = schema["properties"]["examples"]["items"]
    item["properties"]["sentence"] = {"type": "string", "minLength": 3, "maxLength": 20}
    schema["properties"]["examples"] |= {"minItems": 1, "maxItems": 2}
    return replace(question, schema=schema)


def endpoint(address: str) -> Endpoint:
    return Endpoint("random", address, limits=Limits(concurrency=2, attempts=3), parameters={"max_tokens": 250})


def test_what_a_real_server_writes_is_well_formed_and_judged(address: str, tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        wish = Wish(LIGHTS, 20)
        run = Run(wish, Judge({"lights": LIGHTS}, []), journal)
        several = [short(question) for question in islice(questions(wish, [], [LIGHTS], run), 6)]
        answers = list(ask(several, [endpoint(address)], journal, check(wish)))
        good = [answer for answer in answers if not answer.problem]
        assert len(good) >= 4, [answer.problem for answer in answers]
        for answer in good:
            for candidate in read(answer.text, wish):
                LIGHTS.check(candidate.calls[0], examplefile.NOON)  # what the schema forces
            run.take(answer.key, read(answer.text, wish))
        new, refused = append(tmp_path / "lights_examples.txt", run.kept())
        total = spent(journal)
    assert (new, refused) == (len(run.accepted), [])
    assert total.answers == len(good) and total.prompt_tokens > 500 and total.tokens > 10


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
def test_a_server_that_is_killed_and_comes_back(weights: Path, port: int, tmp_path: Path) -> None:
    """Half of the questions, then the server dies; the next run asks the other half and nothing twice."""
    wish = Wish(LIGHTS, 20)
    several = [short(question) for question in islice(questions(wish, [], [LIGHTS]), 6)]
    address = f"http://127.0.0.1:{port}/v1"
    server = start(weights, port)
    try:
        with Journal(tmp_path / "j") as journal:
            first = 0
            for answer in ask(several, [endpoint(address)], journal, check(wish)):
                first += not answer.problem
                if first == 3:
                    server.kill()
                    server.wait()
    except ServiceError as error:
        assert "cannot be reached" in str(error)
    finally:
        server.kill()
        server.wait()
    server = start(weights, port)
    try:
        with Journal(tmp_path / "j") as journal:
            list(ask(several, [endpoint(address)], journal, check(wish)))
            kept = [entry["key"] for entry in journal.entries if entry["kind"] == "answer"]
    finally:
        server.kill()
        server.wait()
    assert first >= 3 and len(kept) == len(set(kept)) >= 5
