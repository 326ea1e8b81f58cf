"""A field learns where values stand, and never says what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from otto.routers import tagger
from otto.routers.features import Observed, mark, observe, shape
from otto.routers.sentence import WORD_SIZE, Sentence, word_spans
from otto.routers.tagger import Field, Tagged, Tagger

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)


def sentence(text: str) -> Sentence:
    spans = word_spans(text)
    return Sentence(text, spans, np.zeros(384, np.float32), np.zeros((len(spans), WORD_SIZE), np.float32))


def observed(text: str, kinds: tuple[str, ...] = ()) -> Observed:
    return observe(sentence(text), mark(text, word_spans(text), kinds, NOW))


@pytest.fixture(scope="module")
def taught() -> Tagger:
    songs = ["yesterday", "blue moon", "hey jude", "kind of blue", "waterloo", "let it be"]
    bands = ["abba", "queen", "the doors", "muse"]
    rows = []
    for song in songs:
        for band in bands:
            tags = ("O", "B-song", *["I-song"] * song.count(" "), "O", "B-band", *["I-band"] * band.count(" "))
            rows.append(Tagged(observed(f"play {song} by {band}"), tags))
    return tagger.train(rows)


def test_it_finds_values_that_it_never_saw(taught: Tagger) -> None:
    found = Field(taught, frozenset()).tag(observed("play purple rain by prince"))
    assert found.tags == ("O", "B-song", "I-song", "O", "B-band")
    assert -3 < found.log_probability <= 0


def test_a_parameter_occurs_once_unless_it_may_repeat(taught: Tagger) -> None:
    text = "play waterloo by abba by queen by muse"
    once = Field(taught, frozenset()).tag(observed(text)).tags
    often = Field(taught, frozenset(["band"])).tag(observed(text)).tags
    assert once.count("B-band") <= 1 < often.count("B-band")


def test_the_inside_of_a_value_follows_its_beginning(taught: Tagger) -> None:
    chance = np.random.default_rng(0)
    for _ in range(50):
        text = " ".join(chance.choice(["play", "by", "blue", "moon", "abba", "the", "of"], size=6))
        tags = Field(taught, frozenset()).tag(observed(text)).tags
        for before, after in zip(("O", *tags), tags, strict=False):
            assert after[0] != "I" or before[2:] == after[2:]


def test_no_words_have_no_tags(taught: Tagger) -> None:
    assert Field(taught, frozenset()).tag(observed("")).tags == ()


def test_the_same_sentences_make_the_same_field(taught: Tagger) -> None:
    rows = [Tagged(observed("play hey jude"), ("O", "B-song", "I-song"))] * 3
    one, other = tagger.train(rows), tagger.train(rows)
    assert np.array_equal(one.weights, other.weights)
    assert one.attributes == other.attributes


def test_probabilities_of_all_taggings_sum_to_one(taught: Tagger) -> None:
    scores = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    between = np.random.default_rng(2).normal(size=(3, 3)).astype(np.float32)
    every = [scores[0, one] + scores[1, two] + between[one, two] for one in range(3) for two in range(3)]
    assert tagger._partition(scores, between) == pytest.approx(np.log(np.exp(every).sum()), abs=1e-4)


@pytest.mark.parametrize(("word", "form"), [("Rome", "Xxx"), ("B52", "Xdd"), ("o'clock", "x'xx"), ("NYC", "XX")])
def test_shapes(word: str, form: str) -> None:
    assert shape(word) == form


def test_the_value_table_marks_its_words() -> None:
    text = "remind me in ten minutes"
    assert mark(text, word_spans(text), ["duration"], NOW)[3:] == (("B-duration",), ("I-duration",))


def test_the_gazetteer_marks_places() -> None:
    marks = mark("is it raining in New York", word_spans("is it raining in New York"), ["place"], NOW)
    assert any("city" in name for name in marks[4])
    assert marks[0] == ()
