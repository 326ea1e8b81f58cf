"""The coach's task: a runner's question in, a short answer in Markdown out.

    otto data answers finetune/tasks/coach_questions.jsonl --models models.toml -o answers.jsonl
    otto data collect answers.jsonl -o data
    otto train coach-qlora -o runs/coach

`coach_outline.md` says what runners may ask, by topic; `coach_questions.jsonl` are questions of our own along it. Rows
are conversations, so that an answer may refer to an earlier one. An answer keeps within 180 words, renders as Markdown,
and has no headings, which a page of short answers does not want.
"""

from __future__ import annotations

import re
from pathlib import Path

from finetune.shapes import Conversation
from finetune.tasks.prose import ProseTask, marked_up
from otto.prompt import RouterPrompt

OUTLINE = Path(__file__).with_name("coach_outline.md")
QUESTIONS = Path(__file__).with_name("coach_questions.jsonl")
MOST_WORDS = 180
"""As `prompts/coach.txt` asks for."""
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s", re.MULTILINE)


def task(prompt: RouterPrompt) -> ProseTask:
    """The coach's."""
    return ProseTask(prompt, "coach", MOST_WORDS, (marked_up, without_heading))


def without_heading(row: Conversation, answer: str) -> str:
    """A rule."""
    return "it has a heading" if _HEADING.search(answer) else ""
