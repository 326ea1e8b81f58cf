"""What tasks whose answers are texts have in common: a conversation in, a text out, rules that it must keep.

    task = ProseTask(prompt, "coach", most_words=180, rules=(short, marked_up))
    task.faults(row, answer)          ['215 words; 180 are allowed']

A rule looks at a row and an answer and says what is wrong, or nothing. An answer that breaks none is `right`: that says
that it can be shown, not that it is wise; what is wise, judges say (`finetune/judge.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from finetune.duplicates import normalised
from finetune.reference import markdown_faults, reading_ease, rouge_l, words
from finetune.shapes import Conversation
from finetune.tasks import Score
from otto.prompt import Message, RouterPrompt

Rule = Callable[[Conversation, str], str]
"""What is wrong with an answer to a row; empty when nothing is."""
Measure = Callable[[Conversation, str], float]
TOKENS_A_WORD = 2
"""Generously, so that an answer within its words is never cut."""


@dataclass(frozen=True)
class ProseTask:
    """Keeps the `Task` protocol."""

    prompt: RouterPrompt
    """Framing and system text; a row's own system text counts instead."""
    name: str
    most_words: int = 180
    """Of an answer."""
    rules: tuple[Rule, ...] = ()
    measures: tuple[tuple[str, Measure], ...] = ()
    """By name; means are reported."""

    @property
    def most_tokens(self) -> int:
        return self.most_words * TOKENS_A_WORD

    def messages(self, row: Conversation) -> tuple[Message, ...]:
        """What the model is asked: everything before the answer."""
        asked = row.messages[:-1] if row.messages[-1].role == "assistant" else row.messages
        if asked[0].role == "system" or not self.prompt.system:
            return asked
        return (Message("system", self.prompt.system), *asked)

    def opening(self, row: Conversation) -> str:
        return self.prompt.format.opening(self.messages(row))

    def training(self, row: Conversation) -> tuple[str, str]:
        return self.opening(row), self.prompt.format.completion(row.answer)

    def faults(self, row: Conversation, answer: str) -> list[str]:
        """Which rules an answer breaks."""
        if not words(answer):
            return ["there is no word in it"]
        said = len(words(answer))
        long = [f"{said} words; {self.most_words} are allowed"] if said > self.most_words else []
        return long + [fault for rule in self.rules if (fault := rule(row, answer))]

    def score(self, row: Conversation, answer: str) -> Score:
        measured = {"words": float(len(words(answer))), "rouge_l": rouge_l(answer, row.answer),
                    "ease": reading_ease(answer)}  # fmt: skip
        measured |= {name: measure(row, answer) for name, measure in self.measures}
        faults = self.faults(row, answer)
        return Score(not faults, normalised(answer) == normalised(row.answer), self.usable(answer), measured)

    def usable(self, answer: str) -> bool:
        """Whether there is anything to read."""
        return bool(words(answer))


def marked_up(row: Conversation, answer: str) -> str:
    """A rule: its Markdown can be rendered."""
    return "; ".join(markdown_faults(answer))
