from __future__ import annotations

import random

from finetune.duplicates import Index, families, likeness, normalised


def test_capitals_marks_and_blanks_are_not_words() -> None:
    assert normalised("  Set a TIMER,\tplease! ") == "set a timer please"
    assert normalised("what’s new") == normalised("What's new?")
    assert normalised("Ｌｉｇｈｔｓ") == "lights"
    assert normalised("?!") == "?!"


def test_signs_that_mean_something_are_words() -> None:
    assert len({normalised(text) for text in ("2 + 3", "2 - 3", "2-3", "2 * 3", "2 3")}) == 4
    assert normalised("twenty-five") == "twenty five"


def test_likeness_is_the_share_of_common_triples() -> None:
    assert likeness("lights on", "Lights on!") == 1
    assert likeness("abc", "xyz") == 0
    # " a ", of " a" + ... : {" ab", "ab "} against {" ab", "abc", "bc "} have one of four in common
    assert likeness("ab", "abc") == 0.25


def test_the_search_finds_exactly_what_comparing_all_with_all_finds() -> None:
    chance = random.Random(5)
    words = ["set", "a", "timer", "for", "ten", "minutes", "please", "lights", "on", "off", "in", "the", "kitchen"]
    texts = [" ".join(chance.choices(words, k=chance.randint(1, 8))) for _ in range(90)]
    for threshold in (0.5, 0.8, 1.0):
        index = Index(texts[:60], threshold)
        for text in texts[60:]:
            index.add(text)
        found_some = 0
        for text in texts:
            wanted = [place for place, other in enumerate(texts) if likeness(text, other) >= threshold]
            assert [place for place, _ in index.near(text)] == wanted
            found_some += len(wanted) > 1
        assert found_some


def test_a_family_reaches_from_neighbour_to_neighbour() -> None:
    texts = ["turn on the lights", "stop", "turn on the lights now", "turn on the lights now ok", "stop!"]
    assert families(texts, 0.7) == [0, 1, 0, 0, 1]
