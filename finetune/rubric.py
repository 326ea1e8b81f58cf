"""The rubric: an answer judged alone, by seven criteria from 1 to 5 with a reason each, all of the same weight.

    question(item)                 what a judge is asked
    read(answer.text).mean         the mean of the seven, 1 to 5

The words are in `prompts/judge_rubric.txt`. Judges that are language models favour long answers and answers of their
own family: compare lengths (`finetune/reference.py`), and take a judge of another family than the judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from finetune.ask import Question
from finetune.item import Item, filled

CRITERIA = ("relevance", "completeness", "clarity", "coherence", "originality", "engagement", "support_and_evidence")
LOW, HIGH = 1, 5
_NUMBER = re.compile(r"\s*([0-9]+(?:\.0+)?)\s*(?:/\s*5|out of 5)?\s*$")

_EACH = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "minimum": LOW, "maximum": HIGH}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": dict.fromkeys(CRITERIA, _EACH),
    "required": list(CRITERIA),
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge's on one answer."""

    scores: Mapping[str, int]
    reasons: Mapping[str, str]

    @property
    def mean(self) -> float:
        return sum(self.scores.values()) / len(self.scores)


def question(item: Item) -> Question:
    """What a judge is asked."""
    return Question(f"rubric {item.key}", filled("judge_rubric", question=item.asked, answer=item.answer), SCHEMA)


def read(text: str) -> Verdict:
    """A judge's answer. Raises `ValueError` saying what is wrong with it."""
    content = json.loads(text)
    if not isinstance(content, Mapping):
        raise ValueError("expected an object with the criteria")
    named = {re.sub(r"\W+", "_", str(name).strip().lower()): value for name, value in content.items()}
    scores, reasons = {}, {}
    for name in CRITERIA:
        if name not in named:
            raise ValueError(f"the criterion {name} is missing")
        each = named[name]
        scores[name] = _score(name, each.get("score") if isinstance(each, Mapping) else each)
        reasons[name] = str(each.get("reason") or "") if isinstance(each, Mapping) else ""
    return Verdict(scores, reasons)


def _score(name: str, value: object) -> int:
    """4, 4.0, "4" and "4/5" are meant alike."""
    found = _NUMBER.match(str(value)) if not isinstance(value, bool) else None
    if found is None or not LOW <= float(found[1]) <= HIGH:
        raise ValueError(f"{name}: {value!r} is no whole number from {LOW} to {HIGH}")
    return int(float(found[1]))
