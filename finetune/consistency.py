"""Self-consistency: what a model says differently each time it may have made up.

    questions(item)                     a judge holds the answer's sentences against each further answer of the model
    inconsistency(verdicts)             a sentence's: 0 (all others support it) to 1 (none does)
    flagged(...)                        whether a person should look

SelfCheckGPT with prompts (Manakul et al., 2023): the same question is answered again, drawn, and for each sentence the
judge says whether each further answer supports it: yes 0, no 1, unclear 0.5. The paper asks a sentence at a time; here
all sentences of an answer are asked at once. It finds what a model does not know; what it is surely wrong about, it
cannot find.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from finetune.ask import Question
from finetune.item import Item, filled

FLAG = 0.5
"""Mean inconsistency of a sentence from which on a person should look."""
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"supported": {"type": "array", "items": {"type": "string", "enum": ["yes", "no", "unclear"]}}},
    "required": ["supported"],
    "additionalProperties": False,
}
_WORTH = {"yes": 0.0, "true": 0.0, "no": 1.0, "false": 1.0, "unclear": 0.5, "n/a": 0.5}
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ0-9*_\"'-])|\n+")
_WORD = re.compile(r"\w{2}")


def sentences(text: str) -> list[str]:
    """Of an answer; list items count as such."""
    return [each.strip() for each in _SENTENCE.split(text) if _WORD.search(each)]


def questions(item: Item) -> list[Question]:
    """One for each further answer."""
    listed = "\n".join(f"{number}. {each}" for number, each in enumerate(sentences(item.answer), 1))
    return [
        Question(
            f"consistency {number} {item.key}", filled("judge_consistency", sample=sample, sentences=listed), SCHEMA
        )
        for number, sample in enumerate(item.samples, 1)
    ]


def read(text: str) -> list[float]:
    """For each sentence 0, 0.5 or 1. Raises `ValueError`."""
    content = json.loads(text)
    several = content.get("supported") if isinstance(content, Mapping) else None
    if not isinstance(several, list) or not several:
        raise ValueError('expected {"supported": ["yes", "no", …]}')
    found = [_WORTH.get(str(each).strip().lower().rstrip(".")) for each in several]
    if None in found:
        raise ValueError("expected yes, no or unclear for every sentence")
    return [each for each in found if each is not None]


def inconsistency(verdicts: Sequence[Sequence[float]], count: int) -> list[float]:
    """The mean of each of `count` sentences over all further answers; a verdict of another length does not count."""
    usable = [each for each in verdicts if len(each) == count]
    return [sum(each[place] for each in usable) / len(usable) for place in range(count)] if usable else []


def flagged(scores: Sequence[float]) -> list[int]:
    """Places of the sentences that a person should look at."""
    return [place for place, score in enumerate(scores) if score >= FLAG]
