"""Two answers side by side: which is better, asked in both orders.

    questions(one, other)               two questions, the second with the answers swapped
    outcome(first, second)              "one", "other" or "tie"; a judge who changes his mind with the order: a tie
    standing(outcomes).share            share won by the first model, ties half, with its confidence interval
    position(verdicts).first            how often the answer that stood first was preferred, whatever it was

Zheng et al., Judging LLM-as-a-judge with MT-Bench and Chatbot Arena (2023): swapping is the remedy for position bias,
and the share of changed minds is its measure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from finetune.ask import Question
from finetune.interval import Interval, bootstrap, wilson
from finetune.item import Item, filled
from finetune.score import mcnemar

Choice = Literal["first", "second", "tie"]
"""What a judge says, by the place where an answer stood."""
Outcome = Literal["one", "other", "tie"]
"""What follows for the two models."""
SURE = 0.05
"""Chance below which a preference for a place is called a bias."""

SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "better": {"type": "string", "enum": ["1", "2", "tie"]}},
    "required": ["reason", "better"],
    "additionalProperties": False,
}
_CHOICES: Mapping[str, Choice] = {
    "1": "first", "answer 1": "first", "first": "first", "a": "first",
    "2": "second", "answer 2": "second", "second": "second", "b": "second",
    "tie": "tie", "equal": "tie", "both": "tie", "draw": "tie", "0": "tie",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's on two answers in one order."""

    choice: Choice
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """One model against another."""

    wins: int
    losses: int
    ties: int
    """Those with a changed mind among them."""
    changed: int
    share: Interval
    """Of the first model: wins and half of the ties."""
    p: float
    """Probability of so lopsided wins and losses if neither were better (exact sign test, two-sided)."""


@dataclass(frozen=True, slots=True)
class Position:
    """What the place of an answer did."""

    first: Interval
    """Of all verdicts that are no tie, those for the answer that stood first; 0.5 where the place does nothing."""
    changed: Interval
    """Of all pairs, those where the judge changed his mind with the order."""
    p: float
    """Probability of so many for one place if it did nothing."""

    @property
    def biased(self) -> bool:
        return self.p < SURE


def questions(one: Item, other: Item) -> tuple[Question, Question]:
    """Both orders; in the first `one` stands first."""
    return _question(one, other), _question(other, one)


def read(text: str) -> Verdict:
    """A judge's answer. Raises `ValueError`."""
    content = json.loads(text)
    said = content.get("better") if isinstance(content, Mapping) else None
    choice = _CHOICES.get(str(said).strip().lower())
    if choice is None:
        raise ValueError(f'expected {{"better": "1", "2" or "tie"}}, not {said!r}')
    return Verdict(choice, str(content.get("reason") or ""))


def outcome(straight: Choice, swapped: Choice) -> Outcome:
    """Of both orders. Only who is preferred in both has won."""
    if (straight, swapped) == ("first", "second"):
        return "one"
    return "other" if (straight, swapped) == ("second", "first") else "tie"


def standing(pairs: Sequence[tuple[Choice, Choice]]) -> Standing:
    """Over (straight, swapped) choices."""
    counted = Counter(outcome(*pair) for pair in pairs)
    worth = {"one": 1.0, "tie": 0.5, "other": 0.0}
    share = bootstrap([worth[outcome(*pair)] for pair in pairs])
    changed = sum(_changed(pair) for pair in pairs)
    wins, losses = counted["one"], counted["other"]
    return Standing(wins, losses, counted["tie"], changed, share, mcnemar(wins, losses))


def position(pairs: Sequence[tuple[Choice, Choice]]) -> Position:
    """Over (straight, swapped) choices: in both, `first` is the place and not the model.

    The two verdicts on a pair are not independent: a better answer is preferred in both orders, once for each place,
    and says nothing about places. So the test counts pairs with a changed mind alone.
    """
    choices = [choice for pair in pairs for choice in pair if choice != "tie"]
    changed = [pair for pair in pairs if _changed(pair)]
    lean = [
        (pair.count("first") > pair.count("second")) - (pair.count("first") < pair.count("second")) for pair in changed
    ]
    return Position(
        wilson(choices.count("first"), len(choices)),
        wilson(len(changed), len(pairs)),
        mcnemar(lean.count(1), lean.count(-1)),
    )


def _changed(pair: tuple[Choice, Choice]) -> bool:
    """Whether the order made a difference: the same place twice, or a tie in one order alone."""
    return pair not in (("first", "second"), ("second", "first"), ("tie", "tie"))


def _question(one: Item, other: Item) -> Question:
    messages = filled("judge_pair", question=one.asked, first=one.answer, second=other.answer)
    return Question(f"pair {one.key} {other.key}", messages, SCHEMA)
