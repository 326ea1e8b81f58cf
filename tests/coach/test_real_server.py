"""The coach asks a real engine: `python -m llama_cpp.server` with a tiny random model, which streams nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otto.coach.advice import Coach
from otto.coach.named import CoachModel
from otto.config import Settings
from otto.network.streaming import Interrupt
from otto.prompt import prompt
from tests.llamaserver import serving

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
    with serving(weights, 4096) as address:
        yield address


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
