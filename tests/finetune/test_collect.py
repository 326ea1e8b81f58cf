from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from finetune.collect import collect
from finetune.dataset import manifest_hash, write_set
from finetune.recipe import load as load_recipe
from finetune.saved import data_hash
from finetune.shapes import Conversation, DataError, of_calls, read, read_text
from finetune.sources import from_file, from_history
from otto.bench import testset
from otto.call import parse, write
from otto.config import load
from otto.examples.correction import correct
from otto.skill import Parameter, Skill
from otto.store import Entry, open_store
from otto.values import Limits

STATE = Parameter("state", "choice", required=True, limits=Limits(("on", "off")))
SKILLS = {"lights": Skill("lights", (STATE, Parameter("room")), "Switches lights."), "stop": Skill("stop")}
EXAMPLES = """#### Prompt:
lights(state="on|off", room="[room]") switches lights.

#### Examples:

User: lights on
Assistant: lights(state="on")

User: kitchen lights off
Assistant: lights(state="off", room="kitchen")

User: bad one
Assistant: lights(state="blue")

#### Not:
User: who invented the light bulb
"""


def rows(*pairs: tuple[str, str], source: str = "mine") -> list[Conversation]:
    return [of_calls(text, parse(call), source) for text, call in pairs]


def many(count: int = 120, source: str = "mine") -> list[Conversation]:
    cities = ["berlin", "tokyo", "lima", "oslo", "cairo", "quito", "perth", "delhi", "minsk", "accra", "dakar", "turin"]
    things = ["oven", "lamp", "fan", "heater", "sprinkler", "projector", "fountain", "jukebox", "vacuum", "curtain"]
    pairs = [(f"{thing} {city}", f'lights(state="on", room="{city}")') for city in cities for thing in things]
    return rows(*pairs[:count], source=source)


def test_rows_of_example_files_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    (tmp_path / "lights_examples.txt").write_text(EXAMPLES)
    found, bad = from_file(tmp_path / "lights_examples.txt")
    assert [(row.question, row.answer, row.skill) for row in found] == [
        ("lights on", 'lights(state="on")', "lights"),
        ("kitchen lights off", 'lights(state="off", room="kitchen")', "lights"),
        ("who invented the light bulb", "other()", "other"),
    ]
    assert {row.source for row in found} == {"lights"}
    [one] = bad
    assert one.origin.line == 13 and "state" in one.why


def test_a_folder_gives_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    with pytest.raises(DataError, match="no example files"):
        from_file(folder)
    (folder / "lights_examples.txt").write_text(EXAMPLES)
    (folder / "more.jsonl").write_text('{"text": "stop now", "call": "stop()"}\n')
    assert [row.source for row in from_file(folder)[0]] == ["lights", "lights", "lights", "more"]
    (folder / "more.jsonl").write_text("\n")
    with pytest.raises(DataError, match="holds no rows"):
        from_file(folder / "more.jsonl")


def test_corrections_are_collected(now: datetime) -> None:
    settings = load()
    correct("dim it", parse('lights(state="off")'), settings)
    with open_store(settings.database) as store:
        for text, meant in (("shut up", "stop()"), ("what now", "")):
            store.history.add(Entry(now, text, "other()", 0.9, "fewshot", True, "", correction=meant))
        # What follows on another sentence means something else alone.
        store.history.add(Entry(now, "make it ten", "other()", 0.9, "followup", True, "", correction="stop()"))
    found = from_history(settings)
    assert [(row.question, row.answer, row.source) for row in found] == [
        ("dim it", 'lights(state="off")', "history"),
        ("shut up", "stop()", "history"),
    ]


def test_the_same_again_and_the_opposite_are_dropped(now: datetime) -> None:
    given = rows(
        ("lights on", 'lights(state="on")'),
        ("Lights on!", 'lights(state="on")'),
        ("lights ON", 'lights(state="off")'),
        ("turn the kitchen lights on", 'lights(state="on", room="kitchen")'),
        ("turn the kitchen lights off", 'lights(state="off", room="kitchen")'),
        ("turn on the kitchen lights for me please", 'lights(state="on", room="kitchen")'),
        ("turn on the kitchen lights for me please ok", 'lights(state="on", room="kitchen")'),
    )
    found = collect(given, SKILLS, now, alike=0.9)
    assert {row.question for row in found.rows} == {given[place].question for place in (0, 3, 4, 5)}
    assert [each.why.split()[0] for each in found.dropped] == ["the", "contradicts", f"{40 / 43:.0%}"]


def test_the_same_question_may_have_several_answers_in_prose(now: datetime) -> None:
    given = read_text(
        '{"prompt": "how long is a taper", "completion": "Two weeks.", "source": "a"}\n'
        '{"prompt": "How long is a taper?", "completion": "Two to three.", "source": "b"}\n'
        '{"prompt": "how long is a taper", "completion": "two weeks", "source": "b"}\n',
        "answers.jsonl",
    )
    found = collect(given, {}, now)
    assert [row.source for row in sorted(found.rows, key=lambda row: row.source)] == ["a", "b"]
    assert len([part for part in found.parts.values() if part]) == 1, "one question, one split"
    assert [str(each) for each in found.dropped] == ["answers.jsonl:3: the same stands in answers.jsonl:1"]


