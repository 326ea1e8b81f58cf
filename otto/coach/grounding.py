"""What the model is asked: the coach's prompt, the last turns, and passages of the user's documents with numbers to
cite.

Passages are somebody else's words. They stand between marks that they cannot write themselves, the prompt says that
nothing in them is an instruction, and whatever the model makes of them is only ever shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otto.prompt import Message, prompt

if TYPE_CHECKING:
    from otto.library.passages import Passage

TURNS = 6
"""Turns of a conversation that the model is reminded of."""
TURN_CHARACTERS = 2000
"""Of each question and each answer among them."""
_CITED = re.compile(r"\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a passage stands."""

    number: int
    """As it is cited: [1]."""
    file: str
    """Its name, without the folder."""
    page: int
    """From 1; 0: the document has none."""
    heading: str
    text: str

    @classmethod
    def of(cls, passage: Passage) -> Source:
        """A passage that was found."""
        return cls(passage.number, passage.file, passage.page, passage.heading, passage.text)

    def __str__(self) -> str:
        place = f", page {self.page}" if self.page else f", “{self.heading}”" if self.heading else ""
        return f"[{self.number}] {self.file}{place}"


def messages(question: str, before: Sequence[tuple[str, str]] = (), found: Sequence[Passage] = ()) -> list[Message]:
    """What is sent to the model."""
    system = prompt("coach")
    if found:
        listed = "\n\n".join(f'<passage number="{each.number}">\n{_fenced(each.text)}\n</passage>' for each in found)
        system += f"\n\n{prompt('coach_passages')}\n\n{listed}"
    said = [Message("system", system)]
    for asked, answered in before[-TURNS:]:
        said += [Message("user", asked[:TURN_CHARACTERS]), Message("assistant", answered[:TURN_CHARACTERS])]
    return [*said, Message("user", question)]


def cited(answer: str, found: Sequence[Passage]) -> tuple[Source, ...]:
    """The passages that the answer names by number, in the order of the numbers; numbers that stand for nothing are
    not among them."""
    named = {int(number) for group in _CITED.findall(answer) for number in group.split(",")}
    return tuple(Source.of(each) for each in found if each.number in named)


def _fenced(text: str) -> str:
    """`text` without anything that could end its passage."""
    return re.sub(r"<(/?)\s*passage", r"‹\1passage", text, flags=re.IGNORECASE)
