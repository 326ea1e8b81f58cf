"""Calls are carried out here and nowhere else: only validated ones, to skills that are registered and not hidden.

    >>> with Dispatcher(settings, confirm=ask_at_terminal) as dispatcher:
    ...     dispatcher.run(parse('timer(duration="ten minutes")'), snapshot, now)
    (Result(Call('timer', {'duration': '10 minutes'}), outcome='ran', value='The timer is set for 10 minutes.', …),)

Python skills and actions both run in the worker process, under a deadline and a memory limit: neither can hang or
crash the process that listens. Of several calls in a row the first that is refused or fails ends the row.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from otto import action as actions
from otto.call import OTHER, Call
from otto.config import Settings
from otto.errors import OttoError, SkillError, WorkerError
from otto.question import described, for_argument, missing
from otto.skill import Skill, to_json
from otto.undo import UNDO, Done
from otto.worker.job import session_entry
from otto.worker.worker import Worker

if TYPE_CHECKING:
    from otto.registry.snapshot import Registered, Snapshot

log = logging.getLogger(__name__)

Outcome = Literal["ran", "failed", "refused", "declined"]
"""What became of a call."""

Confirm = Callable[[Skill, Call], bool]
"""Asks a person whether this call may be carried out. No answer (`EOFError`) is a no."""

ACTION_GRACE_SECONDS = 2.0
"""What an action gets beyond its own timeout, to say itself that it took too long."""

# What would move a terminal's cursor, hide text or turn its reading direction. Line breaks and tabs stay.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one call."""

    call: Call
    """As it was carried out: canonical when it was valid."""
    outcome: Outcome
    """`failed`: it was begun; `refused`: it never was; `declined`: nobody said yes."""
    value: str = ""
    """What the skill said; empty when it failed."""
    error: str = ""
    """A sentence for the user; empty when it went well."""
    seconds: float = 0.0
    data: Mapping[str, object] | None = None
    """What the skill's reply holds beside its text."""
    undo: Mapping[str, object] | None = None
    """What takes it back; None: nothing does."""
    asks: str = ""
    """The parameter that `error` asks for; with its value the call can be made again."""
    reached: bool = True
    """False: something before it in the row was not done, so it was not even looked at."""

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return self.outcome == "ran"


