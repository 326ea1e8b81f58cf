from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from finetune import service
from finetune.ask import Answer, Endpoint, Limits, Question, ask, from_environment, spent
from finetune.journal import Journal
from finetune.service import Service, ServiceError
from otto.errors import ConfigError
from otto.prompt import Message
from tests.finetune.scripted import Asked, Reply, Scripted, chat

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE", 0.002)


def questions(count: int, schema: dict[str, object] | None = None) -> list[Question]:
    return [Question(str(n), (Message("user", f"question {n}"),), schema) for n in range(count)]


def asked_for(request: Asked) -> str:
    return str(request.body["messages"][-1]["content"]).split()[1]


def echo(request: Asked) -> Reply:
    return Reply(chat(f"answer {asked_for(request)}"))


def all_answers(server: Scripted, path: Path, several: list[Question], **limits: object) -> list[Answer]:
    endpoint = Endpoint("m", server.address, limits=Limits(**limits))  # type: ignore[arg-type]
    with Journal(path) as journal:
        return list(ask(several, [endpoint], journal))


def test_every_question_is_answered_with_its_provenance(tmp_path: Path) -> None:
    with Scripted(echo) as server:
        endpoint = Endpoint(
            "m", server.address, "mine", "secret", Limits(price_in=1.0, price_out=2.0), {"temperature": 0.5}
        )
        with Journal(tmp_path / "j.jsonl") as journal:
            found = list(ask(questions(20), [endpoint], journal))
            total = spent(journal)
    assert {answer.key: answer.text for answer in found} == {str(n): f"answer {n}" for n in range(20)}
    assert {(answer.endpoint, answer.model, answer.prompt_tokens, answer.tokens) for answer in found} == {
        ("mine", "scripted-1", 10, 5)
    }
    assert found[0].cost == pytest.approx(20e-6)
    assert (total.answers, total.prompt_tokens, total.tokens) == (20, 200, 100)
    assert total.cost == pytest.approx(400e-6)
    request = server.requests[0]
    assert request.headers["authorization"] == "Bearer secret"
    assert request.body["temperature"] == 0.5 and request.body["model"] == "m"
    assert "secret" not in (tmp_path / "j.jsonl").read_text() + repr(endpoint)


def test_what_the_journal_has_is_not_asked_again(tmp_path: Path) -> None:
    with Scripted(echo) as server:
        all_answers(server, tmp_path / "j.jsonl", questions(5))
        before = len(server.requests)
        found = all_answers(server, tmp_path / "j.jsonl", questions(8))
        assert len(server.requests) - before == 3
    assert sorted(answer.key for answer in found) == [str(n) for n in range(8)]


def test_several_endpoints_each_answer_everything(tmp_path: Path) -> None:
    with Scripted(echo) as one, Scripted(echo) as two, Journal(tmp_path / "j.jsonl") as journal:
        endpoints = [Endpoint("a", one.address), Endpoint("b", two.address)]
        found = list(ask(iter(questions(6)), endpoints, journal))
    assert sorted((answer.endpoint, answer.key) for answer in found) == sorted(
        (name, str(n)) for name in "ab" for n in range(6)
    )


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_faults_lose_nothing_and_double_nothing(tmp_path: Path, seed: int) -> None:
    chance, faults = random.Random(seed), []

    def script(request: Asked) -> Reply:
        kind = chance.choice(["fine", "busy", "dated", "broken", "cut", "malformed", "empty", "slow", "strange"])
        faults.append(kind)
        n = asked_for(request)
        return {
            "fine": Reply(chat({"n": int(n)})),
            "busy": Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0.01"}),
            "dated": Reply({}, 503, {"Retry-After": formatdate(time.time() - 5, usegmt=True)}),
            "broken": Reply(b"<html>oops", 500),
            "cut": Reply(chat({"n": int(n)}), cut=True),
            "malformed": Reply(chat(f'{{"n": {n}')),
            "empty": Reply({"choices": []}),
            "slow": Reply(chat({"n": int(n)}), seconds=0.4),
            "strange": Reply(b"[1, 2"),
        }[kind]

    several = questions(30, SCHEMA)
    found: list[Answer] = []
    with Scripted(script) as server:
        for _ in range(20):  # what was given up is asked for again by the next run
            try:
                found = all_answers(server, tmp_path / "j.jsonl", several, seconds=0.25, attempts=8)
            except ServiceError:
                continue
            if all(not answer.problem for answer in found):
                break
    assert set(faults) == {"fine", "busy", "dated", "broken", "cut", "malformed", "empty", "slow", "strange"}
    assert sorted(int(answer.key) for answer in found) == list(range(30))
    assert all(json.loads(answer.text) == {"n": int(answer.key)} for answer in found)
    entries = [json.loads(line) for line in (tmp_path / "j.jsonl").read_text().splitlines()]
    kept = [entry["key"] for entry in entries if entry["kind"] == "answer"]
    assert len(kept) == len(set(kept)) == 30


