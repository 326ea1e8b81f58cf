"""The style task: the same text, said more naturally.

    otto data collect rewrites.jsonl -o data          rows: instruction or messages, the text in, the better text out
    otto train style-qwen -o runs/style
    python -m finetune.curves runs/style              reads the curves of the run, says which knob to turn

A rewrite must keep the meaning (cosine of the embedded encoder's vectors), must not be the text itself again, must be
about as long, and must keep every figure and every name.
"""

from __future__ import annotations

import re

from finetune.duplicates import normalised
from finetune.reference import words
from finetune.shapes import Conversation
from finetune.tasks.prose import ProseTask
from otto.prompt import RouterPrompt

MOST_WORDS = 400
KEEPS = 0.75
"""Cosine from which on two texts say the same."""
LENGTHS = (0.5, 1.6)
"""Of a rewrite, as a share of the text's words."""
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")


def task(prompt: RouterPrompt) -> ProseTask:
    """The style task."""
    return ProseTask(
        prompt, "style", MOST_WORDS, (changed, as_long, keeps_figures, keeps_meaning), (("meaning", meaning),)
    )


def changed(row: Conversation, answer: str) -> str:
    """A rule: it is not the text again."""
    return "it is the text unchanged" if normalised(answer) == normalised(row.question) else ""


def as_long(row: Conversation, answer: str) -> str:
    """A rule."""
    share = len(words(answer)) / max(1, len(words(row.question)))
    low, high = LENGTHS
    return "" if low <= share <= high else f"it is {share:.1f} times as long as the text"


def keeps_figures(row: Conversation, answer: str) -> str:
    """A rule."""
    lost = [figure for figure in _FIGURE.findall(row.question) if figure not in _FIGURE.findall(answer)]
    return f"{lost[0]} is lost" if lost else ""


def keeps_meaning(row: Conversation, answer: str) -> str:
    """A rule."""
    alike = meaning(row, answer)
    return "" if alike >= KEEPS else f"its meaning is another (cosine {alike:.2f})"


def meaning(row: Conversation, answer: str) -> float:
    """Cosine of text and rewrite."""
    from otto.encoder import shared

    one, other = (each.sentence for each in shared()([row.question, answer]))
    return float(one @ other)
