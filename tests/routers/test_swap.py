"""New sentences with other values are as well tagged as those they come from."""

from __future__ import annotations

import numpy as np

from otto.routers import swap
from otto.routers.alignment import chunks
from otto.routers.sentence import WORD_SIZE, Sentence, word_spans
from otto.routers.swap import Row


def row(skill: str, text: str, tags: str) -> Row:
    spans = word_spans(text)
    vectors = np.arange(len(spans), dtype=np.float32)[:, None].repeat(WORD_SIZE, 1)
    return Row(skill, Sentence(text, spans, np.zeros(384, np.float32), vectors), tuple(tags.split()))


ROWS = [
    row("play", "play blue moon", "O B-song I-song"),
    row("play", "play waterloo please", "O B-song O"),
    row("find", "who wrote hey jude", "O O B-song I-song"),
    row("stop", "stop", "O"),
]


def test_values_change_places() -> None:
    made = swap.swapped(ROWS[:2], swap.values(ROWS), 20, 0)
    texts = {each.sentence.text for each in made}
    assert texts == {
        "play waterloo", "play hey jude", "play blue moon please", "play hey jude please"
    }  # fmt: skip
    for each in made:
        ((name, first, end),) = chunks(each.tags)
        assert name == "song"
        assert " ".join(each.sentence.words[first:end]) in ("waterloo", "hey jude", "blue moon")
        assert len(each.tags) == len(each.sentence.spans) == len(each.sentence.word_vectors)


def test_nothing_is_made_twice_and_nothing_without_values() -> None:
    made = [each.sentence.text for each in swap.swapped(ROWS, swap.values(ROWS), 20, 0)]
    assert len(made) == len(set(made))
    assert not {each.sentence.text for each in ROWS} & set(made)
    assert "stop" not in made


def test_the_seed_decides() -> None:
    pool = swap.values(ROWS)
    one, same, other = ([each.sentence.text for each in swap.swapped(ROWS, pool, 2, seed)] for seed in (1, 1, 2))
    assert one == same
    assert one != other
