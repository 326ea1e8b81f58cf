"""`/api/…`: understand, do, confirm, correct, look."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from otto.service.run import Server
from otto.voice.loop import BUSY
from tests.service.conftest import over_tcp, serving

SPEECH = Path(__file__).parent.parent / "data" / "speech"


def ask(client: httpx.Client, text: str, **more: object) -> httpx.Response:
    return client.post("/api/ask", json={"text": text, **more})


def test_a_command_is_understood_and_carried_out(client: httpx.Client) -> None:
    answer = ask(client, "paint the old door").json()
    assert answer["calls"] == ['paint(thing="old door")']
    assert answer["reply"] == "Painted old door."
    assert answer["ok"] and answer["results"][0]["outcome"] == "ran"
    assert {"route", "dispatch", "store"} <= answer["timings_ms"].keys()


def test_understanding_does_nothing(client: httpx.Client) -> None:
    before = client.get("/api/history").json()["entries"]
    answer = client.post("/api/route", json={"text": "paint the fence"}).json()
    assert answer["calls"] == ['paint(thing="fence")'] and answer["trace"] and not answer["rejected"]
    assert ask(client, "paint the fence", dry_run=True).json()["reply"] == 'I would run paint(thing="fence").'
    assert client.get("/api/history").json()["entries"] == before


def test_a_risky_command_waits_for_a_yes_that_counts_once(client: httpx.Client) -> None:
    asked = ask(client, "crush the old car").json()
    assert asked["question"] == "Shall I run crush, old car?" and asked["reply"] == asked["question"]
    assert not asked["results"] and not asked["ok"]
    done = client.post("/api/confirm", json={"id": asked["confirm"], "yes": True})
    assert done.json()["reply"] == "Crushed old car." and done.json()["ok"]
    again = client.post("/api/confirm", json={"id": asked["confirm"], "yes": True})
    assert again.status_code == 404 and "over" in again.json()["error"]


def test_a_no_is_a_no(client: httpx.Client, server: Server) -> None:
    asked = ask(client, "crush this").json()
    answer = client.post("/api/confirm", json={"id": asked["confirm"], "yes": False}).json()
    assert [result["outcome"] for result in answer["results"]] == ["declined"] and not answer["ok"]
    assert [record.event for record in server.service.otto.store.audit.last(2)] == ["declined", "asked"]


def test_a_question_is_over_after_two_minutes(
    client: httpx.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(client, "crush the tree").json()
    later = time.monotonic() + 121
    monkeypatch.setattr(server.service.turns.pending, "_clock", lambda: later)
    assert client.post("/api/confirm", json={"id": asked["confirm"], "yes": True}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": 5}, {"text": "hello", "more": 1}, {"text": "a" * 513}, {"text": "a\x00b"}, [], "text"],
)
def test_what_is_no_command_is_refused_with_a_sentence(client: httpx.Client, body: object) -> None:
    answer = client.post("/api/ask", json=body)
    assert answer.status_code == 422 and answer.json()["error"]


def test_one_runs_two_wait_and_the_next_is_told_at_once(server: Server) -> None:
    def timed(number: int) -> tuple[int, float, httpx.Response]:
        with over_tcp(server) as client:
            started = time.monotonic()
            answer = ask(client, "build the house")
            return answer.status_code, time.monotonic() - started, answer

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(timed, range(8)))
    served = [seconds for status, seconds, _ in found if status == 200]
    refused = [(seconds, answer) for status, seconds, answer in found if status == 503]
    assert len(served) + len(refused) == 8, "every request is answered"
    assert 3 <= len(served) <= 5
    for _, answer in refused:
        assert answer.headers["retry-after"] == "1" and answer.json() == {"error": BUSY}
    assert min(seconds for seconds, _ in refused) < min(served)


@pytest.mark.parametrize("words", ["stop", "Cancel that!", "stop it now"])
def test_stop_overtakes_what_runs(server: Server, words: str) -> None:
    with over_tcp(server) as one, over_tcp(server) as two, over_tcp(server) as other, ThreadPoolExecutor(2) as pool:
        other.get("/health")
        running = pool.submit(ask, one, "build the tree")
        while server.service.turns.commands.idle:
            time.sleep(0.005)
        waiting = pool.submit(ask, two, "paint a house")
        while server.service.turns.waiting < 2:
            time.sleep(0.005)
        assert ask(other, words).status_code == 200
        assert running.result().json()["results"][0]["outcome"] == "failed", "it was ended before it was done"
        assert waiting.result().status_code == 409


def test_cancel_says_whether_there_was_anything(client: httpx.Client) -> None:
    assert client.post("/api/cancel", json={}).json() == {"interrupted": False}


def test_a_correction_is_learnt_live(tmp_path: Path) -> None:
    with serving(tmp_path) as server, over_tcp(server) as client:
        wrong = ask(client, "paint it flat with the hammer").json()
        assert wrong["calls"][0].startswith("paint(")
        learnt = client.post("/api/correct", json={"id": wrong["id"], "call": 'crush(thing="it")'}).json()
        assert learnt["learnt"] and learnt["file"] == "crush_examples.txt"
        assert ask(client, "paint it flat with the hammer").json()["question"] == "Shall I run crush, it?"
        (kept,) = client.get("/api/history", params={"q": "hammer"}).json()["entries"]
        assert kept["correction"] == 'crush(thing="it")'
        assert "otto_corrections_total 1.0" in client.get("/metrics").text


def test_a_correction_has_to_make_sense(client: httpx.Client) -> None:
    said = ask(client, "paint the wall").json()["id"]
    for body, status in (
        ({"id": said, "call": "fly()"}, 422),
        ({"id": said, "call": "crush("}, 422),
        ({"id": 10**9, "call": "stop()"}, 404),
        ({"call": "stop()"}, 422),
    ):
        answer = client.post("/api/correct", json=body)
        assert answer.status_code == status and answer.json()["error"]


def test_skills_are_listed_with_their_examples(client: httpx.Client) -> None:
    listed = client.get("/api/skills").json()
    found = {each["name"]: each for each in listed["skills"]}
    assert found["crush"]["risk"] == "confirm" and found["paint"]["risk"] == "none"
    whole = client.get("/api/skills/paint").json()
    assert len(whole["sentences"]) == found["paint"]["examples"] == 5
    assert whole["sentences"][0]["calls"] == ['paint(thing="red ball")'] and whole["sentences"][0]["line"] == 5
    assert client.get("/api/skills/fly").status_code == 404


def test_the_history_can_be_searched(client: httpx.Client) -> None:
    for thing in ("violet", "orange"):
        ask(client, f"paint the {thing} shed")
    found = client.get("/api/history", params={"q": "VIOLET shed", "count": 5}).json()["entries"]
    assert [entry["text"] for entry in found] == ["paint the violet shed"]
    assert client.get("/api/history", params={"count": 0}).status_code == 422
    assert client.get("/api/history", params={"counts": 1}).status_code == 422


def test_running_timers_are_listed(client: httpx.Client, server: Server) -> None:
    from datetime import timedelta

    otto = server.service.otto
    alert = otto.store.alerts.add_timer(timedelta(minutes=5), otto.clock.now(), "tea")
    (timer,) = client.get("/api/timers").json()["timers"]
    assert timer["kind"] == "timer" and timer["text"] == "tea" and 290 < timer["remaining_seconds"] <= 300
    otto.store.alerts.cancel(alert.id, otto.clock.now())


def test_the_metrics_count_what_happened(tmp_path: Path) -> None:
    with serving(tmp_path) as server, over_tcp(server) as client:
        ask(client, "paint the wall")
        ask(client, "crush the wall")
        ask(client, "how do magnets work")
        client.post("/api/route", json={"text": "paint"})
        told = client.get("/metrics").text
    assert 'otto_stage_seconds_count{stage="route"} 3.0' in told
    assert 'otto_stage_seconds_count{stage="dispatch"} 2.0' in told
    assert 'otto_routes_total{router="fewshot"} 4.0' in told
    assert 'otto_rejections_total{router="fewshot"} 1.0' in told
    assert 'otto_calls_total{outcome="ran"} 1.0' in told
    assert 'otto_questions_total{answer="asked"} 1.0' in told
    assert 'otto_requests_total{operation="post_api_ask",status="200"} 3.0' in told
    assert "wall" not in told and "magnets" not in told


def test_a_recording_is_written_down(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    sound = (SPEECH / "timer.flac").read_bytes()
    with serving(tmp_path) as server, over_tcp(server) as client:
        answer = client.post("/api/transcribe", content=sound, headers={"Content-Type": "audio/flac"})
        assert answer.status_code == 200 and answer.json()["seconds"] > 0.5
        for broken in (b"", b"RIFF", sound[:100]):
            refused = client.post("/api/transcribe", content=broken, headers={"Content-Type": "audio/flac"})
            assert refused.status_code == 422 and refused.json()["error"]
        large = client.post("/api/transcribe", content=bytes(9 << 20), headers={"Content-Type": "audio/wav"})
        assert large.status_code == 413


def test_paths_and_methods_that_are_not_there(client: httpx.Client) -> None:
    assert client.get("/api/nothing").status_code == 404
    assert client.get("/api/ask").status_code == 405
    assert client.get("/api/nothing").json()["error"].startswith("Not Found")


def test_the_unix_socket_needs_no_token_and_is_private(server: Server) -> None:
    import stat

    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(server.path)), base_url="http://localhost") as client:
        assert ask(client, "paint the roof").json()["reply"] == "Painted roof."


def test_threads_end_with_the_server(tmp_path: Path) -> None:
    before = threading.active_count()
    with serving(tmp_path) as server, over_tcp(server) as client:
        ask(client, "paint the wall")
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_each_client_has_a_conversation_of_its_own(client: httpx.Client) -> None:
    assert ask(client, "paint the red ball", conversation="kitchen").json()["ok"]
    assert ask(client, "and the old car", conversation="garden").json()["rejected"], "nothing was said there"
    assert ask(client, "and the old car").json()["rejected"]
    assert ask(client, "and the old car", conversation="kitchen").json()["calls"] == ['paint(thing="old car")']
    assert ask(client, "paint", conversation="no such name!").status_code == 422
