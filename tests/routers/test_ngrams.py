"""Words and letters as numbers: the same in training and answering."""

from __future__ import annotations

import numpy as np
import pytest

from otto.routers.ngrams import Ngrams

TEXTS = ["set a timer", "set an alarm", "stop the timer"]


def test_words_and_letters_have_length_one_each() -> None:
    _, values = Ngrams.fit(TEXTS, total=3).vector("set a timer")
    assert (values**2).sum() == pytest.approx(2)


def test_unknown_words_leave_only_their_known_letters() -> None:
    ngrams = Ngrams.fit(TEXTS, total=3)
    known = {column for column, gram in enumerate(ngrams.vocabulary) if gram[0] == "\x1f"}
    columns, _ = ngrams.vector("timers")
    assert len(columns)
    assert not known & set(columns.tolist())


def test_no_text_has_no_columns() -> None:
    columns, values = Ngrams.fit(TEXTS, total=3).vector("")
    assert len(columns) == len(values) == 0


def test_a_rarer_word_weighs_more() -> None:
    ngrams = Ngrams.fit(TEXTS, total=3)
    assert ngrams.rarity[ngrams.vocabulary["\x1falarm"]] > ngrams.rarity[ngrams.vocabulary["\x1ftimer"]]


def test_later_texts_only_add_columns() -> None:
    before = Ngrams.fit(TEXTS, total=3)
    after = Ngrams.fit(["dim the lamp"], before, total=4)
    assert list(after.vocabulary)[: len(before.vocabulary)] == list(before.vocabulary)
    assert "\x1flamp" in after.vocabulary
    assert np.array_equal(after.vector("set a timer")[0], before.vector("set a timer")[0])


def test_what_occurs_once_may_be_left_out() -> None:
    vocabulary = Ngrams.fit(TEXTS, total=3, least=2).vocabulary
    assert "\x1ftimer" in vocabulary
    assert "\x1falarm" not in vocabulary
