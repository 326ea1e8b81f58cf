"""What a worker process does: it reads skill files and runs skills, one job a line, in this process and no other.

`otto.worker.child` starts it. It says {"ready": true}; then a job is a JSON object on standard input, its answer one on
standard output:

    {"job": "describe", "file", "source"}                            -> {"skill", "risk", "deadline", "session"}
    {"job": "run", "file", "source", "call", "session"}              -> {"text", "data"}, perhaps "undo"
    {"job": "undo", "file", "source", "undo", "session"}             -> {"text", "data"}
    {"job": "act", "file", "action", "skill", "call", "session"}     -> {"text", "data"}
    {"job": "where", "file"}                                         -> {"line"}, while another job is still running

or {"error", "kind", "line", "asks"}; kind is "said" (a sentence of the skill, which `asks` for a parameter or for
none), "refused" (the call is not valid), "failed", or "memory" (failed, and the process had better be replaced). The
source travels with the job, so what runs is what was described, whatever became of the file since.

The pipes are moved out of the skills' way at the start: what a skill prints is thrown away, and it reads nothing.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from otto.action import parse as parse_action
from otto.call import parse
from otto.config import FIELDS, Settings, load
from otto.errors import CallError, OttoError, SchemaError, SkillError, shorten
from otto.function import SkillFunction
from otto.log import without_secrets
from otto.program import end_running
from otto.reply import Reply
from otto.session import Session
from otto.skill import Skill, from_json, to_json
from otto.worker.childside import leave_no_core, private_pipes

MAX_TEXT = 20_000
"""Characters in a reply."""
MAX_DATA = 1_000_000
"""Characters of a reply's data, written as JSON."""
_GRACE_SECONDS = 5.0  # after the deadline: long enough for the other side to have ended this process, if it is there

Answer = dict[str, object]
_loaded: dict[str, tuple[str, SkillFunction[Any, Any]]] = {}


def main() -> None:
    """The program. Arguments: the package's folder, the memory limit in megabytes."""
    questions, answers = private_pipes()
    leave_no_core()
    _limit(int(sys.argv[2]))
    sys.argv[1:] = []
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    lock, busy = threading.Lock(), threading.Event()

    def tell(answer: Answer) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with lock:
            answers.write(line)
            answers.flush()

    def listen() -> None:
        for line in questions:
            job = json.loads(line)
            if job["job"] == "where":
                tell({"line": _line_now(job["file"])})
            else:
                busy.set()
                jobs.put(job)
        _leave(busy.is_set())

    threading.Thread(target=listen, name="questions", daemon=True).start()
    tell({"ready": True})
    while True:
        job = jobs.get()
        _alarm(job.get("seconds", 0.0) + _GRACE_SECONDS)
        answer = answer_to(job)
        _alarm(0)
        busy.clear()
        tell(answer)


def answer_to(job: Mapping[str, Any]) -> Answer:
    """Does one job; whatever the skill does is answered, as long as this process lives."""
    file = job["file"]
    try:
        match job["job"]:
            case "describe":
                return _describe(file, job["source"])
            case "run":
                return _run(file, job)
            case "undo":
                return _undo(file, job)
            case _:
                return _act(job)
    except BaseException as error:  # SystemExit too: whatever a skill raises is an answer
        return _failure(error, file)


def _describe(file: str, source: str) -> Answer:
    function = _load(file, source)
    schema = function.schema
    return {
        "skill": to_json(schema),
        "risk": schema.risk,
        "deadline": function.deadline,
        "session": bool(function.session),
    }


def _run(file: str, job: Mapping[str, Any]) -> Answer:
    function = _load(file, job["source"])
    session = _session(job["session"])
    (call,) = parse(job["call"], max_length=None)
    typed = function.schema.check(call, session.now)
    try:
        return _checked(function.run(typed, session))
    finally:
        session.close()


def _undo(file: str, job: Mapping[str, Any]) -> Answer:
    session = _session(job["session"])
    try:
        return _checked(_load(file, job["source"]).take_back(job["undo"], session))
    finally:
        session.close()


def _act(job: Mapping[str, Any]) -> Answer:
    from otto.worker.perform import perform

    session = _session(job["session"])
    action, problems = parse_action(list(enumerate(job["action"])), job["file"])
    if action is None:
        raise SchemaError("; ".join(problem.message for problem in problems))
    skill = from_json(job["skill"])
    (call,) = parse(job["call"], max_length=None)
    canonical = skill.canonical(call, session.now)
    return _checked(perform(action, canonical.arguments, broker=session.settings.mqtt_broker))