def test_what_no_skill_would_take_is_dropped_with_the_reason(now: datetime) -> None:
    given = read_text(
        '{"text": "lights", "call": "lights()"}\n'
        '{"text": "fly", "call": "fly()"}\n'
        '{"prompt": "lights blue", "completion": "lights(state=\\"blue\\")"}\n'
        '{"prompt": "lights on", "completion": "I did.", "skill": "lights"}\n'
        '{"prompt": "stop it", "completion": "stop()"}\n'
        '{"prompt": "who are you", "completion": "Otto."}\n',
        "mine.jsonl",
    )
    found = collect(given, SKILLS, now)
    assert sorted((row.question, row.skill) for row in found.rows) == [("stop it", "stop"), ("who are you", "")]
    assert [each.origin.line for each in found.dropped] == [1, 2, 3, 4]
    assert "lights needs state" in str(found.dropped[0])
    with pytest.raises(DataError, match=r"no rows are left of 1; mine\.jsonl:1"):
        collect(given[:1], SKILLS, now)


def test_nothing_is_written_while_anything_private_is_in_it(tmp_path: Path, now: datetime) -> None:
    given = [*many(), *read_text('{"text": "call 555-123-4567", "call": "other()"}', "mine.jsonl")]
    with pytest.raises(DataError, match=r"mine\.jsonl:1: phone number 5…7"):
        collect(given, SKILLS, now)
    dropped = collect(given, SKILLS, now, private="drop")
    assert len(dropped.rows) == 120 and "phone number" in str(dropped.dropped[0])
    redacted = collect(given, SKILLS, now, private="redact")
    assert "call [phone number]" in [row.question for row in redacted.rows]
    write_set(tmp_path / "data", redacted, SKILLS)
    assert "4567" not in "".join(path.read_text() for path in (tmp_path / "data").glob("*.jsonl"))


def test_what_is_held_out_is_not_trained_on(now: datetime) -> None:
    held = rows(("oven berlin", "other()"), ("the lamp in tokyo", "other()"))
    found = collect(many(), SKILLS, now, held_out=held)
    assert len(found.rows) == 119
    assert "oven berlin" not in [row.question for row in found.rows]


def test_a_data_set_is_written_and_known_by_its_manifest(tmp_path: Path, now: datetime) -> None:
    given = [*many(60), *many(120, "other file")[60:], *many(1)]
    path = write_set(tmp_path / "one", collect(given, SKILLS, now), SKILLS)
    manifest = json.loads(path.read_text())
    parts = {name: read(tmp_path / "one" / f"{name}.jsonl") for name in ("train", "valid", "test")}
    assert manifest["given"]["by_source"] == {"mine": 61, "other file": 60}
    assert {name: kept["rows"] for name, kept in manifest["kept"].items()} == {n: len(p) for n, p in parts.items()}
    assert sum(map(len, parts.values())) == 120 and all(parts.values())
    assert manifest["dropped"]["by_reason"] == {"the same stands in": 1}
    assert manifest["kept"]["train"]["by_skill"] == {"lights": len(parts["train"])}
    first = json.loads((tmp_path / "one" / "train.jsonl").read_text().splitlines()[0])
    assert list(first) == ["messages", "source", "skill"]
    # The same data, once more: the same bytes. Another seed: another order, and no other split.
    again = write_set(tmp_path / "two", collect(given, SKILLS, now), SKILLS)
    assert again.read_bytes() == path.read_bytes()
    third = write_set(tmp_path / "three", collect(given, SKILLS, now, seed=1), SKILLS)
    assert manifest_hash(tmp_path / "three") != manifest_hash(tmp_path / "one")
    ones, threes = (file.parent.joinpath("train.jsonl").read_text().splitlines() for file in (path, third))
    assert ones != threes and sorted(ones) == sorted(threes)


def test_a_changed_file_no_longer_fits_its_manifest(tmp_path: Path, now: datetime) -> None:
    write_set(tmp_path, collect(many(), SKILLS, now), SKILLS)
    recipe = load_recipe("tiny-qlora", {"data.train": str(tmp_path / "train.jsonl"), "data.sample": "false"})
    assert data_hash(recipe) == manifest_hash(tmp_path) and len(manifest_hash(tmp_path)) == 64
    (tmp_path / "train.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"train\.jsonl: was changed"):
        manifest_hash(tmp_path)
    assert data_hash(recipe) == "", "a card does not speak of data that the model was not trained on"


def test_otto_bench_can_read_what_was_collected(tmp_path: Path, now: datetime) -> None:
    prose = read_text('{"prompt": "who are you", "completion": "Otto."}', "prose.jsonl")
    write_set(tmp_path, collect([*many(), *prose], SKILLS, now), SKILLS)
    skills = testset.read_skills(tmp_path / "bench")
    assert skills["lights"].hash == SKILLS["lights"].hash
    found = [row for name in ("train", "dev", "test") for row in testset.read_rows(tmp_path / "bench", name)]
    assert {(row.text, write(row.calls)) for row in found} == {(row.question, row.answer) for row in many()}
