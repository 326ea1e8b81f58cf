from __future__ import annotations

import hashlib

import pytest

from finetune.duplicates import likeness
from finetune.shapes import Conversation, of_calls
from finetune.split import SPLITS, Shares, leaks, split, split_of
from otto.call import parse
from otto.errors import OttoError
from otto.prompt import Message


def rows(count: int, source: str = "mine") -> list[Conversation]:
    """Sentences that are not alike."""
    words = [hashlib.md5(f"{source} {number}".encode()).hexdigest() for number in range(count)]
    return [of_calls(f"{word[:8]} {word[8:20]}", parse("stop()"), source) for word in words]


def named(parts: dict[str, list[Conversation]]) -> dict[str, str]:
    return {row.question: name for name in SPLITS for row in parts[name]}


def test_the_rule_is_the_hash_modulo_twenty() -> None:
    seen = set()
    for row in rows(200):
        number = int(hashlib.sha256(row.question.encode()).hexdigest(), 16) % 20
        assert split_of(row.question) == {0: "valid", 1: "test"}.get(number, "train")
        seen.add(number)
    assert len(seen) == 20
    assert split_of("Lights ON!") == split_of("lights on")


def test_each_source_gives_its_share() -> None:
    parts = split([*rows(2000, "one"), *rows(1000, "two")])
    for source, count in (("one", 2000), ("two", 1000)):
        for name in ("valid", "test"):
            assert 0.03 * count < sum(row.source == source for row in parts[name]) < 0.07 * count
    parts = split(rows(2000), Shares(valid=0.2, test=0))
    assert 350 < len(parts["valid"]) < 450 and not parts["test"]


def test_a_row_stays_where_it_is_when_others_come() -> None:
    before, after = named(split(rows(300))), named(split([*rows(500, "other"), *rows(300)]))
    assert all(after[text] == name for text, name in before.items())


def test_a_source_of_twenty_rows_is_in_every_split() -> None:
    for source in map(str, range(12)):
        parts = split([*rows(20, source), *rows(100)])
        assert all(any(row.source == source for row in parts[name]) for name in SPLITS)


def test_a_tiny_source_is_mostly_trained_on() -> None:
    two = [of_calls(text, parse("stop()"), "tiny") for text in ("lights on please", "it is too bright in here")]
    assert {split_of(row.question) for row in two} == {"test"}
    assert set(named(split([*two, *rows(100)]))[row.question] for row in two) == {"train"}


def test_near_texts_are_never_parted() -> None:
    sentences = [f"remind me to water plant number {number} in the evening" for number in range(40)]
    many = [of_calls(text, parse("stop()"), "mine") for text in sentences]
    assert likeness(sentences[0], sentences[1]) >= 0.8 and len({split_of(text) for text in sentences}) > 1
    assert set(named(split([*many, *rows(300)]))[text] for text in sentences) == {"train"}


def test_a_leak_is_found_exact_and_near() -> None:
    trained = [of_calls("turn on the kitchen lights", parse("stop()")), *rows(50)]
    held = [of_calls(text, parse("stop()")) for text in ("Turn on the kitchen lights!", "turn on the kitchen light")]
    found = leaks(trained, [*held, *rows(50, "other")])
    assert [leak.held for leak in found] == held
    assert found[0].likeness == 1 and 0.8 <= found[1].likeness < 1
    assert "the same words" in str(found[0])
    parts = split([*trained, *held, *rows(500, "more")])
    assert not leaks(parts["train"], parts["test"]) and not leaks(parts["train"], parts["valid"])


@pytest.mark.parametrize(("valid", "test"), [(0.6, 0.4), (-0.1, 0.1), (1, 0)])
def test_shares_must_leave_some_to_train(valid: float, test: float) -> None:
    with pytest.raises(OttoError, match="leave some to train"):
        Shares(valid, test)


def test_several_answers_to_the_same_questions_are_held_back_together() -> None:
    """Two models answer thirty questions: no question stands alone, and yet each source gives some to every split."""
    words = [f"{one} {two} {three}?" for one in ("How", "Why", "When") for two in ("rest", "race") for three in "abcde"]
    rows = [
        Conversation((Message("user", text), Message("assistant", f"{source} answers")), source)
        for text in words for source in ("one", "two") if split_of(text) == "train"
    ]  # fmt: skip
    parts = split(rows, near=1.0)
    for name in ("valid", "test"):
        assert {row.source for row in parts[name]} == {"one", "two"}
    assert not leaks(parts["train"], [*parts["valid"], *parts["test"]], near=1.0)
