"""How many recorded orders are understood: the figure that docs/experiments-speech.md states."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otto import config
from otto.audio.engines import transcriber
from otto.audio.score import Timed
from otto.bench.testset import NOW, read_rows, read_skills
from otto.call import parse
from otto.example import Example
from otto.route import Context

FOLDER = Path("../shared/bench/barista_audio")


@pytest.mark.nightly
@pytest.mark.bench_sets
def test_nine_of_ten_recorded_orders_are_accepted_by_sphinx_and_the_router() -> None:
    pytest.importorskip("pocketsphinx")
    if not FOLDER.exists():
        pytest.skip(f"needs {FOLDER}")
    from otto.routers.fewshot import FewshotRouter

    skills = list(read_skills(FOLDER).values())
    examples = [Example(row.text, row.calls) for row in read_rows(FOLDER, "train") if row.calls]
    ears = Timed(transcriber(config.load({"stt": "sphinx"}, environment={}), skills, examples))
    router = FewshotRouter.train(skills, examples)
    rows = [json.loads(line) for line in (FOLDER / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    accepted = 0
    for row in rows:
        wanted = parse(row["call"], max_length=None)[0]
        call = router.route(ears.text(FOLDER / row["audio"]), Context(NOW)).calls[0]
        accepted += call.name == wanted.name and wanted.arguments.items() <= call.arguments.items()
    assert accepted / len(rows) >= 0.92
    assert ears.realtime_factor < 0.15
