"""`otto bench`: what is read, drawn and counted, on a set of its own."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from otto.bench.bench import Report, measure
from otto.bench.score import accepted, calibration_error
from otto.bench.testset import Row, drawn, read_rows, read_skills
from otto.call import parse
from otto.config import Settings
from otto.errors import OttoError
from tests.models.chatserver import running, said

SPEECH = Path(__file__).parent.parent / "data" / "speech"
CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Quito", "Paris", "Delhi", "Kyiv")
TRAIN = [
    *({"text": f"weather in {city}", "call": f'weather(city="{city}")'} for city in CITIES),
    *({"text": f"will it rain in {city}", "calls": [f'weather(city="{city}")']} for city in CITIES),
    *({"text": f"{word} the music", "call": f'music(action="{word}")'} for word in ("play", "stop", "pause") * 2),
    *(
        {"text": text, "call": "other()"}
        for text in ("how are you", "thank you", "i had soup", "he is late", "nice hat")
    ),
]
TEST = [
    {"text": "weather in Madrid", "call": 'weather(city="Madrid")'},
    {"text": "will it rain in Tokyo", "call": 'weather(city="Tokyo")'},
    {"text": "stop the music", "call": 'music(action="stop")'},
    {"text": "thank you so much", "call": "other()"},
]
SKILLS = [
    {
        "name": "weather",
        "description": "",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    {
        "name": "music",
        "description": "",
        "parameters": {
            "type": "object",
            "properties": {"action": {"type": "string", "enum": ["play", "stop", "pause"]}},
        },
    },
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    (folder / "skills.json").write_text(json.dumps(SKILLS), encoding="utf-8")
    for name, rows in (("train", TRAIN), ("test", TEST)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return measure(folder)


def test_all_figures_are_there(report: Report) -> None:
    figures = asdict(report)
    assert figures["rows"] == 4
    assert figures["train_rows"] == len(TRAIN)
    for name in ("exact", "exact_typed", "skill_accuracy", "argument_f1", "in_scope_accuracy", "out_of_scope_recall"):
        assert 0 <= figures[name] <= 1, name
    assert figures["train_seconds"] > 0
    assert 0 < figures["route_ms_p50"] <= figures["route_ms_p99"]


def test_easy_sentences_are_understood(report: Report) -> None:
    assert report.exact >= 0.75
    assert report.exact_typed >= report.exact
    assert report.skill_accuracy == 1


def test_shots_draw_the_same_rows_each_time() -> None:
    rows = [Row(f"sentence {number}", parse(f"{'ab'[number % 2]}()")) for number in range(40)]
    once, again = drawn(rows, 5), drawn(rows, 5)
    assert once == again
    assert sorted(row.calls[0].name for row in once) == ["a"] * 5 + ["b"] * 5
    assert len(drawn(rows, 100)) == 40
    assert drawn(rows, 5, seed=1) != once


def test_progress_goes_from_nothing_to_all(folder: Path) -> None:
    told: list[float] = []
    measure(folder, shots=3, progress=lambda what, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_development_set_fits_the_threshold(folder: Path) -> None:
    (folder / "dev.jsonl").write_text((folder / "test.jsonl").read_text(encoding="utf-8"), encoding="utf-8")
    assert measure(folder, shots=4).rows == 4
    (folder / "dev.jsonl").unlink()


def test_recordings_need_ears(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"audio": "a.flac", "call": "stop()"}\n', encoding="utf-8")
    with pytest.raises(OttoError, match=r"test\.jsonl:1: .*needs its text"):
        read_rows(tmp_path, "test")
    heard = read_rows(tmp_path, "test", lambda path: f"heard {path.name}")
    assert heard == [Row("heard a.flac", parse("stop()"), recorded=True)]


def test_a_recorded_command_is_accepted_when_all_that_is_labelled_is_right() -> None:
    labelled = parse('order(drink="latte", size="small")')
    assert accepted(labelled, parse('order(size="small", drink="latte", milk="soy milk")'))
    assert not accepted(labelled, parse('order(drink="latte")'))
    assert not accepted(labelled, parse('order(drink="latte", size="large")'))
    assert not accepted(labelled, parse('brew(drink="latte", size="small")'))
    assert not accepted(labelled, (*labelled, *labelled))
    assert not accepted((), ())


def test_recordings_are_transcribed_and_scored(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="needs the voice extra")
    skills = [
        {"name": name, "description": "", "parameters": {"type": "object", "properties": {key: {"type": "string"}}}}
        for name, key in (("timer", "duration"), ("lights", "room"))
    ]
    train = [
        *({"text": f"set a timer for {n} minutes", "call": f'timer(duration="{n} minutes")'} for n in ("ten", "six")),
        *({"text": f"turn off the {room} light", "call": f'lights(room="{room}")'} for room in ("living room", "hall")),
        *({"text": text, "call": "other()"} for text in ("how are you", "thank you", "nice hat")),
    ]
    test = [
        {"audio": "timer.flac", "text": "set a timer for ten minutes", "call": 'timer(duration="ten minutes")'},
        {"audio": "lights.flac", "call": 'lights(room="kitchen")'},
    ]
    (tmp_path / "skills.json").write_text(json.dumps(skills), encoding="utf-8")
    for name, rows in (("train", train), ("test", test)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for sound in ("timer", "lights"):
        shutil.copy(SPEECH / f"{sound}.flac", tmp_path)
    report = measure(tmp_path, stt="sphinx")
    assert (report.rows, report.accepted, report.word_error_rate) == (2, 0.5, 0)
    assert report.stt_realtime_factor is not None and report.stt_realtime_factor > 0


def test_a_call_that_cannot_be_read_is_never_right(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"text": "a", "call": "stop("}\n', encoding="utf-8")
    assert read_rows(tmp_path, "test") == [Row("a", ())]


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"text": "a"}', '{"text": "a", "calls": 3}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.jsonl").write_text('{"text": "a", "call": "a()"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(OttoError, match=r"train\.jsonl:2"):
        read_rows(tmp_path, "train")


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OttoError, match=r"skills\.json"):
        read_skills(tmp_path)
    with pytest.raises(OttoError, match="no router 'oracle'"):
        measure(tmp_path, router="oracle")


def test_a_router_over_a_model_is_scored_alike(folder: Path) -> None:
    with running() as server:
        server.answers = [said(None, ("weather", '{"city": "Madrid"}'))]
        settings = Settings(router_endpoint=server.address, router_endpoint_model="m")
        report = measure(folder, router="openai", settings=settings)
        assert (report.rows, report.exact, report.skill_accuracy, report.train_seconds) == (4, 0.25, 2 / 3, 0)
        with pytest.raises(OttoError, match="too few to calibrate"):
            measure(folder, router="cascade", settings=replace(settings, router_model=str(folder)))
        server.answers = [(401, {}, {})]
        assert measure(folder, router="openai", settings=settings).exact == 0


@pytest.mark.parametrize(
    ("confidences", "right", "error"),
    [
        ([1.0, 1.0], [True, True], 0.0),
        ([1.0, 1.0], [True, False], 0.5),
        ([0.55, 0.55], [True, False], 0.05),
        ([], [], 0),
    ],
)
def test_calibration_error(confidences: list[float], right: list[bool], error: float) -> None:
    assert calibration_error(confidences, right) == pytest.approx(error)


SHARED = Path(__file__).resolve().parents[3] / "shared" / "bench"


@pytest.mark.nightly
@pytest.mark.bench_sets
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the test sets of ../shared/bench")
@pytest.mark.parametrize(("name", "shots", "least"), [("snips", 20, 0.50), ("snips", 70, 0.73)])
def test_known_sets_are_understood_as_well_as_before(name: str, shots: int, least: float) -> None:
    found = measure(SHARED / name, shots=shots)
    assert found.exact >= least
    assert 0 < found.rss_mb < 300
