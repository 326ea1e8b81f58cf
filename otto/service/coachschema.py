"""The shapes of `/api/coach`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from otto.coach.advice import LONGEST_QUESTION
from otto.coach.grounding import TURNS
from otto.coach.writing import MOST_CHARACTERS
from otto.service.schema import Said, Taken

_QUESTION = Field(min_length=1, max_length=LONGEST_QUESTION)
_ANSWER = Field(max_length=MOST_CHARACTERS)


class CoachTurn(Taken):
    question: str = _QUESTION
    answer: str = _ANSWER


Before = Annotated[
    list[CoachTurn], Field(max_length=TURNS, description="What went before in the conversation, oldest first.")
]


class CoachQuestion(Taken):
    question: str = _QUESTION
    model: str = Field("", max_length=200, description="A name of `GET /api/coach/models`; empty: the first.")
    before: Before = []


class CoachVote(Taken):
    id: int = Field(0, ge=0, lt=2**63, strict=False, description="0: a new vote; otherwise the one to change.")
    model: str = Field(max_length=200)
    question: str = _QUESTION
    answer: str = _ANSWER
    before: Before = []
    verdict: Literal["", "up", "down"] = ""
    edit: str = Field("", max_length=MOST_CHARACTERS, description="The answer as it should have been; empty: as it is.")


class CoachVoted(Said):
    id: int


class CoachModelSaid(Said):
    name: str
    model: str


class CoachModels(Said):
    models: list[CoachModelSaid]
    library: bool = Field(description="Whether documents are looked up.")
    problem: str = Field(description="Why there is no model.")


class CoachSource(Said):
    number: int = Field(description="As the answer cites it: [1].")
    file: str
    page: int = Field(description="0: the document has none.")
    heading: str
    text: str


class CoachEvent(Said):
    """One server-sent event; what is empty is left out."""

    type: Literal["care", "passages", "piece", "end", "error"]
    text: str = ""
    kind: Literal["", "medical", "harm", "crisis", "emergency"] = ""
    sources: list[CoachSource] = []
    stopped: bool = False
