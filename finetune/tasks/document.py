"""The document task: answers about one document, learnt from some of its sections and tested on others.

    otto data questions --document guide.pdf --model mistral-small -o data/guide.jsonl     and data/guide.test.jsonl
    otto data answers data/guide.jsonl --models models.toml -o answers.jsonl
    otto train document -o runs/document

A row's question may carry the section that it is about (`context`); where it does, the model reads it with the question
and must stay with it, else it answers from what it has learnt. Scores before and after tuning are those of the same
test questions (`otto eval write --base`, `otto eval judge`).
"""

from __future__ import annotations

from finetune.reference import overlap, words
from finetune.shapes import Conversation
from finetune.tasks.prose import ProseTask, marked_up
from otto.prompt import RouterPrompt

MOST_WORDS = 200
_LONG = 4
"""Letters from which on a word carries meaning."""


def task(prompt: RouterPrompt) -> ProseTask:
    """The document task."""
    return ProseTask(prompt, "document", MOST_WORDS, (marked_up,), (("overlap", near), ("from_context", from_context)))


def near(row: Conversation, answer: str) -> float:
    """Words in common with the reference, as F1."""
    return overlap(answer, row.answer)


def from_context(row: Conversation, answer: str) -> float:
    """Share of an answer's longer words that stand in the question with its section."""
    given = set(words(row.question))
    said = [word for word in words(answer) if len(word) >= _LONG]
    return sum(word in given for word in said) / len(said) if said else 0.0
