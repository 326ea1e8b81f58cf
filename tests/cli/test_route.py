"""`otto route` and `otto calibrate`, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Otto
from tests.models.chatserver import running, said


def test_why_is_told_for_every_router_asked(otto: Otto) -> None:
    with running() as server:
        server.answers = [said(None, ("timer", '{"duration": "ten minutes"}'))]
        ran = otto(
            "route", "--json", "set a timer for ten minutes", "--router", "fewshot", "--router", "openai",
            "--router", "llama",
            OTTO_ROUTER_ENDPOINT=server.address, OTTO_ROUTER_ENDPOINT_MODEL="m", OTTO_ROUTER_MODEL="/nowhere.gguf",
        )  # fmt: skip
    assert ran.code == 0, ran.err
    fewshot, openai, llama = map(json.loads, ran.out.splitlines())
    assert fewshot["calls"] == ['timer(duration="10 minutes")']
    assert fewshot["confidence"] > 0.8
    assert "score" in fewshot["trace"]
    assert openai["calls"] == ['timer(duration="10 minutes")']
    assert openai["trace"]["model"] == "openai:m"
    assert "/nowhere.gguf" in llama["error"]


def test_a_table_for_people(otto: Otto) -> None:
    ran = otto("route", "what time is it in tokyo")
    assert ran.code == 0, ran.err
    assert "timecheck" in ran.out
    assert "why" in ran.out


@pytest.mark.parametrize("verb", ["route", "calibrate"])
def test_an_unknown_router_is_named(otto: Otto, verb: str) -> None:
    ran = otto(verb, *(["x"] if verb == "route" else []), "--router", "oracle")
    assert ran.code == 2
    assert "'oracle'; known: " in ran.err


def test_calibrating_prints_a_table_and_writes_a_file(otto: Otto, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    texts = [f"set a timer for {number} minutes" for number in range(2, 62)]
    lines = (json.dumps({"text": text, "call": f'timer(duration="{text.split()[4]} minutes")'}) for text in texts)
    rows.write_text("\n".join(lines))
    with running() as server:
        server.answers = [said(None, ("timer", '{"duration": "ten minutes"}'))]
        ran = otto(
            "calibrate", "--router", "openai", "--on", str(rows), "--beside",
            OTTO_ROUTER_ENDPOINT=server.address, OTTO_ROUTER_ENDPOINT_MODEL="m",
        )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "openai:m" in ran.out and "no: never asked" in ran.out
    written = Path(ran.err.strip().rpartition("written to ")[2])
    assert json.loads(written.read_text())["rows"] == 60
