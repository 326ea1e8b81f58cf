"""What a GGUF file says of itself is read with distrust."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from otto.models.gguf import MalformedError, read
from tests import processor
from tests.models.ggufbytes import ARRAY, STRING, UINT32, Made, flips, malformed

MALFORMED = malformed()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.gguf"


def test_a_good_file_is_read(file: Path) -> None:
    file.write_bytes(bytes(Made()))
    header = read(file)
    assert (header.version, header.architecture, header.context) == (3, "llama", 128)
    assert (header.tensors, header.parameters, header.size) == (3, 72, file.stat().st_size)
    assert header.metadata["general.name"] == "made by hand"
    assert header.metadata["tokenizer.ggml.tokens"] == ["<s>", "</s>", "<0x0A>", "a"]


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_any_proper_alignment_is_read(file: Path, alignment: int) -> None:
    file.write_bytes(bytes(replace(Made(alignment=alignment)).with_entry("general.alignment", UINT32, alignment)))
    assert read(file).tensors == 3


def test_the_older_version_is_read(file: Path) -> None:
    file.write_bytes(bytes(Made(version=2)))
    assert read(file).version == 2


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_file_is_refused_in_one_sentence(file: Path, what: str) -> None:
    file.write_bytes(MALFORMED[what])
    began = time.monotonic()
    with pytest.raises(MalformedError) as refused:
        read(file)
    assert time.monotonic() - began < 5
    assert "\n" not in str(refused.value)
    assert 5 < len(str(refused.value)) < 200


def test_there_are_more_than_thirty_kinds_of_malformed() -> None:
    assert len(set(MALFORMED.values())) == len(MALFORMED) > 30


def test_no_flipped_byte_gets_further_than_a_refusal(file: Path) -> None:
    good = Made()
    rng = random.Random(0)
    places = [(rng.randrange(len(good.header())), 1 << rng.randrange(8)) for _ in range(400)]
    refused = 0
    for data in flips(bytes(good), places):
        file.write_bytes(data)
        try:
            read(file)
        except MalformedError:
            refused += 1
    assert refused > 200  # the others changed a name or a number that only the card's sha256 knows


def test_a_large_vocabulary_takes_no_second(file: Path) -> None:
    words = [f"word{number}" for number in range(100_000)]
    made = Made().without("tokenizer.ggml.scores").without("tokenizer.ggml.token_type")
    file.write_bytes(bytes(made.with_entry("tokenizer.ggml.tokens", ARRAY, (STRING, words))))
    assert processor.seconds(lambda: read(file), enough=1) < 1
