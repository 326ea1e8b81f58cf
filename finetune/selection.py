"""Of several models' answers to a question, the one that a judge thinks best.

    with Journal(path) as journal:
        kept = chosen(rows, judges, journal)

By rubric, the mean over all judges; of equals the shorter. A row keeps its `source` and gains the column `score`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from finetune import rubric
from finetune.ask import Endpoint, Question, answered, ask
from finetune.duplicates import normalised
from finetune.item import Item, of_row
from finetune.journal import Journal
from finetune.judge import best
from finetune.shapes import Conversation
from finetune.workers import HERE, Workers


def chosen(
    rows: Sequence[Conversation],
    judges: Sequence[Endpoint],
    journal: Journal,
    told: Callable[[str, float], None] = lambda what, share: None,
    workers: Workers = HERE,
) -> list[Conversation]:
    """One row a question, in the order of the questions. Raises `ServiceError` where no judge can be had."""
    by_question: dict[str, list[tuple[Item, Conversation]]] = {}
    for row in rows:
        item = of_row(row)
        by_question.setdefault(normalised(item.asked), []).append((item, row))
    wanted = {
        (question := rubric.question(item)).key: question
        for several in by_question.values()
        for item, _ in (several if len(several) > 1 else ())
    }
    for number, _ in enumerate(ask(iter(wanted.values()), judges, journal, _fits, workers), 1):
        told("judging", number / max(1, len(wanted) * len(judges)))
    verdicts = {
        (judge, key.removeprefix("rubric ")): rubric.read(answer.text)
        for (key, judge), answer in answered(journal).items()
        if key in wanted
    }
    kept = []
    for several in by_question.values():
        item = best([each for each, _ in several], verdicts)
        row = next(row for each, row in several if each is item)
        means = [verdict.mean for (_, key), verdict in verdicts.items() if key == item.key]
        score = {"score": round(sum(means) / len(means), 3)} if means else {}
        kept.append(replace(row, about={**row.about, **score}))
    return kept


def _fits(question: Question, text: str) -> str:
    try:
        rubric.read(text)
    except ValueError as error:
        return str(error)
    return ""
