"""`otto fix`: a correction is learnt, kept as an example and as a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Otto = Callable[..., Any]


def test_a_correction_is_learnt(otto: Otto, own_folders: Path) -> None:
    said = "egg watch four minutes thirty"
    otto("ask", "--dry-run", "warm up")
    otto("ask", said)
    fixed = otto("fix", 'timer(duration="four minutes thirty")')
    assert fixed.code == 0, fixed.err
    assert otto("ask", "--json", "--dry-run", said).json["calls"] == ['timer(duration="4 minutes 30 seconds")']

    config = own_folders / "xdg" / "config" / "otto"
    assert said in (config / "examples" / "timer_examples.txt").read_text()
    assert [json.loads(line) for line in (config / "corrections.jsonl").read_text().splitlines()] == [
        {"text": said, "call": 'timer(duration="four minutes thirty")'}
    ]
    assert otto("fix", "--check").out == "1 of 1 corrections hold.\n"
    (row,) = map(json.loads, otto("history", "--json").out.splitlines())
    assert row["correction"] == 'timer(duration="four minutes thirty")'


def test_the_bundled_examples_still_count_beside_a_correction(otto: Otto) -> None:
    otto("ask", "egg watch four minutes thirty")
    otto("fix", 'timer(duration="four minutes thirty")')
    answer = otto("ask", "--json", "--dry-run", "set a timer for ten minutes").json
    assert answer["calls"] == ['timer(duration="10 minutes")']


def test_a_correction_must_be_a_valid_call(otto: Otto) -> None:
    otto("ask", "what is nine times nine")
    assert "no skill 'juggle'" in otto("fix", "juggle()").err
    assert "needs duration" in otto("fix", "timer()").err
    assert "expected" in otto("fix", "timer(").err
    assert otto("history", "--json").json["correction"] == ""


def test_nothing_to_correct(otto: Otto) -> None:
    done = otto("fix", "other()")
    assert (done.code, done.err) == (2, "otto: there is nothing to correct yet\n")