def test_too_many_requests_hold_up_everybody_as_long_as_is_asked(tmp_path: Path) -> None:
    times: list[float] = []

    def script(request: Asked) -> Reply:
        times.append(time.monotonic())
        return Reply({}, 429, {"Retry-After": "0.8"}) if len(times) == 3 else echo(request)

    with Scripted(script) as server:
        assert len(all_answers(server, tmp_path / "j.jsonl", questions(8), concurrency=2)) == 8
    # Whoever was on the way arrives; everybody else waits.
    assert sum(at - times[2] < 0.75 for at in times[3:]) <= 2 and len(times) == 9


def test_no_more_requests_a_minute_than_allowed(tmp_path: Path) -> None:
    started = time.monotonic()
    with Scripted(echo) as server:
        all_answers(server, tmp_path / "j.jsonl", questions(6), requests_per_minute=1200, concurrency=4)
    assert time.monotonic() - started >= 5 * 60 / 1200


def test_no_more_is_asked_ahead_than_concurrency_allows(tmp_path: Path) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def endless() -> Iterator[Question]:
        number = 0
        while True:
            yield Question(str(number), (Message("user", f"question {number}"),))
            number += 1

    def script(request: Asked) -> Reply:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)

        def leave() -> None:
            nonlocal at_once
            with lock:
                at_once -= 1

        threading.Timer(0.02, leave).start()
        return Reply(chat("yes"), seconds=0.02)

    with Scripted(script) as server, Journal(tmp_path / "j.jsonl") as journal:
        endpoint = Endpoint("m", server.address, limits=Limits(concurrency=3))
        answers = ask(endless(), [endpoint], journal)
        for _ in range(10):
            next(answers)
        answers.close()  # type: ignore[attr-defined]
        assert len(server.requests) <= 10 + 3
        assert len(journal.entries) == len(server.requests), "what was answered is kept"
    assert most <= 4


@pytest.mark.parametrize("taken", ["json_schema", "tool", "words"])
def test_json_is_asked_for_in_the_way_that_the_server_takes(tmp_path: Path, taken: str) -> None:
    def script(request: Asked) -> Reply:
        body = request.body
        way = "json_schema" if "response_format" in body else "tool" if "tools" in body else "words"
        if way != taken:
            return Reply({"error": {"message": f"unknown: {way}"}}, 400)
        reply = chat({"n": int(asked_for(request))})
        if way == "tool":
            function = {"name": "answer", "arguments": reply["choices"][0]["message"].pop("content")}
            reply["choices"][0]["message"]["tool_calls"] = [{"type": "function", "function": function}]
        elif way == "words":
            assert json.dumps(SCHEMA) in body["messages"][-1]["content"]
            message = reply["choices"][0]["message"]
            message["content"] = f"<think>{{hm}}</think>Here:\n```json\n{message['content']}\n```"
        return Reply(reply)

    with Scripted(script) as server:
        found = all_answers(server, tmp_path / "j.jsonl", questions(6, SCHEMA))
        refused = {"json_schema": 0, "tool": 1, "words": 2}[taken]
        assert len(server.requests) == 6 + refused, "found out once"
    assert sorted(json.loads(answer.text)["n"] for answer in found) == list(range(6))


def test_a_server_that_fails_at_a_way_of_asking_is_asked_differently_soon(tmp_path: Path) -> None:
    def script(request: Asked) -> Reply:
        return Reply({}, 500) if "response_format" in request.body else Reply(chat('{"n": 1, "text": "a\tb"}'))

    with Scripted(script) as server:
        [answer] = all_answers(server, tmp_path / "j.jsonl", questions(1, SCHEMA))
        assert len(server.requests) == 3 and json.loads(answer.text)["text"] == "a\tb"


