"""One command, from what was said to what is answered: route, dispatch, reply, history.

>>> with Assistant(settings, confirm=ask_at_terminal) as otto:
...     otto.turn("set a timer for ten minutes").reply
Reply('The timer is set for 10 minutes.')
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from otto import question
from otto.call import MAX_LENGTH, OTHER, Call, write
from otto.clock import Clock, SystemClock
from otto.config import Folders, Settings, folders
from otto.conversation import Conversation
from otto.dispatch import Dispatcher, Result
from otto.errors import OttoError, StoreError
from otto.registry.live import Live, Ready
from otto.reply import Reply
from otto.route import Context, Question, Route
from otto.skill import Skill
from otto.store import Entry, open_store
from otto.trail import Trail

NOT_UNDERSTOOD = "Sorry, I don't know how to do that."
DROPPED = "All right."
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class UtteranceError(OttoError):
    """A text that is no command: empty, far too long, or not text. Seen by the user."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything about one command."""

    text: str
    route: Route
    results: tuple[Result, ...]
    reply: Reply
    timings_ms: Mapping[str, float]
    """Milliseconds by stage: `route`, `dispatch`, `store`; by voice also `transcribe` and `wait` before them."""
    id: int = 0
    """Row in the history; 0 when none is kept."""
    asked: Question | None = None
    """What the reply asks, when it asks for an argument or which of several things was meant."""

    @property
    def ok(self) -> bool:
        """Whether everything that was understood was carried out."""
        return not self.route.rejected and all(result.ok for result in self.results)

    def to_json(self) -> dict[str, object]:
        """What `otto ask --json` prints."""
        return {
            "text": self.text,
            "calls": [str(call) for call in self.route.calls],
            "confidence": round(self.route.confidence, 4),
            "router": self.route.router,
            "alternatives": [
                {"calls": [str(call) for call in other.calls], "confidence": round(other.confidence, 4)}
                for other in self.route.alternatives
            ],
            "results": [result_json(result) for result in self.results],
            "reply": self.reply.text,
            "asks": question_json(self.asked),
            "timings_ms": {stage: round(milliseconds, 2) for stage, milliseconds in self.timings_ms.items()},
        }


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text means, before anything is done about it."""

    text: str
    route: Route
    ready: Ready
    """The skills it was understood with; it is carried out with the same ones."""
    timings_ms: Mapping[str, float]
    """Milliseconds by stage so far: `route`, and before it whatever the voice loop measured."""
    conversation: Conversation | None = None
    """Whose sentence it is; None: it stands alone."""
    asked: Question | None = None
    """What to ask in place of carrying it out."""


def result_json(result: Result) -> dict[str, object]:
    """One result as `--json` and the history hold it."""
    return {
        "call": str(result.call),
        "ok": result.ok,
        "value": result.value,
        "error": result.error,
        "seconds": round(result.seconds, 4),
    }


def question_json(asked: Question | None) -> dict[str, object] | None:
    """What Otto asks, as `--json` shows it."""
    if asked is None:
        return None
    if asked.options:
        return {"options": [[str(call) for call in option] for option in asked.options]}
    return {"skill": asked.calls[0].name, "parameter": asked.parameter, "calls": [str(call) for call in asked.calls]}


def clean(text: str) -> str:
    """`text` with its spaces tidied. Raises `UtteranceError` for what cannot be a command."""
    if found := _CONTROLS.search(text):
        raise UtteranceError(f"That is not text: it holds the control character U+{ord(found.group()):04X}.")
    tidy = " ".join(text.split())
    if not tidy:
        raise UtteranceError("I heard nothing: say a command, such as: set a timer for ten minutes")
    if len(tidy) > MAX_LENGTH:
        raise UtteranceError(f"That is too long for a command: {len(tidy):,} characters, at most {MAX_LENGTH}.")
    return tidy


class Assistant:
    """Skills, router, dispatcher and store, for as long as one process answers."""

    def __init__(
        self,
        settings: Settings,
        confirm: Callable[[Skill, Call], bool],
        *,
        where: Folders | None = None,
        clock: Clock | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.store = open_store(settings.database)
        # Before the router, so that the worker process starts while the router loads.
        self.trail = Trail(self.store.audit, self.clock, whole=settings.history)
        self.dispatcher = Dispatcher(settings, self.trail.asking(confirm))
        self.live = Live(settings, where or folders(settings), progress)
        self._last_reply = ""
        self._routing = threading.Lock()  # a router is for one thread at a time

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.dispatcher.close()
        self.live.close()
        self.store.close()

    def turn(self, text: str, conversation: Conversation | None = None, *, dry_run: bool = False) -> Turn:
        """Carries out what `text` means. Raises `UtteranceError`; whatever a skill does wrong is in the results."""
        return self.carry_out(self.understand(text, conversation), dry_run=dry_run)

    def understand(self, text: str, conversation: Conversation | None = None) -> Understood:
        """What `text` means. Nothing is carried out or kept. Raises `UtteranceError`.

        `conversation`: what went before, with whoever says it; None: nothing did.
        """
        said = clean(text)
        ready, started = self.live.ready, time.perf_counter()
        now = self.clock.now()
        with self._routing:
            route = ready.router.route(said, conversation.context(now) if conversation else Context(now))
        timings = {"route": 1000 * (time.perf_counter() - started)}
        skills = {name: entry.skill for name, entry in ready.snapshot.skills.items()}
        asked = question.unsure(route, skills) if conversation else None
        return Understood(said, route, ready, timings, conversation, asked)

    def carry_out(self, understood: Understood, *, dry_run: bool = False) -> Turn:
        """Does what was understood, and keeps it in the history."""
        route, snapshot, now = understood.route, understood.ready.snapshot, self.clock.now()
        started = time.perf_counter()
        talk, asked = understood.conversation, understood.asked
        calls = () if route.rejected or asked else route.calls
        results = self.dispatcher.run(
            calls,
            snapshot,
            now,
            dry_run=dry_run,
            last_reply=self.last_reply(),
            text=understood.text,
            done=talk.done if talk else (),
        )
        ended = time.perf_counter()
        asked = asked or waiting(results)
        reply = spoken(route, results, asked)
        if talk:
            talk.remember(understood.text, route, results, asked, now)
        if dry_run and not route.rejected:
            self.trail.dry(route.calls)
        self.trail.results(results)
        timings = {**understood.timings_ms, "dispatch": 1000 * (ended - started)}
        turn = Turn(understood.text, route, results, reply, timings, asked=asked)
        if not dry_run:
            turn = self._remembered(turn, started=ended)
        self._last_reply = reply.text
        return turn

    def cancel(self) -> None:
        """Ends what is being carried out, if anything is. From any thread."""
        self.dispatcher.cancel()

    def last_reply(self) -> str:
        """What was said last, also by an earlier process."""
        if not self._last_reply and self.settings.history:
            with suppress(StoreError):  # a store that is away; whatever needs it will say so
                self._last_reply = next((entry.reply for entry in self.store.history.last(1)), "")
        return self._last_reply

    def _remembered(self, turn: Turn, started: float) -> Turn:
        if not self.settings.history:
            return turn
        try:
            entry = self.store.history.add(
                Entry(
                    at=self.clock.now(),
                    text=turn.text,
                    calls=write(turn.route.calls),
                    confidence=turn.route.confidence,
                    router=turn.route.router,
                    ok=turn.ok,
                    reply=turn.reply.text,
                    results=tuple(result_json(result) for result in turn.results),
                    timings_ms=turn.timings_ms,
                )
            )
        except StoreError as error:
            return replace(turn, reply=Reply(f"{turn.reply.text} ({error})"))
        timings = {**turn.timings_ms, "store": 1000 * (time.perf_counter() - started)}
        return replace(turn, timings_ms=timings, id=entry.id)


def lacking(understood: Understood) -> bool:
    """Whether a needed argument was not said."""
    skills = understood.ready.snapshot.skills
    calls = [call for call in understood.route.calls if call.name in skills]
    return any(question.missing(skills[call.name].skill, call) for call in calls)


def waiting(results: tuple[Result, ...]) -> Question | None:
    """What waits for an argument that the last reached result asks for."""
    place = next((place for place, result in enumerate(results) if result.asks), None)
    if place is None:
        return None
    return Question(tuple(result.call for result in results[place:]), results[place].asks)


def spoken(route: Route, results: tuple[Result, ...], asked: Question | None = None) -> Reply:
    """What to answer: each result in a sentence; for a dry run, what would be done. A question comes last."""
    if asked and asked.options:
        return Reply(question.did_you_mean(asked.options))
    if route.rejected:
        return Reply(DROPPED if "follow-up" in route.trace else NOT_UNDERSTOOD)
    if not results:
        return Reply(f"I would run {write(call for call in route.calls if call.name != OTHER)}.")
    sentences = [result.value if result.ok else result.error for result in results if result.reached or not asked]
    data = next((result.data for result in results if result.data), None)
    return Reply(" ".join(sentence for sentence in sentences if sentence), data)
