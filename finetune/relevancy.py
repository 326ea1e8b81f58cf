"""Answer relevancy: how well the question can be told from the answer.

    question(item)                              a judge writes three questions that the answer would answer
    relevancy(item.asked, read(text), encoder)  the mean cosine of these with the real one

The definition is that of RAGAS (Es et al., 2023): 1/N * sum of cos(E(q_i), E(q)), N = 3, and 0 for an answer that says
nothing ("I do not know"). The embedding is Otto's own encoder. A figure for comparing answers to one question, not a
share: cosines of unlike questions are above 0, and of like ones seldom 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finetune.ask import Question
from finetune.item import Item, filled

if TYPE_CHECKING:
    from otto.encoder import Encoder

COUNT = 3

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}, "noncommittal": {"type": "boolean"}},
    "required": ["questions", "noncommittal"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Guessed:
    """What a judge takes the question to be."""

    questions: Sequence[str]
    noncommittal: bool
    """The answer evades."""


def question(item: Item) -> Question:
    """What a judge is asked; it does not see the question."""
    return Question(f"relevancy {item.key}", filled("judge_relevancy", answer=item.answer, count=str(COUNT)), SCHEMA)


def read(text: str) -> Guessed:
    """A judge's answer. Raises `ValueError`."""
    content = json.loads(text)
    several = content.get("questions") if isinstance(content, Mapping) else None
    if (
        not isinstance(several, list)
        or not several
        or not all(isinstance(each, str) and each.strip() for each in several)
    ):
        raise ValueError('expected {"questions": ["…"], "noncommittal": false}')
    evades = content.get("noncommittal")
    return Guessed(several[:COUNT], evades is True or str(evades).lower() in ("true", "1", "yes"))


def relevancy(asked: str, guessed: Guessed, encoder: Encoder) -> float:
    """From -1 to 1; 0 for an answer that evades."""
    if guessed.noncommittal:
        return 0.0
    real, *found = (each.sentence for each in encoder([asked, *guessed.questions]))
    return float(sum(float(real @ each) for each in found) / len(found))
