"""The coach asks a real engine: `python -m llama_cpp.server` with a tiny random model, which streams nonsense."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otto.coach.advice import Coach
from otto.coach.named import CoachModel
from otto.config import Settings
from otto.prompt import prompt
from otto.streaming import Interrupt

pytestmark = pytest.mark.heavy


def ascii_tokenizer() -> Any:
    """One that can only write ASCII: where a random model writes bytes that are no text, llama_cpp.server streams
    nothing for minutes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    alphabet = [*map(chr, range(33, 127)), "Ġ", "Ċ"]
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    bare.train_from_iterator([prompt("coach")], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("llama_cpp.server", exc_type=ImportError)
    pytest.importorskip("torch")
    from tests.tinymodels import random_gguf

    weights = random_gguf(tmp_path_factory.mktemp("models") / "random.gguf", tokenizer=ascii_tokenizer())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "llama_cpp.server", "--model", str(weights), "--host", "127.0.0.1", "--port", str(port),
        "--n_ctx", "4096", "--n_threads", "1", "--chat_format", "chatml",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        end = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=1).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None and time.monotonic() < end, "the server does not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait(20)


def test_a_real_engine_streams_is_stopped_and_answers_again(address: str, tmp_path: Path) -> None:
    coach, model = Coach(Settings(state_folder=tmp_path)), CoachModel("random", "random", address)
    interrupt, count = Interrupt(), 0
    for event in coach.answer("How do I taper?", model, interrupt=interrupt):
        count += event.type == "piece"
        if count == 3:
            interrupt.set()
    assert event.type == "end" and event.stopped and event.text
    again = list(coach.answer("How do I warm up?", model, before=[("How do I taper?", event.text)]))
    assert again[-1].type == "end" and again[-1].text == "".join(each.text for each in again if each.type == "piece")
