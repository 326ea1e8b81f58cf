"""Faithfulness: which share of what an answer claims its context supports.

    question(item)            a judge lists the answer's claims and says of each whether the context supports it
    faithfulness(read(text))  supported / all; None for an answer that claims nothing

The definition is that of RAGAS (Es et al., 2023); there, two questions are asked, here it is one. Needs rows with a
`context`: the section, or what retrieval found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.ask import Question
from finetune.item import Item, filled

_CLAIM = {
    "type": "object",
    "properties": {"claim": {"type": "string"}, "supported": {"type": "boolean"}},
    "required": ["claim", "supported"],
    "additionalProperties": False,
}
SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"claims": {"type": "array", "items": _CLAIM}},
    "required": ["claims"],
    "additionalProperties": False,
}
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an answer says."""

    text: str
    supported: bool


def question(item: Item) -> Question:
    """What a judge is asked."""
    return Question(
        f"faithfulness {item.key}",
        filled("judge_faithfulness", context=item.context, question=item.asked, answer=item.answer),
        SCHEMA,
    )


def read(text: str) -> list[Claim]:
    """A judge's answer. Raises `ValueError`."""
    content = json.loads(text)
    several = content.get("claims") if isinstance(content, Mapping) else None
    if not isinstance(several, list):
        raise ValueError('expected {"claims": [{"claim": "…", "supported": true}]}')
    found = []
    for each in several:
        said = str(each.get("supported")).strip().lower() if isinstance(each, Mapping) else ""
        if said not in _YES + _NO or not isinstance(each.get("claim"), str):
            raise ValueError("expected a claim, and true or false, in every entry")
        found.append(Claim(each["claim"], said in _YES))
    return found


def faithfulness(claims: Sequence[Claim]) -> float | None:
    """From 0 to 1; None where nothing is claimed."""
    return sum(each.supported for each in claims) / len(claims) if claims else None
