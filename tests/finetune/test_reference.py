"""Figures without a judge, against examples worked out by hand."""

from __future__ import annotations

import pytest

from finetune.reference import figures, markdown_faults, overlap, reading_ease, rouge_l, semantic, syllables, words
from otto.encoder import shared


def test_rouge_l_is_the_longest_common_subsequence() -> None:
    """Lin's example: police killed the gunman / police kill the gunman: 3 of 4 words in both: 0.75."""
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(0.5)
    assert rouge_l("run", "run far and long") == pytest.approx(2 * 1 / 5)
    assert rouge_l("", "x") == rouge_l("x", "") == rouge_l("", "") == 0
    assert rouge_l("**Run** easy!", "run easy") == 1


def test_overlap_does_not_mind_order() -> None:
    assert overlap("the gunman killed police", "police killed the gunman") == 1
    assert overlap("a a b", "a b b") == pytest.approx(2 * 2 / 6)


def test_reading_ease_by_hand() -> None:
    """Six words, two sentences, seven syllables: 206.835 - 1.015 * 3 - 84.6 * 7 / 6."""
    assert reading_ease("Run far now. Rest well today.") == pytest.approx(206.835 - 3.045 - 84.6 * 7 / 6)
    assert reading_ease("") == 0
    assert (
        reading_ease("Notwithstanding physiological considerations, periodisation necessitates individualisation.") < 0
    )


@pytest.mark.parametrize(
    ("word", "count"), [("run", 1), ("easy", 2), ("make", 1), ("table", 2), ("marathon", 3), ("trained", 1),
                        ("rested", 2), ("the", 1), ("recovery", 4)]
)  # fmt: skip
def test_syllables(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("**Run** easy:\n\n- one\n- two `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n#x ** `\n```\n", ""),
        ("**Run easy", "** is opened"),
        ("- **one\n- two** three", "** is opened"),
        ("```\ncode", "a block of code is opened"),
        ("use `code", "` is opened"),
        ("#Heading", "no blank after #"),
        ("-item\n-other", "no blank after its mark"),
        ("1.first", "no blank after its mark"),
        ("- one\n-\n", "a list item is empty"),
        ("see [this]()", "a link leads nowhere"),
        ("| a | b |\n| 1 | 2 |", "no line under its head"),
        ("| a | b |\n|---|---|\n| 1 |", "differ in length"),
        ("at -5 degrees and 3.5 km", ""),
        ("2 * 3 * 4", ""),
    ],
)
def test_faults_of_markdown(text: str, fault: str) -> None:
    found = "; ".join(markdown_faults(text))
    assert (fault in found) if fault else not found, found


def test_semantic_nearness_orders_texts() -> None:
    encoder = shared()
    same = semantic("Sleep eight hours a night.", "Sleep eight hours a night.", encoder)
    near = semantic("Get eight hours of sleep every night.", "Sleep eight hours a night.", encoder)
    far = semantic("The stock market fell on Monday.", "Sleep eight hours a night.", encoder)
    assert same == pytest.approx(1, abs=1e-3)
    assert same > near > far
    assert semantic("", "x", encoder) == 0


def test_all_figures_of_one_answer() -> None:
    found = figures("Run easy.", "Run easy.")
    assert (found.words, found.faults, found.rouge_l, found.semantic) == (2, 0, 1, 0)
    assert words("Don't — über-fast, 3.5!") == ["don't", "über", "fast", "3", "5"]