class _Undone(Exception):
    """Something that is not carried out, or failed; the message is the sentence for the user."""

    def __init__(self, outcome: Outcome, sentence: str, asks: str = "") -> None:
        self.outcome = outcome
        self.asks = asks
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a running skill may be told of the sentence."""

    now: datetime
    last_reply: str
    text: str


def nobody(skill: Skill, call: Call) -> bool:
    """A `Confirm` for when there is nobody to ask."""
    return False


class Dispatcher:
    """Carries out calls, one at a time. The worker process starts at once, in the background."""

    def __init__(self, settings: Settings, confirm: Confirm = nobody) -> None:
        self._settings = settings
        self._confirm = confirm
        self._worker = Worker(settings.memory_mb)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker process, within a few seconds whatever it is doing."""
        self._worker.close()

    def cancel(self) -> None:
        """Ends the call that is being carried out, if one is: it has failed then. May be called from any thread."""
        self._worker.cancel()

    def run(
        self,
        calls: tuple[Call, ...],
        snapshot: Snapshot,
        now: datetime,
        *,
        dry_run: bool = False,
        last_reply: str = "",
        text: str = "",
        done: tuple[Done, ...] = (),
    ) -> tuple[Result, ...]:
        """Carries out `calls` in order: one result each; after one that is not ok, nothing more is done.

        `now`: what relative times count from (aware). `dry_run`: nothing is carried out and there are no results.
        `last_reply`: what was said before, for the skill that repeats it; `text`: the sentence. `done`: what `undo()`
        takes back, in the order in which it was done.
        """
        told = _Told(now, last_reply, text)
        return () if dry_run else tuple(self._results(calls, snapshot, told, done))

    def _results(
        self, calls: tuple[Call, ...], snapshot: Snapshot, told: _Told, done: tuple[Done, ...]
    ) -> Iterator[Result]:
        stopped = False
        for call in calls:
            if stopped:
                yield Result(call, "refused", error=f"This was not done: {described(call)}.", reached=False)
                continue
            result = self._undone(done, snapshot, told) if call.name == UNDO else self._result(call, snapshot, told)
            stopped = not result.ok
            yield result

    def _undone(self, done: tuple[Done, ...], snapshot: Snapshot, told: _Told) -> Result:
        """Takes back what was done, the last first; stops where that fails."""
        started = time.perf_counter()
        said: list[str] = []
        try:
            if not done:
                raise _Undone("failed", "There is nothing to undo.")
            for each in reversed(done):
                function = self._allowed(each.call, snapshot).function
                if function is None:
                    raise _Undone("failed", f"The skill {each.call.name} can no longer undo that.")
                job = {"job": "undo", "file": str(function.file), "source": function.source, "undo": dict(each.undo)}
                entry = session_entry(told.now, self._settings, text=told.text)
                seconds = function.deadline or self._settings.deadline_seconds
                said.append(str(self._answer(each.call.name, {**job, "session": entry}, seconds)["text"]))
        except _Undone as error:
            sentence = _fit(" ".join((*said, str(error))))
            return Result(Call(UNDO), error.outcome, error=sentence, seconds=time.perf_counter() - started)
        return Result(Call(UNDO), "ran", value=_fit(" ".join(said)), seconds=time.perf_counter() - started)

    def _result(self, call: Call, snapshot: Snapshot, told: _Told) -> Result:
        started, now = time.perf_counter(), told.now
        try:
            registered = self._allowed(call, snapshot)
            if (needed := missing(registered.skill, call)) is not None:
                raise _Undone("refused", for_argument(registered.skill, needed), needed.name)
            call = registered.skill.canonical(call, now)
            self._ask_first(registered, call)
            started = time.perf_counter()
            if registered.remote is not None:
                text = registered.remote.call(call.arguments, self._settings.deadline_seconds)
                return Result(call, "ran", value=_fit(text), seconds=time.perf_counter() - started)
            job, seconds = self._job(registered, call, snapshot, told)
            answer = self._answer(call.name, job, seconds)
        except (_Undone, OttoError) as error:
            outcome: Outcome = "failed" if isinstance(error, SkillError) else "refused"
            asks = ""
            if isinstance(error, _Undone):
                outcome, asks = error.outcome, error.asks
            return Result(call, outcome, error=_fit(str(error)), seconds=time.perf_counter() - started, asks=asks)
        taken = time.perf_counter() - started
        return Result(call, "ran", _fit(answer["text"]), "", taken, answer["data"], answer.get("undo"))

    def _allowed(self, call: Call, snapshot: Snapshot) -> Registered:
        if call.name == OTHER:
            raise _Undone("refused", "No skill applies.")
        registered = snapshot.skills.get(call.name)
        if registered is None:
            raise _Undone("refused", f"There is no skill {call.name}.")
        if call.name in self._settings.hidden:
            raise _Undone("refused", f"The skill {call.name} is switched off.")
        return registered

    def risky(self, calls: tuple[Call, ...], snapshot: Snapshot, now: datetime) -> tuple[Call, ...]:
        """Those of `calls` that `run` would ask for a yes, in their canonical form: for whoever asks beforehand."""
        found: list[Call] = []
        for call in calls:
            try:
                registered = self._allowed(call, snapshot)
                if self._needs_yes(registered):
                    found.append(registered.skill.canonical(call, now))
            except (_Undone, OttoError):
                break  # `run` ends the row here
        return tuple(found)

    def _needs_yes(self, registered: Registered) -> bool:
        return registered.asks_first and registered.skill.name not in self._settings.trusted

    def _ask_first(self, registered: Registered, call: Call) -> None:
        """Asks for a yes where the skill wants one. Raises `_Undone` without it."""
        if not self._needs_yes(registered):
            return
        try:
            yes = self._confirm(registered.skill, call)
        except EOFError:
            yes = False
        if yes is not True:
            raise _Undone("declined", f"{call.name} was not done: nobody said yes.")

    def _job(
        self, registered: Registered, call: Call, snapshot: Snapshot, told: _Told
    ) -> tuple[dict[str, object], float]:
        """What to hand to the worker, and how long it may take."""
        function, action, now = registered.function, registered.action, told.now
        if function is not None:
            entry = session_entry(now)
            if function.session:
                exposed = [each.skill for name, each in snapshot.skills.items() if name not in self._settings.hidden]
                entry = session_entry(now, self._settings, exposed, told.last_reply, told.text)
            job: dict[str, object] = {"job": "run", "file": str(function.file), "source": function.source}
            return {**job, "call": str(call), "session": entry}, function.deadline or self._settings.deadline_seconds
        if action is not None:
            job = {"job": "act", "file": action.origin.file, "action": actions.write(action)}
            job |= {"skill": to_json(registered.skill), "call": str(call)}
            return {**job, "session": session_entry(now, self._settings)}, action.timeout + ACTION_GRACE_SECONDS
        raise _Undone("refused", f"The skill {call.name} has nothing to run: it has examples only.")

    def _answer(self, name: str, job: Mapping[str, object], seconds: float) -> dict[str, Any]:
        try:
            answer = self._worker.ask(job, seconds)
        except WorkerError as error:
            answer = {"error": str(error), "kind": "failed"}
        if "error" not in answer:
            return answer
        expected = answer["kind"] in ("said", "refused")
        log.log(logging.INFO if expected else logging.WARNING, "skill %s did not do it (%s)", name, answer["kind"])
        log.debug("skill %s: %r", name, answer["error"])  # it may quote what was said
        if expected:
            outcome: Outcome = "refused" if answer["kind"] == "refused" else "failed"
            raise _Undone(outcome, str(answer["error"]), str(answer.get("asks", "")))
        where = f" (line {answer['line']})" if answer.get("line") else ""
        raise _Undone("failed", f"The skill {name} failed: {answer['error']}{where}.")


def _fit(text: str) -> str:
    """`text` without what a terminal would obey."""
    return _UNFIT.sub("", text)