def test_a_server_that_ignores_the_schema_is_asked_differently(tmp_path: Path) -> None:
    def script(request: Asked) -> Reply:
        return Reply(chat("Sure!" if "response_format" in request.body else {"n": int(asked_for(request))}))

    with Scripted(script) as server:
        assert [answer.problem for answer in all_answers(server, tmp_path / "j.jsonl", questions(3, SCHEMA))] == [
            ""
        ] * 3


def test_answers_are_checked_and_asked_for_again(tmp_path: Path) -> None:
    def check(question: Question, text: str) -> str:
        return "" if text == "yes" else "should be yes"

    script = lambda request: Reply(chat("no" if request.number < 2 else "yes"))  # noqa: E731
    with Scripted(script) as server, Journal(tmp_path / "j.jsonl") as journal:
        [answer] = ask(questions(1), [Endpoint("m", server.address)], journal, check)
    assert answer.text == "yes" and answer.tokens == 15, "all attempts are paid for"


def test_one_bad_question_does_not_stop_the_others(tmp_path: Path) -> None:
    def script(request: Asked) -> Reply:
        return Reply({"error": {"message": "too long"}}, 400) if asked_for(request) == "2" else echo(request)

    with Scripted(script) as server:
        found = all_answers(server, tmp_path / "j.jsonl", questions(5))
    assert {answer.key: answer.problem != "" for answer in found} == {
        "0": False,
        "1": False,
        "2": True,
        "3": False,
        "4": False,
    }
    assert any("too long" in answer.problem for answer in found)


@pytest.mark.parametrize(("status", "says"), [(401, "bad key"), (404, "no such model")])
def test_a_refusal_of_everything_ends_it_at_once(tmp_path: Path, status: int, says: str) -> None:
    with Scripted(lambda request: Reply({"error": {"message": f"{says}: sk-1"}}, status)) as server:
        endpoint = Endpoint("m", server.address, key="sk-1")
        with Journal(tmp_path / "j.jsonl") as journal, pytest.raises(ServiceError, match=f"{status}: {says}: …"):
            list(ask(questions(50), [endpoint], journal))
        assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Scripted(echo) as server:
        address = server.address
    endpoint = Endpoint("m", address, limits=Limits(attempts=2))
    with (
        Journal(tmp_path / "j.jsonl") as journal,
        pytest.raises(ServiceError, match=r"127\.0\.0\.1:\d+ cannot be reached"),
    ):
        list(ask(questions(3), [endpoint], journal))


def test_one_endpoint_fails_and_the_other_goes_on(tmp_path: Path) -> None:
    found = []
    with Scripted(lambda request: Reply({}, 401)) as bad, Scripted(echo) as good, Journal(tmp_path / "j") as journal:
        answers = ask(questions(5), [Endpoint("a", bad.address), Endpoint("b", good.address)], journal)
        with pytest.raises(ServiceError, match="401"):
            for answer in answers:
                found.append(answer)
    assert sorted(answer.key for answer in found) == list("01234")


def test_what_must_happen_once_is_not_repeated() -> None:
    with Scripted(lambda request: Reply({}, 500)) as server, Service(server.address) as job:
        with pytest.raises(ServiceError, match="500"):
            job.send("POST", "/jobs", json={}, repeatable=False)
        assert len(server.requests) == 1
        with pytest.raises(ServiceError, match="500"):
            job.send("GET", "/jobs")
        assert len(server.requests) == 1 + 6
    busy = lambda request: Reply({"id": 1}, 429 if request.number < 2 else 200)  # noqa: E731
    with Scripted(busy) as server, Service(server.address) as job:
        assert job.send("POST", "/jobs", json={}, repeatable=False) == {"id": 1}


def test_a_server_that_asks_for_too_much_patience_is_given_up() -> None:
    busy = lambda request: Reply({}, 429, {"Retry-After": "7200"})  # noqa: E731
    with Scripted(busy) as server, Service(server.address) as asked, pytest.raises(ServiceError, match="7200 seconds"):
        asked.send("GET", "/x")


def test_the_environment_says_where() -> None:
    endpoint = from_environment("m", environment={"OPENAI_BASE_URL": "http://localhost:1/v1", "OPENAI_API_KEY": "k"})
    assert (endpoint.address, endpoint.key, endpoint.label) == ("http://localhost:1/v1", "k", "m")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        from_environment("m", environment={})
    with pytest.raises(ConfigError, match="--model"):
        from_environment("", environment={"OPENAI_API_KEY": "k"})
    with pytest.raises(ServiceError, match="no address"):
        Service("localhost:8000")
