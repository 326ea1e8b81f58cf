"""The worker process: reading skill files, running skills, and outliving nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from otto.errors import WorkerError
from otto.worker import worker as workers
from otto.worker.child import Child
from otto.worker.job import session_entry
from otto.worker.worker import Described, Worker, describe

GOOD = '''
from __future__ import annotations
from datetime import timedelta
from otto import Session, skill

@skill(risk="confirm", deadline=30)
def nap(duration: timedelta, session: Session) -> str:
    """Lies down for a while."""
    return f"Good night for {duration}, {session.last_reply}"
'''

BROKEN = {
    "syntax": ("x = 1\n\ndef f(:\n", 3, "SyntaxError"),
    "import": ("import os\nimport no_such_library\n", 2, "ModuleNotFoundError"),
    "raises": ("def f():\n    return 1 / 0\n\nf()\n", 2, "ZeroDivisionError"),
    "loop": ("x = 1\n\nwhile True: x += 1\n", 3, "longer than"),
    "sleep": ("import time\n\n\ntime.sleep(60)\n", 4, "longer than"),
    "exit": ("import sys\nsys.exit(0)\n", 2, "SystemExit"),
    "hard_exit": ("import os\nos._exit(0)\n", 0, "ended with code 0"),
    "segfault": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", 0, "SIGSEGV"),
    "hungry": ("x = bytearray(10 << 30)\n", 1, "more memory"),
    "unknown_type": ("from otto import skill\n@skill\ndef f(a: bytes) -> str:\n    return ''\n", 2, "bytes"),
    "no_skill": ("x = 1\n", 0, "this one holds none"),
    "two_skills": ("from otto import skill\n@skill\ndef a() -> str: ...\n@skill\ndef b() -> str: ...\n", 0, "a, b"),
    "nul": ("x = '\0'\n", 0, "null bytes"),
    "doubled": ("from otto import skill\n@skill(name='1st')\ndef f() -> str:\n    return ''\n", 2, "1st"),
}


SOURCE = """import ctypes, os, subprocess, time
from otto import Reply, skill
seen = []
@skill
def own() -> str:
    {body}