def _checked(reply: Reply) -> Answer:
    if not isinstance(reply.text, str):
        raise SchemaError(f"its Reply holds {type(reply.text).__name__} where text belongs")
    shown = json.dumps([reply.data, reply.undo], allow_nan=False)
    if len(shown) > MAX_DATA:
        raise SchemaError(f"the data of its Reply takes more than {MAX_DATA:,} characters")
    data, undo = json.loads(shown)
    answer: Answer = {"text": shorten(reply.text, MAX_TEXT), "data": data}
    return answer if undo is None else {**answer, "undo": undo}


def session_entry(
    now: datetime,
    settings: Settings | None = None,
    skills: Iterable[Skill] = (),
    last_reply: str = "",
    text: str = "",
) -> dict[str, object]:
    """What a job says of the session; `settings` and `skills` only for a skill that looks at them."""
    values = {} if settings is None else {name: getattr(settings, name) for name in FIELDS}
    return {
        "now": now.isoformat(),
        "zone": getattr(now.tzinfo, "key", ""),
        "settings": {name: str(value) if isinstance(value, Path) else value for name, value in values.items()},
        "skills": list(map(to_json, skills)),
        "last_reply": last_reply,
        "text": text,
    }


def _session(entry: Mapping[str, Any]) -> Session:
    """The inverse of `session_entry`."""
    now = datetime.fromisoformat(entry["now"])
    return Session(
        now.astimezone(ZoneInfo(entry["zone"])) if entry["zone"] else now,
        settings=load(entry["settings"], environment={}, file=Path(os.devnull)) if entry["settings"] else None,
        skills=tuple(map(from_json, entry["skills"])),
        last_reply=entry["last_reply"],
        text=entry["text"],
    )


class _Source(importlib.abc.SourceLoader):
    """Loads a module from text that was read before."""

    def __init__(self, file: str, source: str) -> None:
        self._file = file
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_data(self, path: str) -> bytes:
        return self._source.encode()


def _load(file: str, source: str) -> SkillFunction[Any, Any]:
    """The skill that a file's text defines; loaded again only when the text is another."""
    if file in _loaded and _loaded[file][0] == source:
        return _loaded[file][1]
    name = f"otto_skill_{Path(file).stem}_{hashlib.sha256(file.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_loader(name, _Source(file, source))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look a module up by its name
    spec.loader.exec_module(module)
    found = [value for value in vars(module).values() if isinstance(value, SkillFunction)]
    own = list({id(value): value for value in found if value.function.__module__ == name}.values())
    if len(own) != 1:
        names = ", ".join(each.schema.name for each in own) or "none"
        raise SchemaError(f"a skill file holds one function marked @skill; this one holds {names}")
    _loaded[file] = source, own[0]
    return own[0]


def _failure(error: BaseException, file: str) -> Answer:
    if isinstance(error, CallError):
        kind = "refused"
    elif isinstance(error, OttoError) and not isinstance(error, SchemaError):
        kind = "said"
    else:
        kind = "memory" if isinstance(error, MemoryError) else "failed"
    text = str(error)
    if kind == "memory":
        text = "it needs more memory than it may take"
    elif kind == "failed" and not isinstance(error, SchemaError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    asks = error.asks if isinstance(error, SkillError) else ""
    return {"error": shorten(without_secrets(text), 500), "kind": kind, "line": _line(error, file), "asks": asks}


def _line(error: BaseException, file: str) -> int:
    """The line of `file` where it went wrong, 0 when that is elsewhere."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else 0


def _line_now(file: str) -> int:
    """The line of `file` that the main thread is at."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


def _leave(busy: bool) -> None:
    """The other side is gone, or wants this to end. The main thread may never return, so it is not asked.

    `busy`: a skill is running; what it started ends with it. What earlier ones left running stays.
    """
    end_running()
    if busy and hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _limit(memory_mb: int) -> None:
    try:
        import resource
    except ImportError:  # not a Unix: the deadline still holds
        return
    # RLIMIT_DATA counts what is allocated, not what is mapped: libraries map far more than they use.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, hard))


def _alarm(seconds: float) -> None:
    """Has the system end this process after `seconds`, even where Python no longer gets to run; 0: no longer.

    The other side ends a late job much earlier. This is for when it was killed while C code holds the interpreter.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
