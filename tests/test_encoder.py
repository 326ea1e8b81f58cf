"""The sentence encoder: vectors that mean something, and files that are checked before they are used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from otto.encoder import FOLDER, MAX_PIECES, SIZE, Encoder, verified
from otto.errors import ModelFileError


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "encoder"))


def test_like_sentences_are_near_each_other(encoder: Encoder) -> None:
    rain, umbrella, timer = (each.sentence for each in encoder(
        ["is it going to rain today", "will I need an umbrella this afternoon", "set a timer for ten minutes"]
    ))  # fmt: skip
    assert rain.shape == (SIZE,)
    assert np.linalg.norm(rain) == pytest.approx(1, abs=1e-5)
    assert rain @ umbrella > 0.5 > 0.3 > rain @ timer


def test_pieces_lie_on_their_characters(encoder: Encoder) -> None:
    text = "weather in Reykjavík"
    (encoded,) = encoder([text])
    assert encoded.pieces.shape == (len(encoded.offsets), SIZE)
    words = [text[start:end] for start, end in encoded.offsets if end > start]
    assert words[:2] == ["weather", "in"]
    assert "".join(words[2:]) == "Reykjavík"


def test_a_text_is_the_same_alone_and_among_others(encoder: Encoder) -> None:
    texts = ["stop", "what is the weather like in the mountains of northern Norway in the middle of winter", ""]
    for text, together in zip(texts, encoder(texts), strict=True):
        assert encoder([text])[0].sentence @ together.sentence > 0.999


@pytest.mark.parametrize(
    "text", ["", "\x00", "💥" * 500, "a" * 10_000, "ñ ¿? 今何時ですか", " ".join("word" for _ in range(900))]
)
def test_any_text_has_vectors(encoder: Encoder, text: str) -> None:
    (encoded,) = encoder([text])
    assert np.isfinite(encoded.sentence).all()
    assert len(encoded.pieces) <= MAX_PIECES


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json", "config.json", "vocabulary.json", "SHA256SUMS"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ModelFileError, match=rf"{name}: No such file or directory\. Install Otto again"):
        Encoder.load(folder=copied)


def test_a_changed_file_is_refused_also_after_it_was_good(copied: Path, tmp_path: Path) -> None:
    assert verified(copied, tmp_path) == verified(copied, tmp_path)
    model = copied / "model.bin"
    content = bytearray(model.read_bytes())
    content[1000] ^= 1
    model.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"model\.bin is not what it should be"):
        verified(copied, tmp_path)


def test_what_was_good_is_not_read_again(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = verified(copied, tmp_path)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    assert verified(copied, tmp_path) == sums


def test_a_cache_that_cannot_be_written_only_costs_time(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert verified(copied, tmp_path / "file")
