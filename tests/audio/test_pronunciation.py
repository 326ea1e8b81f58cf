"""How words sound, known and unknown."""

from __future__ import annotations

import pytest

from otto.audio.pronunciation import Pronunciations, by_rule

pytest.importorskip("pocketsphinx")


def test_the_dictionary_comes_first_with_all_its_variants() -> None:
    sounds = Pronunciations.english()("either")
    assert ("IY", "DH", "ER") in sounds
    assert ("AY", "DH", "ER") in sounds


def test_a_genitive_and_a_compound_are_made_of_known_words() -> None:
    english = Pronunciations.english()
    assert "roommate's" not in english
    assert english("whiteboard") == (english("white")[0] + english("board")[0],)
    assert english("kitchen's")[0] == (*english("kitchen")[0], "Z")


@pytest.mark.parametrize(
    ("word", "sound"),
    [("blim", "B L IH M"), ("shoop", "SH UW P"), ("krane", "K R EY N"), ("vlc", "V IY EH L S IY"), ("phick", "F IH K")],
)
def test_an_unknown_word_sounds_as_it_is_spelt(word: str, sound: str) -> None:
    assert by_rule(word) == tuple(sound.split())


def test_every_word_has_a_sound_of_phones_that_the_model_knows() -> None:
    phones = {phone for word in ("the", "joy", "measure", "thing", "cow", "boy", "chew") for way in
              Pronunciations.english()(word) for phone in way}  # fmt: skip
    assert phones
    for word in ("zzz", "xylph", "qq", "a", "eau", "yyy", "'"):
        assert by_rule(word), word


def test_several_words_are_said_one_after_the_other_in_a_bounded_number_of_ways() -> None:
    english = Pronunciations.english()
    assert english.of(("a", "lot"))[0] == english("a")[0] + english("lot")[0]
    assert len(english.of(("either",) * 10)) <= 8
