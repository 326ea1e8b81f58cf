"""The coach for the page: which models there are, an answer as it is written, and votes on answers.

    POST /api/coach         {"question": "…", "model": "tuned", "before": [{"question": "…", "answer": "…"}]}

answers with server-sent events, each one JSON: `care`, `passages`, `piece` (many), and at last `end` or `error`.
Whoever closes the connection has stopped the answer: the model is told at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse

from otto.coach.advice import Coach, Event
from otto.coach.grounding import Source
from otto.coach.named import CoachModel, coach_models
from otto.errors import OttoError
from otto.network.streaming import Interrupt
from otto.service import coachschema as shape
from otto.service.operation import EVENTS, Given, Operation
from otto.service.parts import Service
from otto.service.refusal import Refusal
from otto.store import Vote

log = logging.getLogger(__name__)

MOST = 4
"""Answers that may be under way at once: two people who compare two models."""
BODY_BYTES = 1 << 18
"""Largest question with all that went before it; largest vote."""
_TAG = "coach"
_BROKEN = "Something went wrong inside Otto; its log says what."


def operations(service: Service) -> list[Operation]:
    """All of them."""
    api = _Coaching(service)
    return [
        Operation("GET", "/api/coach/models", "Models that coach", api.models, answers=shape.CoachModels, tag=_TAG),
        Operation(
            "POST",
            "/api/coach",
            "Ask the coach; the answer comes as server-sent events",
            api.ask,
            takes=shape.CoachQuestion,
            answers=shape.CoachEvent,
            answers_media=(EVENTS,),
            most_bytes=BODY_BYTES,
            refusals=(404, 503),
            tag=_TAG,
        ),
        Operation(
            "POST",
            "/api/coach/vote",
            "Say what an answer was worth, or how it should have been; the same number again changes it",
            api.vote,
            takes=shape.CoachVote,
            answers=shape.CoachVoted,
            most_bytes=BODY_BYTES,
            refusals=(404, 503),
            tag=_TAG,
        ),
    ]


class _Coaching:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._otto = service.otto
        self._coach = Coach(service.otto.settings)
        self._under_way = 0

    async def models(self, given: Given) -> shape.CoachModels:
        try:
            found = coach_models(self._otto.settings)
        except OttoError as error:
            return shape.CoachModels(models=[], library=False, problem=str(error))
        library = self._otto.settings.library.exists()
        said = [shape.CoachModelSaid(name=each.name, model=each.model) for each in found]
        return shape.CoachModels(models=said, library=library, problem="")

    async def ask(self, given: Given) -> StreamingResponse:
        asked: shape.CoachQuestion = given.body
        try:
            models = {each.name: each for each in coach_models(self._otto.settings)}
        except OttoError as error:
            raise Refusal(404, str(error)) from error
        model = models.get(asked.model) if asked.model else next(iter(models.values()))
        if model is None:
            raise Refusal(404, f"No model of that name coaches; there are: {', '.join(models)}.")
        if self._under_way >= MOST:
            self._service.metrics.busy("coach")
            raise Refusal(503, "I am still writing other answers; try again when one is done.", retry_seconds=2)
        self._under_way += 1
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(asked, model), media_type=EVENTS, headers=headers)

    async def vote(self, given: Given) -> shape.CoachVoted:
        voted: shape.CoachVote = given.body
        votes = self._otto.store.votes

        def kept() -> Vote:
            if voted.id and not votes.has(voted.id):
                raise Refusal(404, f"There is no vote with the number {voted.id}.")
            if voted.id:
                return votes.change(voted.id, voted.verdict, voted.edit)
            before = tuple((turn.question, turn.answer) for turn in voted.before)
            now = self._otto.clock.now()
            return votes.add(Vote(now, voted.model, voted.question, voted.answer, voted.verdict, voted.edit, before))

        return shape.CoachVoted(id=(await self._service.turns.in_thread(kept)).id)

    async def _events(self, asked: shape.CoachQuestion, model: CoachModel) -> AsyncIterator[str]:
        """The answer is written in a thread of its own; closing this ends it."""
        loop, interrupt = asyncio.get_running_loop(), Interrupt()
        waiting: asyncio.Queue[shape.CoachEvent | None] = asyncio.Queue()

        def tell(event: shape.CoachEvent | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(waiting.put_nowait, event)

        def work() -> None:
            try:
                before = [(turn.question, turn.answer) for turn in asked.before]
                for event in self._coach.answer(asked.question, model, before=before, interrupt=interrupt):
                    tell(_said(event))
            except OttoError as error:
                tell(shape.CoachEvent(type="error", text=str(error)))
            except BaseException:
                tell(shape.CoachEvent(type="error", text=_BROKEN))
                raise
            finally:
                tell(None)

        try:
            threading.Thread(target=work, name="coach", daemon=True).start()
            while (event := await waiting.get()) is not None:
                yield f"data: {json.dumps(event.model_dump(exclude_defaults=True), ensure_ascii=False)}\n\n"
        finally:
            interrupt.set()
            self._under_way -= 1


def _said(event: Event) -> shape.CoachEvent:
    return shape.CoachEvent(
        type=event.type,
        text=event.text,
        kind=event.kind,
        sources=list(map(_source, event.sources)),
        stopped=event.stopped,
    )


def _source(source: Source) -> shape.CoachSource:
    return shape.CoachSource(
        number=source.number, file=source.file, page=source.page, heading=source.heading, text=source.text
    )