"""
"""A skill that does what a test wants."""


def written(folder: Path, **sources: str) -> dict[str, Path]:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return {name: folder / f"{name}.py" for name in sources}


def run_job(described: Described, call: str, now: datetime, **more: str) -> dict[str, object]:
    entry = session_entry(now, last_reply=more.get("last_reply", ""))
    return {"job": "run", "file": str(described.file), "source": described.source, "call": call, "session": entry}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker(memory_mb=512)
    yield made
    made.close()


def test_a_file_is_described_by_its_function(tmp_path: Path) -> None:
    file = written(tmp_path, nap=GOOD)["nap"]
    described = describe([file], cache=tmp_path)[file]
    assert described.problem is None and described.skill is not None
    assert str(described.skill.parameters[0].type) == "duration"
    assert (described.skill.name, described.skill.risk) == ("nap", "confirm")
    assert (described.deadline, described.session) == (30, True)
    assert described.source == GOOD


def test_a_broken_file_costs_itself_and_says_where(tmp_path: Path) -> None:
    files = written(tmp_path, **{name: source for name, (source, _, _) in BROKEN.items()}, zz_good=GOOD)
    found = describe(files.values(), cache=tmp_path, seconds=0.5)
    for name, (_, line, words) in BROKEN.items():
        problem = found[files[name]].problem
        assert problem is not None and found[files[name]].skill is None, name
        assert words in problem.message, name
        assert (problem.origin.file, problem.origin.line) == (str(files[name]), line), name
    assert found[files["zz_good"]].problem is None


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"#" * 1_000_001, "at most"), (None, "cannot be read")],
)
def test_a_file_that_is_no_text_is_not_even_tried(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "odd.py"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    problem = describe([file], cache=tmp_path)[file].problem
    assert problem is not None and words in problem.message


def test_nothing_is_started_for_files_that_did_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(tmp_path, nap=GOOD, rest=GOOD.replace("nap", "rest"))
    first = describe(files.values(), cache=tmp_path / "cache")

    def refuse(memory_mb: int) -> Child:
        raise AssertionError("a process was started")

    monkeypatch.setattr(workers, "Child", refuse)
    assert describe(files.values(), cache=tmp_path / "cache") == first
    files["nap"].write_text(GOOD.replace("a while", "a moment"))
    with pytest.raises(AssertionError, match="a process was started"):
        describe(files.values(), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"skill": []}', '{"skill": {}}', '{"skill": {"name": "nap"}}']
)
def test_a_damaged_cache_is_made_again(tmp_path: Path, content: str) -> None:
    file = written(tmp_path, nap=GOOD)["nap"]
    first = describe([file], cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache" / "schemas").iterdir()
    kept.write_text(content)
    assert describe([file], cache=tmp_path / "cache") == first


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    file = written(tmp_path, nap=GOOD)["nap"]
    (tmp_path / "cache").write_text("a file where the folder belongs")
    assert describe([file], cache=tmp_path / "cache")[file].problem is None


def test_the_cache_keeps_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_CACHED", 2)
    for count in range(4):
        file = written(tmp_path, nap=GOOD + f"# {count}\n")["nap"]
        describe([file], cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "schemas").iterdir())) == 2


def test_a_skill_runs_with_typed_arguments_and_its_session(tmp_path: Path, now: datetime, worker: Worker) -> None:
    file = written(tmp_path, nap=GOOD)["nap"]
    described = describe([file], cache=tmp_path)[file]
    answer = worker.ask(run_job(described, 'nap(duration="ten minutes")', now, last_reply="hello"), 10)
    assert answer == {"text": "Good night for 0:10:00, hello", "data": None}


def test_the_worker_checks_the_call_again(tmp_path: Path, now: datetime, worker: Worker) -> None:
    file = written(tmp_path, nap=GOOD)["nap"]
    described = describe([file], cache=tmp_path)[file]
    for call in ("nap()", "nap(duration=true)", "nap(hours=3)", "other()"):
        assert worker.ask(run_job(described, call, now), 10)["kind"] == "refused", call


def test_what_was_described_runs_whatever_became_of_the_file(tmp_path: Path, now: datetime, worker: Worker) -> None:
    source = SOURCE.format(body="seen.append(1); return f'A{len(seen)}'").replace("own", "count")
    file = written(tmp_path, count=source)["count"]
    first = describe([file], cache=tmp_path)[file]
    assert worker.ask(run_job(first, "count()", now), 10)["text"] == "A1"
    file.write_text("def broken(")
    assert worker.ask(run_job(first, "count()", now), 10)["text"] == "A2"  # loaded once
    file.write_text(source.replace("A{", "B{"))
    second = describe([file], cache=tmp_path)[file]
    assert worker.ask(run_job(second, "count()", now), 10)["text"] == "B1"
    file.unlink()
    assert worker.ask(run_job(second, "count()", now), 10)["text"] == "B2"


def test_classes_and_imports_of_a_skill_file_work(tmp_path: Path, now: datetime, worker: Worker) -> None:
    source = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom pydantic import BaseModel\n"
        "from otto import Reply, skill\n@dataclass\nclass A:\n    x: int\nclass B(BaseModel):\n    a: A\n"
        "@skill\ndef both() -> Reply:\n    return Reply('yes', B(a=A(3)).model_dump())\n"
    )
    file = written(tmp_path, both=source)["both"]
    answer = worker.ask(run_job(describe([file], cache=tmp_path)[file], "both()", now), 10)
    assert answer == {"text": "yes", "data": {"a": {"x": 3}}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", "returned NoneType"),
        ("return Reply(3)", "holds int"),
        ("return Reply('a', {'x': object()})", "not JSON serializable"),
        ("return Reply('a', {'x': float('nan')})", "not JSON compliant"),
        ("return Reply('a', {'x': 'y' * 2_000_000})", "more than 1,000,000"),
        ("return f()", "RecursionError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("input()", "EOFError"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failure(
    tmp_path: Path, now: datetime, worker: Worker, body: str, words: str
) -> None:
    source = f"from otto import Reply, skill\n@skill\ndef odd() -> Reply:\n    {body}\ndef f():\n    return f()\n"
    described = Described(tmp_path / "odd.py", source)
    answer = worker.ask(run_job(described, "odd()", now), 10)
    assert answer["kind"] == "failed" and words in str(answer["error"]), answer


def test_secrets_do_not_leave_with_an_error(tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123456")
    source = SOURCE.format(body="raise ValueError(os.environ['OPENAI_API_KEY'])")
    worker = Worker(512)
    try:
        answer = worker.ask(run_job(Described(tmp_path / "own.py", source), "own()", now), 10)
    finally:
        worker.close()
    assert answer["error"] == "ValueError: [secret]" and answer["line"] == 6


def test_a_worker_that_died_between_two_jobs_is_not_noticed(tmp_path: Path, now: datetime, worker: Worker) -> None:
    described = Described(tmp_path / "own.py", SOURCE.format(body="return str(os.getpid())"))
    first = int(str(worker.ask(run_job(described, "own()", now), 10)["text"]))
    os.kill(first, signal.SIGKILL)
    assert wait_until_gone(first)
    second = int(str(worker.ask(run_job(described, "own()", now), 10)["text"]))
    assert second != first


def test_what_a_late_skill_started_ends_with_it(tmp_path: Path, now: datetime, worker: Worker) -> None:
    note = tmp_path / "pid"
    body = f"open({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid)); time.sleep(60)"
    late = Described(tmp_path / "own.py", SOURCE.format(body=body))
    with pytest.raises(WorkerError, match="longer than 0.6 seconds"):
        worker.ask(run_job(late, "own()", now), 0.6)
    assert wait_until_gone(noted(note))


OWN, STARTED = "os.getpid()", "subprocess.Popen(['sleep', '60']).pid"
BUSY = {
    "idle": (OWN, "return 'done'", 60.0),
    "python": (OWN, "while True: pass", 60.0),
    "sleep": (OWN, "time.sleep(60)", 60.0),
    "program": (STARTED, "time.sleep(60)", 60.0),
    "c": (OWN, "ctypes.PyDLL(None).sleep(60)", -4.0),  # holds the interpreter's lock: the system ends it after 1 s
}
"""Whose end is watched, what the skill does, and what it is told of its deadline (5 seconds of grace come on top)."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs Unix signals")
@pytest.mark.parametrize("kind", BUSY)
def test_nothing_outlives_a_killed_parent(tmp_path: Path, now: datetime, kind: str) -> None:
    watched, body, seconds = BUSY[kind]
    note = tmp_path / "pid"
    source = SOURCE.format(body=f"open({str(note)!r}, 'w').write(str({watched}))\n    {body}")
    job = {**run_job(Described(tmp_path / "own.py", source), "own()", now), "seconds": seconds}
    program = (
        "import time\nfrom otto.worker.child import Child\nchild = Child(512)\nchild.wait_ready()\n"
        f"child.tell({job!r})\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        pid = noted(note)
    finally:
        parent.kill()
        parent.wait()
    assert wait_until_gone(pid)


def noted(note: Path) -> int:
    """The number in a file, as soon as there is one."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if note.exists() and (text := note.read_text()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError("the skill was never started")


def wait_until_gone(pid: int, seconds: float = 5) -> bool:
    """Whether a process ends in time, with all its threads; a zombie that nobody has waited for counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z" and len(list(Path(f"/proc/{pid}/task").iterdir())) == 1:
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
