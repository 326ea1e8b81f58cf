"""Otto's own operations, `/api/…`: understand, do, correct, and look at what there is.

operations(service)         # a list of `Operation`
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.responses import Response

from otto.call import Call, parse, write
from otto.example import Example
from otto.examples.check import check
from otto.examples.correction import correct, validated
from otto.registry.snapshot import Registered, Snapshot
from otto.service import metrics, schema
from otto.service.operation import SOUND, SOUND_BYTES, Given, Operation
from otto.service.parts import Service
from otto.service.refusal import Refusal
from otto.skill import same_calls, to_json
from otto.store import Entry
from otto.turn import clean

LEARN_SECONDS = 8.0
"""How long a correction waits for the router to have learnt it, before it says that it has not yet."""
_LOOK_SECONDS = 0.05


def operations(service: Service) -> list[Operation]:
    """All of them."""
    api = _Api(service)
    return [
        Operation(
            "POST",
            "/api/route",
            "What a sentence means; nothing is done",
            api.route,
            takes=schema.Sentence,
            answers=schema.Routed,
            refusals=(503,),
        ),
        Operation(
            "POST",
            "/api/ask",
            "Carry out a command; a risky one asks for a yes first",
            api.ask,
            takes=schema.Command,
            answers=schema.Answered,
            refusals=(409, 503),
        ),
        Operation(
            "POST",
            "/api/confirm",
            "Say yes or no to a risky command",
            api.confirm,
            takes=schema.Yes,
            answers=schema.Answered,
            refusals=(404, 409, 503),
        ),
        Operation(
            "POST",
            "/api/cancel",
            "End what is being done, and drop what waits",
            api.cancel,
            takes=schema.Nothing,
            answers=schema.Interrupted,
        ),
        Operation(
            "POST",
            "/api/correct",
            "Say what a command should have meant: it becomes an example and a test",
            api.correct,
            takes=schema.Correction,
            answers=schema.Learnt,
            refusals=(404, 503),
        ),
        Operation(
            "POST",
            "/api/transcribe",
            "Write down what is said in a recording of at most 15 s",
            api.transcribe,
            answers=schema.Transcribed,
            media=SOUND,
            most_bytes=SOUND_BYTES,
            refusals=(503,),
        ),
        Operation("GET", "/api/skills", "All skills", api.skills, answers=schema.Skills),
        Operation(
            "GET",
            "/api/skills/{name}",
            "A skill and its examples",
            api.skill,
            answers=schema.SkillWhole,
            refusals=(404,),
        ),
        Operation(
            "GET",
            "/api/history",
            "What was said and done",
            api.history,
            query=schema.HistoryQuery,
            answers=schema.Entries,
            refusals=(503,),
        ),
        Operation(
            "GET",
            "/api/timers",
            "Timers, alarms and reminders that are running",
            api.timers,
            answers=schema.Timers,
            refusals=(503,),
        ),
        Operation("GET", "/health", "Whether it answers", api.health, answers=schema.Health, public=True),
        Operation("GET", "/metrics", "Counts and times for Prometheus", api.metrics, answers_media=(metrics.MEDIA,)),
    ]


class _Api:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._otto = service.otto
        self._turns = service.turns
        self._checked: tuple[str, list[str]] = ("", [])
        """What is wrong with the skills of a version."""

    async def route(self, given: Given) -> schema.Routed:
        return await self._turns.route(given.body.text, given.body.conversation)

    async def ask(self, given: Given) -> schema.Answered:
        asked: schema.Command = given.body
        return await self._turns.ask(asked.text, conversation=asked.conversation, dry_run=asked.dry_run)

    async def confirm(self, given: Given) -> schema.Answered:
        return await self._turns.confirm(given.body.id, yes=given.body.yes)

    async def cancel(self, given: Given) -> schema.Interrupted:
        return schema.Interrupted(interrupted=self._turns.interrupt())

    async def correct(self, given: Given) -> schema.Learnt:
        started = time.monotonic()
        text, calls, path = await self._turns.in_thread(lambda: self._kept(given.body))
        self._service.metrics.correction()
        learnt = False
        while not learnt and time.monotonic() < started + LEARN_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            learnt = await self._turns.in_thread(lambda: self._knows(text, calls))
        return schema.Learnt(
            text=text,
            calls=[str(call) for call in calls],
            file=path.name,
            learnt=learnt,
            seconds=round(time.monotonic() - started, 3),
        )

    async def transcribe(self, given: Given) -> schema.Transcribed:
        sound = await given.request.body()
        return await self._service.slowly(lambda: transcribed(self._service, sound))

    async def skills(self, given: Given) -> schema.Skills:
        ready = self._otto.live.ready
        entries = [schema.SkillSaid(**self._skill(entry)) for _, entry in sorted(ready.snapshot.skills.items())]
        version = ready.snapshot.hash
        if self._checked[0] != version:
            self._checked = (version, await self._service.slowly(lambda: _problems(ready.snapshot)))
        return schema.Skills(version=version, router=ready.router.name, skills=entries, problems=self._checked[1])

    async def skill(self, given: Given) -> schema.SkillWhole:
        name = given.request.path_params["name"]
        entry = self._otto.live.ready.snapshot.skills.get(name)
        if entry is None:
            raise Refusal(404, "There is no such skill; see /api/skills.")
        return schema.SkillWhole(**self._skill(entry), sentences=list(map(_sentence, entry.examples)))

    async def history(self, given: Given) -> schema.Entries:
        query: schema.HistoryQuery = given.query
        history = self._otto.store.history

        def found() -> Iterator[Entry]:
            yield from history.find(query.q, query.count) if query.q else history.last(query.count)

        return schema.Entries(entries=await self._turns.in_thread(lambda: list(map(_entry, found()))))

    async def timers(self, given: Given) -> schema.Timers:
        now = self._otto.clock.now()
        alerts = await self._turns.in_thread(self._otto.store.alerts.list)
        said = [
            schema.Timer(
                id=alert.id,
                kind=alert.kind,
                due=alert.due.isoformat(),
                text=alert.label,
                state=alert.state,
                remaining_seconds=round(alert.remaining(now).total_seconds(), 1),
            )
            for alert in alerts
        ]
        return schema.Timers(timers=said)

    async def health(self, given: Given) -> schema.Health:
        return schema.Health(ok=True)

    async def metrics(self, given: Given) -> Response:
        return Response(self._service.metrics.text(), media_type=metrics.MEDIA)

    def _skill(self, entry: Registered) -> dict[str, Any]:
        return {
            **to_json(entry.skill),
            "risk": "confirm" if entry.asks_first else "none",
            "hidden": entry.skill.name in self._otto.settings.hidden,
            "examples": len(entry.examples),
        }

    def _kept(self, wanted: schema.Correction) -> tuple[str, tuple[Call, ...], Path]:
        """Does what `otto fix` does: the sentence, what it means, and the file where that stands now."""
        history = self._otto.store.history
        entry = history.get(wanted.id) if wanted.id else None
        if wanted.id and entry is None:
            raise Refusal(404, f"There is no command with the number {wanted.id} in the history.")
        text = entry.text if entry else clean(wanted.text)
        skills = {name: each.skill for name, each in self._otto.live.ready.snapshot.skills.items()}
        calls = validated(parse(wanted.call), skills, self._otto.clock.now())
        with self._service.correcting:
            path = correct(text, calls, self._otto.settings)
            if entry:
                history.correct(entry.id, write(calls))
        return text, calls, path

    def _knows(self, text: str, calls: tuple[Call, ...]) -> bool:
        """Whether the router has learnt it."""
        understood = self._otto.understand(text)
        skills = {name: each.skill for name, each in understood.ready.snapshot.skills.items()}
        return same_calls(understood.route.calls, calls, skills, self._otto.clock.now())


def transcribed(service: Service, sound: bytes) -> schema.Transcribed:
    """What is said in a recording (a whole file's bytes). Nothing is written to the disk. Raises `SoundFileError`."""
    from otto.audio.recording import decode_command
    from otto.audio.score import Timed

    samples = decode_command(sound)
    with service.engines.lend() as engine:
        started = time.perf_counter()
        heard = Timed(engine).transcribe(samples)
    milliseconds = 1000 * (time.perf_counter() - started)
    service.metrics.stage("transcribe", milliseconds)
    return schema.Transcribed(
        text=heard.text,
        language=heard.language,
        confidence=min(1.0, max(0.0, round(heard.confidence, 4))),
        seconds=round(heard.seconds, 3),
        milliseconds=round(milliseconds, 2),
    )


def _problems(snapshot: Snapshot) -> list[str]:
    """What `otto skills check --quick` says."""
    said = []
    for problem in check(snapshot, None):
        mark = "warning: " if problem.severity == "warning" else ""
        said.append(f"{problem.origin}: {mark}{problem.message}")
    return said


def _sentence(example: Example) -> schema.ExampleSaid:
    origin = example.origin
    calls = [str(call) for call in example.calls]
    return schema.ExampleSaid(
        text=example.text,
        calls=calls,
        file=origin.file.rpartition("/")[2] if origin else "",
        line=origin.line if origin else 0,
    )


def _entry(entry: Entry) -> schema.Entry:
    return schema.Entry(
        id=entry.id,
        at=entry.at.isoformat(),
        text=entry.text,
        calls=entry.calls,
        confidence=entry.confidence,
        router=entry.router,
        ok=entry.ok,
        reply=entry.reply,
        results=[dict(result) for result in entry.results],
        timings_ms=dict(entry.timings_ms),
        correction=entry.correction,
    )
