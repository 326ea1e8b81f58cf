"""Who does the work: nothing that comes out may depend on it.

What needs Ray runs with it, two workers on this machine: `pip install 'otto-assistant[ray]'`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune.answerer import Named
from finetune.ask import Endpoint, Limits, Question, ask
from finetune.cli.data import app as data
from finetune.cli.eval import app as evaluation
from finetune.eval import evaluate
from finetune.journal import Journal
from finetune.service import ServiceError
from finetune.testdata import open_test
from finetune.workers import HERE, Workers, workers
from otto.config import load
from otto.errors import ConfigError, OttoError
from otto.prompt import Message
from tests.finetune.lights import ROWS, write_set
from tests.finetune.scripted import Asked, Reply, Scripted, chat

ROOT = Path(__file__).parent.parent.parent
KEY = "sk-that-nobody-may-read"
HEARD = dict(ROWS)
OTTO = [sys.executable, "-c", "from otto.cli import main; main()"]


@contextmanager
def one(made: list[str], fails: bool = False) -> Iterator[str]:
    """What a worker keeps."""
    if fails:
        raise ServiceError("nothing is there", status=404)
    made.append("made")
    yield "kept"


def number(kept: str, value: int) -> tuple[str, int, int]:
    if value < 0:
        raise ServiceError(f"{value} is less than nothing", status=422)
    time.sleep(0.02 * (value % 3))
    return kept, value, os.getpid()


def test_here_the_thing_is_kept_once_and_results_come_in_order() -> None:
    made: list[str] = []
    with workers("here") as own, own.keep(partial(one, made)) as pool:
        assert pool.every(str.upper) == ["KEPT"]
        assert [found[1] for found in pool.spread(partial(number, value=each) for each in range(5))] == [*range(5)]
        assert pool.run(partial(number, value=7))[2] == os.getpid()
    assert made == ["made"] and own.count == 1


@pytest.mark.parametrize("wanted", ["rya", "ray:0", "ray:-1", "ray:two", "here:2", "", "ray:10000"])
def test_other_words_are_refused(wanted: str) -> None:
    with pytest.raises(ConfigError, match="must be here, ray, or ray:N"), workers(wanted):
        pass


def test_without_ray_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else found(name))
    with pytest.raises(ConfigError, match=r"pip install 'otto-assistant\[ray\]'"), workers("ray"):
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[Workers]:
    # Not imported: Ray reads what is set for it once, when it is.
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs: pip install 'otto-assistant[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        with workers("ray:2") as several:
            yield several


def asked(count: int) -> list[Question]:
    return [Question(str(each), (Message("user", f"say {each}"),)) for each in range(count)]


def faulty(answer: Callable[[Asked], object]) -> Callable[[Asked], Reply]:
    """A server whose answer depends on the question alone, and so do its faults, each of them met once."""
    seen: Counter[bytes] = Counter()

    def script(request: Asked) -> Reply:
        seen[request.content] += 1
        fault = hashlib.sha256(request.content).digest()[0] % 6 if seen[request.content] == 1 else 0
        if fault == 1:
            return Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0.01"})
        if fault == 2:
            return Reply({}, 500, {"Retry-After": "0.01"})
        if fault == 3:
            return Reply(chat(answer(request)), cut=True)
        if fault == 4:
            return Reply({"choices": []})
        return Reply(chat(answer(request)))

    return script


def timers(request: Asked) -> object:
    chance = random.Random(request.content)
    words = (ROOT / "otto/data/speech/common_words.txt").read_text().split()[2000:6000]
    rows = []
    for _ in range(3):
        minutes = chance.randint(2, 59)
        text = f"{' '.join(chance.sample(words, 3))} timer {minutes} minutes"
        rows.append({"sentence": text, "arguments": {"duration": f"{minutes} minutes"}})
    return {"examples": rows}


def lights(request: Asked) -> str:
    """The right answer, but for one sentence."""
    return HEARD.get(request.body["messages"][-1]["content"].split("\n")[-1].strip(), "nonsense(")


@pytest.mark.heavy
class TestWithRay:
    def test_results_come_in_order_from_both_workers(self, cluster: Workers) -> None:
        with cluster.keep(partial(one, [])) as pool:
            processes = pool.every(lambda kept: os.getpid())
            found = list(pool.spread(partial(number, value=each) for each in range(20)))
            assert [each[:2] for each in found] == [("kept", value) for value in range(20)]
            assert {each[2] for each in found} == set(processes) and os.getpid() not in processes
            assert len(processes) == 2
            # Endless work may be broken off.
            endless = pool.spread(partial(number, value=each) for each in iter(int, 1))
            assert len(list(islice(endless, 3))) == 3

    def test_what_goes_wrong_is_said_as_it_is_here(self, cluster: Workers) -> None:
        for several in (HERE, cluster):
            with several.keep(partial(one, [])) as pool:
                results = pool.spread(partial(number, value=each) for each in (1, 2, -3, 4))
                assert [next(results)[1], next(results)[1]] == [1, 2]
                with pytest.raises(ServiceError, match=r"^-3 is less than nothing$") as refused:
                    next(results)
                assert refused.value.status == 422
            with (
                pytest.raises(ServiceError, match="^nothing is there$") as missing,
                several.keep(partial(one, [], fails=True)) as pool,
            ):
                pool.every(str.upper)
            assert missing.value.status == 404

    def test_a_worker_that_is_killed_is_begun_again_with_its_task(self, cluster: Workers, tmp_path: Path) -> None:
        def dies_once(kept: str) -> str:
            mark = tmp_path / "died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return kept

        def dies(kept: str) -> str:
            os.kill(os.getpid(), signal.SIGKILL)
            return kept

        with cluster.keep(partial(one, [])) as pool:
            assert list(pool.spread([str.upper, dies_once, str.upper])) == ["KEPT", "kept", "KEPT"]
            with pytest.raises(OttoError, match="a worker was lost .* the same command goes on"):
                pool.run(dies)

    def test_answers_are_those_that_one_process_gets(self, cluster: Workers, tmp_path: Path) -> None:
        several, found = asked(24), {}
        for name, by in (("here", HERE), ("ray", cluster)):
            script = faulty(lambda request: f"I say: {request.body['messages'][-1]['content']}")
            with Scripted(script) as server, Journal(tmp_path / name) as journal:
                limits = Limits(concurrency=4, price_out=1e6)
                endpoint = Endpoint("m", server.address, "one", KEY, limits)
                answers = sorted(ask(several, [endpoint], journal, workers=by), key=lambda answer: int(answer.key))
                found[name] = [(each.key, each.text, each.tokens, each.cost, each.problem) for each in answers]
                keys = [entry["key"] for entry in journal.entries if entry["kind"] == "answer"]
                assert sorted(keys, key=int) == [question.key for question in several], "all of them, each once"
                assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {KEY}"}
        assert found["here"] == found["ray"] and {each[4] for each in found["ray"]} == {""}

    def test_generating_writes_the_same_file(
        self, cluster: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = {}
        for by in ("here", "ray:2"):
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / by / "state"))
            monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / by / "config"))
            with Scripted(faulty(timers)) as server:
                monkeypatch.setenv("OPENAI_BASE_URL", server.address)
                asking = ["generate", "--skill", "timer", "--model", "m", "--yes", "-n", "12", "--concurrency", "1"]
                done = CliRunner().invoke(data, [*asking, "--workers", by], catch_exceptions=False)
                assert "12 new examples" in done.stdout, done.output
                sent = [request.content for request in server.requests]
            journal = (load().state_folder / "generate" / "timer_examples.jsonl").read_text().splitlines()
            entries = [
                {name: value for name, value in json.loads(line).items() if name not in ("seconds", "file")}
                for line in journal
            ]
            file = load().config_folder / "examples" / "timer_examples.txt"
            found[by] = (file.read_bytes(), entries, sent)
        assert found["here"] == found["ray:2"]
        assert any("answer" in entry["kind"] for entry in found["here"][1])

    def test_an_evaluation_comes_out_the_same_failing_rows_included(self, cluster: Workers, tmp_path: Path) -> None:
        rows = tuple((f"{text} {each}" if each else text, calls) for each in range(5) for text, calls in ROWS)
        test = open_test(str(write_set(tmp_path / "lights", rows)), load())
        assert len(test.rows) == 40
        found = {}
        for name, by in (("here", HERE), ("ray", cluster)):

            def script(request: Asked) -> Reply:
                said = json.dumps(request.body["messages"][-1])
                return Reply({"error": {"message": "no"}}, 403) if "soup 3" in said else Reply(chat(lights(request)))

            with Scripted(script) as server:
                named = Named(server.address, served="m", format="chatml", system="Answer.")
                evaluated = evaluate(named, test, load(), tmp_path / name, workers=by)
            lines = (tmp_path / name / "predictions.jsonl").read_text().splitlines()
            found[name] = [json.loads(line) | {"milliseconds": 0} for line in lines]
            assert evaluated.metrics.rows == 40 and evaluated.metrics.unanswered == 1
        for each in found.values():
            for row in each:
                row["fault"] = row["fault"].partition("127.0.0.1")[0]
        assert found["here"] == found["ray"]
        assert [each["text"] for each in found["ray"]] == [text for text, _ in rows]

    def test_a_model_loaded_in_each_worker_answers_as_one_loaded_here(self, cluster: Workers, tmp_path: Path) -> None:
        torch = pytest.importorskip("torch")
        pytest.importorskip("transformers")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as many as each of the workers has; sums come out otherwise in the last digits
        found = {}
        try:
            for by in ("here", "ray:2"):
                folder = tmp_path / by.replace(":", "")
                asking = ["otto/data/tiny", "--data", "held-out", "-n", "40", "--to", str(folder), "--workers", by]
                CliRunner().invoke(evaluation, ["run", *asking], catch_exceptions=False)
                lines = (folder / "predictions.jsonl").read_text().splitlines()
                found[by] = [json.loads(line) | {"milliseconds": 0} for line in lines]
                found[by].append(json.loads((folder / "run.json").read_text()))
        finally:
            torch.set_num_threads(threads)
        assert len(found["here"]) == 41 and found["here"] == found["ray:2"]

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
    def test_an_evaluation_in_a_cluster_that_was_killed_goes_on(self, cluster: Workers, tmp_path: Path) -> None:
        """The command joins, by `RAY_ADDRESS`, the cluster that this process has begun."""
        import ray

        address = ray.get_runtime_context().gcs_address
        rows = tuple((f"{text} {each}", calls) for each in range(3) for text, calls in ROWS)
        folder = write_set(tmp_path / "lights", rows)
        killed = threading.Event()

        def script(request: Asked) -> Reply:
            # Two to warm up and six rows, then nothing until the command is dead.
            if request.number >= 8:
                killed.wait(120)
            return Reply(chat("other()"))

        with Scripted(script) as server:
            command = [
                *OTTO, "eval", server.address, "--served", "m", "--format", "chatml", "--data",
                str(folder), "--to", str(tmp_path / "run"), "--workers", "ray:2", "--prompt", "router",
            ]  # fmt: skip
            asking = {**os.environ, "RAY_ADDRESS": address, "PYTHONPATH": str(ROOT)}
            predictions = tmp_path / "run" / "predictions.jsonl"
            with subprocess.Popen(command, env=asking, cwd=ROOT, stdout=subprocess.DEVNULL) as first:
                while first.poll() is None and (not predictions.exists() or predictions.read_text().count("\n") < 3):
                    time.sleep(0.01)
                first.kill()
            killed.set()
            before = predictions.read_text()
            assert 3 <= before.count("\n") < len(rows)
            last = subprocess.run(command, env=asking, cwd=ROOT, capture_output=True, text=True)
            assert last.returncode == 0 and not last.stderr, last.stderr
        texts = [json.loads(line)["text"] for line in predictions.read_text().splitlines()]
        assert texts == [text for text, _ in rows]
        assert predictions.read_text().startswith(before[: before.rfind("\n") + 1])

    def test_nothing_listens_but_on_loopback_and_no_key_is_in_a_log(self, cluster: Workers, tmp_path: Path) -> None:
        import psutil
        import ray

        with Scripted(faulty(lambda request: "yes")) as server, Journal(tmp_path / "j") as journal:
            endpoint = Endpoint("m", server.address, "one", KEY, Limits(concurrency=2))
            assert len(list(ask(asked(6), [endpoint], journal, workers=cluster))) == 6
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        assert len(processes) > 3
        ends = set()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                listening = [each for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN]
                ends |= {each.laddr.ip.removeprefix("::ffff:") for each in listening}
        assert "127.0.0.1" in ends and ends <= {"127.0.0.1", "::1"}, ends
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        logs = [path for path in session.rglob("*") if path.is_file()]
        assert len(logs) > 5
        assert not [path for path in logs if KEY.encode() in path.read_bytes()]

    def test_more_workers_than_processors_are_refused(self, cluster: Workers) -> None:
        with pytest.raises(OttoError, match="ask for fewer workers"), workers("ray:500"):
            pass

    def test_a_cluster_that_does_not_answer_is_named(self) -> None:
        command = [*OTTO, "eval", "fewshot", "--data", "held-out", "--workers", "ray"]
        asking = {**os.environ, "RAY_ADDRESS": "127.0.0.1:9", "PYTHONPATH": str(ROOT)}
        refused = subprocess.run(command, env=asking, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert refused.returncode == 2 and "Traceback" not in refused.stderr
        assert "the Ray cluster at 127.0.0.1:9 (RAY_ADDRESS) cannot be reached" in refused.stderr
