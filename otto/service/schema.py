"""The shapes of `/api/…`: what is sent and what is answered. The OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from otto.call import MAX_LENGTH
from otto.route import Route
from otto.turn import Turn, question_json

Conversation = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="Any name of the caller's choice: what was said before under the same name counts.",
    ),
]
Calls = Annotated[list[str], Field(description="Function calls, in the order in which they are carried out.")]
Sure = Annotated[float, Field(ge=0, le=1, description="Calibrated confidence.")]


class Taken(BaseModel):
    """Something that is sent: nothing else may stand in it, and no type is guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Said(BaseModel):
    """Something that is answered."""


_UNSAYABLE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
SAYABLE = rf"^[^{_UNSAYABLE}]*[^{_UNSAYABLE}\s][^{_UNSAYABLE}]*$"
"""What `otto.turn.clean` lets through: not blank, and without control characters. For whoever reads the description."""


class Sentence(Taken):
    text: str = Field(min_length=1, max_length=MAX_LENGTH, pattern=SAYABLE, description="What was said.")
    conversation: Conversation = ""


class Command(Sentence):
    dry_run: bool = Field(False, description="Say what would be done, and do nothing.")


class Yes(Taken):
    id: str = Field(max_length=64, description="The `confirm` of the answer that asked; good once, for two minutes.")
    yes: bool


class Correction(Taken):
    id: int = Field(0, ge=0, lt=2**63, description="Number of the command in the history; 0: `text` says which.")
    text: str = Field("", max_length=MAX_LENGTH, description="The sentence, where it stands in no history.")
    call: str = Field(min_length=1, max_length=MAX_LENGTH, description="What it means.")


class Nothing(Taken):
    """An empty object."""


class Login(Taken):
    code: str = Field(max_length=200)


class HistoryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    q: str = Field("", max_length=200, description="Only commands that hold these words.")
    count: int = Field(20, ge=1, le=1000)


class Alternative(Said):
    calls: Calls
    confidence: float


class Routed(Said):
    text: str
    calls: Calls
    confidence: Sure
    router: str
    rejected: bool = Field(description="Whether no skill applies.")
    alternatives: list[Alternative]
    trace: dict[str, str | float] = Field(description="Why: scores and thresholds.")
    timings_ms: dict[str, float] = Field(description="Milliseconds by stage.")


class Done(Said):
    call: str
    outcome: Literal["ran", "failed", "refused", "declined"]
    ok: bool
    value: str
    error: str
    seconds: float
    data: dict[str, Any] | None


class Answered(Routed):
    reply: str
    ok: bool = Field(description="Whether everything that was understood was carried out.")
    results: list[Done]
    id: int = Field(description="Number in the history; 0 where none is kept.")
    question: str = Field("", description="Not empty: nothing was done yet, and a yes is needed.")
    asks: dict[str, Any] | None = Field(
        None, description="An argument that is missing, or what it could have been: the next sentence may answer it."
    )
    confirm: str = Field("", description="What to send to `/api/confirm` with the yes or no.")


class Interrupted(Said):
    interrupted: bool


class Learnt(Said):
    text: str
    calls: Calls
    file: str = Field(description="The example file that it was added to.")
    learnt: bool = Field(description="Whether the router answers so already.")
    seconds: float


class SkillSaid(Said):
    name: str
    description: str
    parameters: dict[str, Any] = Field(description="JSON Schema.")
    risk: Literal["none", "confirm"]
    hidden: bool
    examples: int


class Skills(Said):
    version: str = Field(description="Changes whenever a skill or an example does.")
    router: str
    skills: list[SkillSaid]
    problems: list[str] = Field(description="What is wrong with them, or could be better, by file and line.")


class ExampleSaid(Said):
    text: str
    calls: Calls
    file: str
    line: int


class SkillWhole(SkillSaid):
    sentences: list[ExampleSaid]


class Entry(Said):
    id: int
    at: str = Field(description="When it was said, ISO 8601.")
    text: str
    calls: str
    confidence: float
    router: str
    ok: bool
    reply: str
    results: list[dict[str, Any]]
    timings_ms: dict[str, float]
    correction: str


class Entries(Said):
    entries: list[Entry] = Field(description="Newest first.")


class Timer(Said):
    id: int
    kind: str
    due: str
    text: str
    state: str
    remaining_seconds: float


class Timers(Said):
    timers: list[Timer]


class Transcribed(Said):
    text: str
    language: str
    confidence: float
    seconds: float = Field(description="Length of the sound.")
    milliseconds: float = Field(description="What writing it down took.")


class Health(Said):
    ok: bool


class LoggedIn(Said):
    ok: bool


class Error(Said):
    error: str


def routed(text: str, route: Route, timings_ms: Any) -> dict[str, Any]:
    """The fields of `Routed`."""
    return {
        "text": text,
        "calls": [str(call) for call in route.calls],
        "confidence": min(1.0, max(0.0, round(route.confidence, 4))),
        "router": route.router,
        "rejected": route.rejected,
        "alternatives": [
            {"calls": [str(call) for call in other.calls], "confidence": round(other.confidence, 4)}
            for other in route.alternatives
        ],
        "trace": dict(route.trace),
        "timings_ms": {stage: round(milliseconds, 3) for stage, milliseconds in timings_ms.items()},
    }


def answered(turn: Turn) -> Answered:
    """A command that was carried out."""
    results = [
        Done(
            call=str(result.call),
            outcome=result.outcome,
            ok=result.ok,
            value=result.value,
            error=result.error,
            seconds=round(result.seconds, 4),
            data=dict(result.data) if result.data is not None else None,
        )
        for result in turn.results
    ]
    fields = routed(turn.text, turn.route, turn.timings_ms)
    return Answered(
        **fields,
        reply=turn.reply.text,
        ok=turn.ok and turn.asked is None,
        results=results,
        id=turn.id,
        asks=question_json(turn.asked),
    )
