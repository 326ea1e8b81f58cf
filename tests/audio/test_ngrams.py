"""The language model as a file: probabilities that add up, classes that stand for their members."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from otto.audio.ngrams import MORE, Gram, Trigrams

DRINKS = {"@drink": {"tea": 0.75, "iced_coffee": 0.25}}
SAID: Mapping[Gram, float] = {("a", "@drink", "please"): 3.0, ("two", "@drink"): 1.0, ("no", "sugar", "please"): 1.0}


def read(arpa: str) -> tuple[dict[Gram, float], dict[Gram, float]]:
    """Probabilities and back-off weights of an ARPA file, as any decoder reads it."""
    probability: dict[Gram, float] = {}
    weights: dict[Gram, float] = {}
    length = 0
    for line in arpa.splitlines():
        if line.endswith("-grams:"):
            length = int(line[1])
        elif length and line and not line.startswith("\\"):
            fields = line.split()
            probability[tuple(fields[1 : length + 1])] = 10 ** float(fields[0])
            weights[tuple(fields[1 : length + 1])] = 10 ** float(fields[length + 1]) if len(fields) > length + 1 else 1
    return probability, weights


def likely(model: tuple[dict[Gram, float], dict[Gram, float]], gram: Gram) -> float:
    """Of the last word after the others, backing off as decoders do."""
    probability, weights = model
    if gram in probability:
        return probability[gram]
    return weights.get(gram[:-1], 1.0) * likely(model, gram[1:])


def test_a_word_can_be_left_out_while_all_else_stays_as_likely() -> None:
    model = Trigrams.of(SAID, DRINKS)
    whole, rest = read(model.arpa())[0], read(model.arpa(without={"sugar", "iced_coffee"}))[0]
    assert ("no", "sugar") in whole
    assert rest == {gram: likely for gram, likely in whole.items() if not {"sugar", "iced_coffee"} & set(gram)}


@pytest.mark.parametrize(
    "history", [("<s>",), ("<s>", "a"), ("a", "tea"), ("two", "iced_coffee"), ("no",), ("no", "tea")]
)
def test_what_may_follow_adds_up_to_one(history: Gram) -> None:
    trigrams = Trigrams.of(SAID, DRINKS)
    model = read(trigrams.arpa())
    total = sum(likely(model, (*history, word)) for word in (*trigrams.words, "</s>"))
    assert total == pytest.approx(1.0, abs=0.01)


def test_members_share_what_their_class_has() -> None:
    model = read(Trigrams.of(SAID, DRINKS).arpa())
    assert likely(model, ("<s>", "a", "tea")) == pytest.approx(3 * likely(model, ("<s>", "a", "iced_coffee")), rel=0.01)
    assert likely(model, ("<s>", "two", "tea")) > likely(model, ("<s>", "two", "please"))


def test_the_head_counts_what_the_file_holds() -> None:
    arpa = Trigrams.of(SAID, DRINKS).arpa()
    probability, _ = read(arpa)
    for length in (1, 2, 3):
        assert f"ngram {length}={sum(len(gram) == length for gram in probability)}\n" in arpa


def test_common_words_can_be_said_without_being_expected() -> None:
    model = read(Trigrams.of(SAID, DRINKS, {"window": 0.5, "sugar": 0.5}, 0.1).arpa())
    assert 0 < likely(model, ("<s>", "window")) < likely(model, ("<s>", "a")) / 5


def test_a_beginning_says_nothing_about_the_end() -> None:
    probability, _ = read(Trigrams.of({("hey", "otto", "set", MORE): 1.0, ("set", "it"): 1.0}).arpa())
    assert ("hey", "otto") in probability
    assert ("set", "</s>") not in probability
    assert not any(MORE in gram for gram in probability)


def test_a_word_that_always_follows_another_is_unlikely_elsewhere() -> None:
    said = {("hey", "otto"): 100.0, ("set", "it"): 1.0, ("take", "it"): 1.0, ("drop", "it"): 1.0}
    model = read(Trigrams.of(said).arpa())
    assert likely(model, ("otto",)) < likely(model, ("it",))
    assert math.isclose(likely(model, ("hey", "otto")), 1.0, abs_tol=0.1)
