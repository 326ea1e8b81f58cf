"""The coach: a question in, an answer bit by bit out, with care before it and sources behind it.

    coach = Coach(settings, encode)
    for event in coach.answer("How long should my long run be?", model): ...

What is asked first is whether a coach may answer at all (`care.py`). Then passages of the user's documents are
looked up, if there is a library, and the model writes. An answer is text and nothing else: no tool is offered to the
model, and nothing that it writes is carried out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from otto.coach.care import Care, Kind, care
from otto.coach.grounding import Source, cited, messages
from otto.coach.named import CoachModel
from otto.coach.writing import SECONDS, pieces
from otto.errors import SkillError

if TYPE_CHECKING:
    from otto.config import Settings
    from otto.encoder import Encode
    from otto.library.passages import Passage
    from otto.network.streaming import Interrupt

LONGEST_QUESTION = 4000
"""Characters."""

Turns = Sequence[tuple[str, str]]
"""What went before: each question with its answer, oldest first."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens on the way to an answer, in this order: care, passages, pieces, end."""

    type: Literal["care", "passages", "piece", "end"]
    text: str = ""
    """What is said: the warning or the refusal, the next piece; at the end the whole answer."""
    kind: Kind = ""
    """Of a question that needs care."""
    sources: tuple[Source, ...] = ()
    """Passages that were looked up; at the end those that the answer cites."""
    stopped: bool = False
    """Whether somebody ended it early."""


class Coach:
    """From any thread; answers of several may be under way at once."""

    def __init__(self, settings: Settings, encode: Encode | None = None) -> None:
        """`encode`: the encoder of this process when None."""
        self._settings = settings
        self._encode = encode
        self._loading = threading.Lock()

    def answer(
        self,
        question: str,
        model: CoachModel,
        *,
        before: Turns = (),
        interrupt: Interrupt | None = None,
        seconds: float = SECONDS,
    ) -> Iterator[Event]:
        """The events of one answer. `interrupt`: set from elsewhere, it ends the answer where it is. Raises
        `SkillError`, `FetchError` and `ModelFileError` with a sentence for the user."""
        from otto.network.streaming import Interrupt

        stop = interrupt or Interrupt()
        question = question.strip()
        if not question:
            raise SkillError("What would you like to know?")
        if len(question) > LONGEST_QUESTION:
            raise SkillError(f"That is too long: {len(question):,} characters, at most {LONGEST_QUESTION:,}.")
        needed = self.care(question)
        if needed.kind:
            yield Event("care", needed.text, needed.kind)
        if needed.refuses:
            yield Event("end", kind=needed.kind)
            return
        found = self.passages(question)
        if found:
            yield Event("passages", sources=tuple(map(Source.of, found)))
        said = ""
        for piece in pieces(model, messages(question, before, found), stop, seconds):
            said += piece
            yield Event("piece", piece)
        if not said.strip() and not stop.is_set:
            raise SkillError(f"{model.name} answered nothing.")
        yield Event("end", said, needed.kind, cited(said, found), stop.is_set)

    def care(self, question: str) -> Care:
        """What the question calls for. Raises `ModelFileError`."""
        return care(question, self._encoder())

    def passages(self, question: str) -> Sequence[Passage]:
        """What the user's documents say about it; empty where nothing is indexed."""
        if not self._settings.library.exists():
            return ()
        from otto.library.index import Library

        with Library(self._settings.library, self._encoder()) as library:
            return library.find(question)

    def _encoder(self) -> Encode:
        with self._loading:
            if self._encode is None:
                from otto.encoder import shared

                self._encode = shared(self._settings.cache_folder)
            return self._encode
