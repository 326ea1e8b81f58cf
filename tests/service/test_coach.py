"""`/api/coach`: models, answers as they are written, votes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from otto.config import Settings
from otto.service import coach as coaching
from otto.service.run import Server
from tests import coachserver
from tests.service.conftest import over_tcp, serving


@pytest.fixture(scope="module")
def models() -> Iterator[coachserver.Server]:
    with coachserver.running() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: coachserver.Server) -> Iterator[Server]:
    named = (f"base: b @ {models.address}", f"tuned: t @ {models.address}")
    with serving(tmp_path_factory.mktemp("c"), Settings(coach_models=named)) as server:
        yield server


def events(answer: httpx.Response) -> list[dict[str, object]]:
    return [json.loads(line[6:]) for line in answer.text.split("\n\n") if line]


def test_the_models_of_the_settings_are_there(client: httpx.Client) -> None:
    said = client.get("/api/coach/models").json()
    assert [each["name"] for each in said["models"]] == ["base", "tuned"]
    assert said["library"] is False and said["problem"] == ""


def test_an_answer_is_streamed(client: httpx.Client, models: coachserver.Server) -> None:
    before = [{"question": "I run 30 km a week.", "answer": "Good."}]
    answer = client.post("/api/coach", json={"question": "How do I taper?", "model": "tuned", "before": before})
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer)
    assert [each["type"] for each in told] == ["piece", "piece", "piece", "end"]
    assert told[-1]["text"] == "".join(coachserver.USUAL)
    assert models.sent[-1]["model"] == "t"
    assert [each["content"] for each in models.sent[-1]["messages"][1:]] == [
        "I run 30 km a week.",
        "Good.",
        "How do I taper?",
    ]


def test_pieces_arrive_before_the_end_and_leaving_stops_the_model(
    client: httpx.Client, models: coachserver.Server
) -> None:
    models.hold.set()
    models.left.clear()
    with client.stream("POST", "/api/coach", json={"question": "How do I taper?"}) as answer:
        first = next(answer.iter_lines())
    assert json.loads(first[6:]) == {"type": "piece", "text": "Run **easy**"}
    assert models.left.wait(10)
    models.hold.clear()


def test_more_than_a_few_at_once_are_told_to_wait(server: Server, models: coachserver.Server) -> None:
    models.hold.set()
    clients = [over_tcp(server) for _ in range(coaching.MOST + 1)]
    streams = [each.stream("POST", "/api/coach", json={"question": "How do I taper?"}) for each in clients]
    try:
        answers = [stream.__enter__() for stream in streams]
        assert [answer.status_code for answer in answers] == [*[200] * coaching.MOST, 503]
        assert answers[-1].headers["retry-after"]
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
        models.hold.clear()
    with over_tcp(server) as client:
        until = time.monotonic() + 10
        while client.post("/api/coach", json={"question": "How do I taper?"}).status_code == 503:
            assert time.monotonic() < until


def test_an_emergency_is_answered_without_a_model(client: httpx.Client, models: coachserver.Server) -> None:
    asked = len(models.sent)
    told = events(client.post("/api/coach", json={"question": "I have chest pain, how far do I run?"}))
    assert [(each["type"], each["kind"]) for each in told] == [("care", "emergency"), ("end", "emergency")]
    assert len(models.sent) == asked


def test_passages_that_the_answer_cites_come_with_its_end(
    client: httpx.Client, server: Server, models: coachserver.Server, tmp_path: Path
) -> None:
    for package in ("apsw", "sqlite_vec"):
        pytest.importorskip(package, reason="needs the extra library: pip install 'otto-assistant[library]'")
    from otto.encoder import Encoder
    from otto.library.index import Library

    (tmp_path / "plan.md").write_text("# Taper\n\nThe taper lasts nine days.")
    (tmp_path / "food.md").write_text("# Taper and food\n\nEat well in the taper.")
    library = server.service.otto.settings.library
    with Library(library, Encoder.load()) as opened:
        opened.add(tmp_path)
    models.answers["t"] = ["Nine days [1]."]
    told = events(client.post("/api/coach", json={"question": "How many days is the taper?", "model": "tuned"}))
    library.unlink()
    del models.answers["t"]
    assert [each["type"] for each in told] == ["passages", "piece", "end"]
    given, cited = told[0]["sources"], told[-1]["sources"]
    assert isinstance(given, list) and isinstance(cited, list)
    assert len(given) == 2 and [(each["number"], each["file"]) for each in cited] == [(1, "plan.md")]
    assert "nine days" in models.sent[-1]["messages"][0]["content"]


def test_what_goes_wrong_is_an_event(client: httpx.Client, models: coachserver.Server) -> None:
    models.status = 500
    try:
        (told,) = events(client.post("/api/coach", json={"question": "How do I taper?"}))
    finally:
        models.status = 200
    assert told["type"] == "error" and "error 500" in str(told["text"])
    assert client.post("/api/coach", json={"question": "How?", "model": "none"}).status_code == 404


def test_a_vote_is_kept_once_and_can_be_changed(client: httpx.Client, server: Server) -> None:
    vote = {"model": "tuned", "question": "How do I taper?", "answer": "Less.", "verdict": "up",
            "before": [{"question": "I race soon.", "answer": "When?"}]}  # fmt: skip
    number = client.post("/api/coach/vote", json=vote).json()["id"]
    again = client.post("/api/coach/vote", json={**vote, "id": number, "verdict": "down", "edit": "Half of it."})
    assert again.json() == {"id": number}
    (kept,) = server.service.otto.store.votes.list()
    assert (kept.verdict, kept.edit, kept.before) == ("down", "Half of it.", (("I race soon.", "When?"),))
    assert client.post("/api/coach/vote", json={**vote, "verdict": "perhaps"}).status_code == 422
    assert client.post("/api/coach/vote", json={**vote, "id": 99}).status_code == 404


def test_nobody_without_the_token_asks_or_votes(server: Server) -> None:
    for path in ("/api/coach", "/api/coach/vote"):
        assert httpx.post(f"http://127.0.0.1:{server.port}{path}", json={"question": "x"}).status_code == 401
