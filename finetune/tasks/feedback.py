"""The feedback task: what an athlete should know of a race, from its figures.

    python -m finetune.races 500 races.jsonl                made-up races with feedback, see finetune/races.py
    otto data collect races.jsonl -o data
    otto train feedback-gpt2 -o runs/feedback

A row has the shape `instruction`: the wish, the race as lines of figures (`context`: predicted and actual time,
stations, cluster), and the feedback (`response`). A figure in an answer must stand in the context, or follow from it: a
time that nobody ran is the worst that such a text can say.
"""

from __future__ import annotations

import re

from finetune.shapes import Conversation
from finetune.tasks.prose import ProseTask, marked_up
from otto.prompt import RouterPrompt

MOST_WORDS = 160
_FIGURE = re.compile(r"\d+(?::\d\d){0,2}(?:[.,]\d+)?")
_SMALL = 10
"""Whole numbers up to this one are counts of anything."""


def task(prompt: RouterPrompt) -> ProseTask:
    """The feedback task."""
    return ProseTask(
        prompt, "feedback", MOST_WORDS, (marked_up, true_to_figures, says_figures), (("grounded", grounded),)
    )


def true_to_figures(row: Conversation, answer: str) -> str:
    """A rule: no figure is made up."""
    made_up = [figure for figure in figures(answer) if not follows(figure, row.question)]
    return f"{made_up[0]} stands in no figure of the race" if made_up else ""


def says_figures(row: Conversation, answer: str) -> str:
    """A rule: it says something of this race, and not of any."""
    given = figures(row.question)
    return "" if any(figure in given for figure in figures(answer)) else "it names no figure of the race"


def grounded(row: Conversation, answer: str) -> float:
    """Share of an answer's figures that stand in the race or follow from it; 1 where it has none."""
    found = figures(answer)
    return sum(follows(figure, row.question) for figure in found) / len(found) if found else 1.0


def figures(text: str) -> list[str]:
    """Times and numbers, as they are written."""
    return [found.group() for found in _FIGURE.finditer(text)]


def follows(figure: str, context: str) -> bool:
    """Whether a figure stands in the context, is the difference of two times there, or counts something small."""
    given = figures(context)
    if figure in given:
        return True
    if ":" not in figure:
        value = float(figure.replace(",", "."))
        return (value.is_integer() and value <= _SMALL) or value in {
            float(each.replace(",", ".")) for each in given if ":" not in each
        }
    times = sorted({seconds(each) for each in given if ":" in each})
    differences = {abs(one - other) for one in times for other in times}
    return seconds(figure) in differences | set(times)


def seconds(time: str) -> int:
    """1:02:03 and 62:03 alike."""
    total = 0
    for part in time.split(":"):
        total = 60 * total + int(float(part.replace(",", ".")))
    return total
