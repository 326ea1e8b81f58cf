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
from otto.job import session_entry
from otto.skill import Skill, to_json
from otto.worker import Worker

if TYPE_CHECKING:
    from otto.snapshot import Registered, Snapshot

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

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return self.outcome == "ran"


class _Undone(Exception):
    """Something that is not carried out, or failed; the message is the sentence for the user."""

    def __init__(self, outcome: Outcome, sentence: str) -> None:
        self.outcome = outcome
        super().__init__(sentence)


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
        self, calls: tuple[Call, ...], snapshot: Snapshot, now: datetime, *, dry_run: bool = False, last_reply: str = ""
    ) -> tuple[Result, ...]:
        """Carries out `calls` in order: one result each; after one that is not ok, nothing more is done.

        `now`: what relative times count from (aware). `dry_run`: nothing is carried out and there are no results.
        `last_reply`: what was said before, for the skill that repeats it.
        """
        return () if dry_run else tuple(self._results(calls, snapshot, now, last_reply))

    def _results(self, calls: tuple[Call, ...], snapshot: Snapshot, now: datetime, last_reply: str) -> Iterator[Result]:
        stopped = False
        for call in calls:
            if stopped:
                yield Result(call, "refused", error=f"{call.name} was not done.")
                continue
            result = self._result(call, snapshot, now, last_reply)
            stopped = not result.ok
            yield result

    def _result(self, call: Call, snapshot: Snapshot, now: datetime, last_reply: str) -> Result:
        started = time.perf_counter()
        try:
            registered = self._allowed(call, snapshot)
            call = registered.skill.canonical(call, now)
            self._ask_first(registered, call)
            started = time.perf_counter()
            if registered.remote is not None:
                text = registered.remote.call(call.arguments, self._settings.deadline_seconds)
                return Result(call, "ran", value=_fit(text), seconds=time.perf_counter() - started)
            job, seconds = self._job(registered, call, snapshot, now, last_reply)
            answer = self._answer(call.name, job, seconds)
        except (_Undone, OttoError) as error:
            outcome: Outcome = "failed" if isinstance(error, SkillError) else "refused"
            if isinstance(error, _Undone):
                outcome = error.outcome
            return Result(call, outcome, error=_fit(str(error)), seconds=time.perf_counter() - started)
        taken = time.perf_counter() - started
        return Result(call, "ran", value=_fit(answer["text"]), seconds=taken, data=answer["data"])

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
        risks = {registered.skill.risk, registered.action.risk if registered.action else "none"}
        return "confirm" in risks and registered.skill.name not in self._settings.trusted

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
        self, registered: Registered, call: Call, snapshot: Snapshot, now: datetime, last_reply: str
    ) -> tuple[dict[str, object], float]:
        """What to hand to the worker, and how long it may take."""
        function, action = registered.function, registered.action
        if function is not None:
            entry = session_entry(now)
            if function.session:
                exposed = [each.skill for name, each in snapshot.skills.items() if name not in self._settings.hidden]
                entry = session_entry(now, self._settings, exposed, last_reply)
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
            raise _Undone("refused" if answer["kind"] == "refused" else "failed", str(answer["error"]))
        where = f" (line {answer['line']})" if answer.get("line") else ""
        raise _Undone("failed", f"The skill {name} failed: {answer['error']}{where}.")


def _fit(text: str) -> str:
    """`text` without what a terminal would obey."""
    return _UNFIT.sub("", text)
