from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finetune import service
from finetune.ask import Endpoint, ask
from finetune.candidate import Candidate, Judge
from finetune.cli.data import app
from finetune.generate import Run, Wish, append, questions, read, sampled, schema, variety
from finetune.journal import Journal
from finetune.review import review
from otto.call import parse, write
from otto.config import load
from otto.errors import OttoError
from otto.example import Example
from otto.examples import file as examplefile
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.finetune.scripted import Asked, Reply, Scripted, chat

ROOT = Path(__file__).parent.parent.parent
STATE = Parameter("state", "choice", required=True, limits=Limits(("on", "off")))
LIGHTS = Skill("lights", (STATE, Parameter("room"), Parameter("level", "integer")), "Switches lights.")
EXAMPLES = [Example("lights on", parse('lights(state="on")'))]
WORDS = (ROOT / "otto/data/speech/common_words.txt").read_text().split()[2000:6000]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FIRST_PAUSE", 0.002)


def run_of(journal: Journal, count: int = 10, **wish: object) -> Run:
    return Run(Wish(LIGHTS, count, **wish), Judge({"lights": LIGHTS}, EXAMPLES), journal)  # type: ignore[arg-type]


def candidate(text: str, call: str) -> Candidate:
    return Candidate(text, parse(call))


SIX = [
    candidate("brighten up the kitchen", 'lights(state="on", room="kitchen")'),
    candidate("too dark for reading", 'lights(state="on")'),
    candidate("kill everything in the cellar", 'lights(state="off", room="attic")'),
    candidate("save power please", 'lights(state="off")'),
    candidate("lights on!", 'lights(state="on")'),
    candidate("nobody needs the hallway lamp", 'lights(state="off", room="hallway")'),
]


def test_questions_vary_and_show_what_exists(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        run = run_of(journal)
        run.take("0", SIX[:1])
        several = questions(run.wish, EXAMPLES, [LIGHTS], run)
        texts = [next(several).messages[0].text for _ in range(30)]
    assert len(set(texts)) == 30
    assert all("- lights on\n- brighten up the kitchen" in text for text in texts)
    assert all(
        'lights(state="on|off", room="[room]", level="[level:integer]") Switches lights.' in text for text in texts
    )
    assert not any("{" in text for text in texts), "every placeholder is filled"
    for kind, choices in variety().items():
        assert sum(any(choice in text for text in texts) for choice in choices) > 3, kind


def test_negatives_have_their_own_questions() -> None:
    against = next(questions(Wish(LIGHTS, 5, negative=True), EXAMPLES, [LIGHTS]))
    assert "must not call it" in against.messages[0].text
    other = next(questions(Wish(Skill("other"), 5), EXAMPLES, [LIGHTS]))
    assert "none of these functions should answer" in other.messages[0].text and "lights(" in other.messages[0].text


def test_the_schema_is_one_that_strict_servers_take() -> None:
    items = schema(Wish(LIGHTS, 1))["properties"]["examples"]["items"]  # type: ignore[index]
    arguments = items["properties"]["arguments"]
    assert items["required"] == ["sentence", "arguments"] and items["additionalProperties"] is False
    assert arguments["required"] == ["state", "room", "level"]
    assert arguments["properties"]["state"] == {"type": "string", "enum": ["on", "off"]}
    assert arguments["properties"]["level"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    plain = schema(Wish(LIGHTS, 1, negative=True))["properties"]["examples"]["items"]  # type: ignore[index]
    assert list(plain["properties"]) == ["sentence"]


def test_answers_become_candidates() -> None:
    rows = [
        {"sentence": " Kitchen  off ", "arguments": {"room": "kitchen", "state": "off", "level": None}},
        {"sentence": "fifty percent", "arguments": {"state": "on", "room": "", "level": 50}},
    ]
    found = read(json.dumps({"examples": rows}), Wish(LIGHTS, 2))
    assert [str(each) for each in found] == [
        'Kitchen off => lights(state="off", room="kitchen")',
        'fifty percent => lights(state="on", level=50)',
    ]
    [negative] = read('{"examples": [{"sentence": "a light lunch"}]}', Wish(LIGHTS, 1, negative=True))
    assert str(negative) == "a light lunch => other()"


@pytest.mark.parametrize("text", ["{", "[]", '{"examples": []}', '{"examples": [{"text": "a"}]}',
                                  '{"examples": [{"sentence": "a", "arguments": {"state": {"on": 1}}}]}'])  # fmt: skip
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read(text, Wish(LIGHTS, 1))


def test_a_run_takes_what_is_good_until_there_is_enough(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        run = run_of(journal, 3)
        assert run.take("0", SIX) == 3 and run.complete
        assert run.kept() == [SIX[0], SIX[1], SIX[3]]
        assert run.refused == {"unsupported argument": 1}


def test_a_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        run_of(journal).take("0", SIX[:3])
    with Journal(tmp_path / "j") as journal:
        run = run_of(journal)
        assert run.kept() == SIX[:2] and run.refused.total() == 1
        assert run.take("0", SIX) == 2, "the first three are not judged again, nor found to exist already"
        assert run.take("0", SIX) == 0 and run.knows("0") and not run.knows("1")
        assert run.kept() == [SIX[0], SIX[1], SIX[3], SIX[5]]


def test_a_person_keeps_edits_and_drops(tmp_path: Path) -> None:
    said: list[str] = []
    with Journal(tmp_path / "j") as journal:
        run = run_of(journal)
        run.take("0", SIX)
        answers = iter(["k", "what?", "d", "e", "", "lights(", "", 'lights(state="off", room="moon")',
                        "save power now", "", "q"])  # fmt: skip
        assert review(run, lambda question: next(answers), said.append) is False
        assert [str(each) for each in run.kept(unseen=False)] == [
            'brighten up the kitchen => lights(state="on", room="kitchen")',
            'save power now => lights(state="off")',
        ]
        assert any("does not say room='moon'" in text for text in said)
    with Journal(tmp_path / "j") as journal:
        run = run_of(journal)
        assert [each.candidate for each in run.open] == [SIX[5]]
        assert review(run, lambda question: "a", said.append) is True
        assert len(run.kept()) == 3


def test_the_end_of_input_stops_a_review(tmp_path: Path) -> None:
    def nobody(question: str) -> str:
        raise EOFError

    with Journal(tmp_path / "j") as journal:
        run = run_of(journal)
        run.take("0", SIX[:2])
        assert review(run, nobody, lambda text: None) is False and len(run.open) == 2


def test_kept_ones_are_appended_once(tmp_path: Path) -> None:
    path = tmp_path / "lights_examples.txt"
    path.write_text('# mine\n#### Prompt:\nlights(state="on|off", room="[room]") switches.\n\n#### Examples:\n\n'
                    'User: lights on\nAssistant: lights(state="on")\n')  # fmt: skip
    before = path.read_text()
    given = [SIX[0], SIX[3], candidate("the lights of the city", "other()")]
    assert append(path, given) == (3, [])
    once = path.read_text()
    assert once.startswith(before)
    assert append(path, given) == (0, []) and path.read_text() == once
    file = examplefile.read(path)
    assert not file.problems and len(file.examples) == 4
    assert once.index("#### Not:") < once.index("the lights of the city")
    new, refused = append(path, [candidate("make it blue", 'lights(state="blue")')])
    assert new == 0 and "make it blue" in refused[0] and path.read_text() == once


def test_examples_of_a_bundled_skill_begin_a_file_of_the_users(tmp_path: Path) -> None:
    path = tmp_path / "new" / "timer_examples.txt"
    assert append(path, [candidate("ten minutes for the eggs", 'timer(duration="ten minutes")')]) == (1, [])
    assert write(examplefile.read(path).examples[0].calls) == 'timer(duration="ten minutes")'


def test_without_a_model_examples_are_sampled() -> None:
    several = [Example(f"switch {state} the {room} lights", parse(f'lights(state="{state}", room="{room}")'))
               for state in ("on", "off") for room in ("kitchen", "cellar", "bathroom", "garage")]  # fmt: skip
    found = [
        next(iterator)[1][0] for iterator in [sampled(Wish(LIGHTS, 5), {"lights": LIGHTS}, several)] for _ in range(5)
    ]
    judge = Judge({"lights": LIGHTS}, [])
    assert all(judge.fault(each) == "" for each in found) and len(set(found)) > 1


# The whole verb, as a program, against a server that fails in all the usual ways.


def sentences(chance: random.Random, count: int) -> list[dict[str, object]]:
    """New ones each time, as a model's are."""
    found = []
    for _ in range(count):
        minutes = chance.randint(2, 59)
        text = f"{' '.join(chance.sample(WORDS, 3))} timer {minutes} minutes"
        found.append({"sentence": text, "arguments": {"duration": f"{minutes} minutes"}})
    return found


def command(address: str, *arguments: str) -> list[str]:
    program = "from finetune.cli.data import app; app(standalone_mode=True)"
    return [sys.executable, "-c", program, "generate", "--skill", "timer", "--model", "m", "--yes", *arguments]


def environment(address: str) -> dict[str, str]:
    return {**os.environ, "OPENAI_BASE_URL": address, "PYTHONPATH": str(ROOT)}


def users_file() -> Path:
    return load().config_folder / "examples" / "timer_examples.txt"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
@pytest.mark.parametrize(
    ("kills", "count"), [(2, 16), pytest.param(50, 320, marks=pytest.mark.nightly)], ids=["few", "fifty"]
)
def test_kill_9_loses_nothing_and_doubles_nothing(kills: int, count: int) -> None:
    chance, given = random.Random(6), set[str]()

    def script(request: Asked) -> Reply:
        fault = chance.random()
        if fault < 0.1:
            return Reply({"error": {"message": "slow down"}}, 429, {"Retry-After": "0.01"})
        if fault < 0.2:
            return Reply({}, 500)
        rows = sentences(chance, 2)
        if fault < 0.3:
            return Reply(chat(json.dumps({"examples": rows})[:-9]))
        reply = chat({"examples": rows}, tokens=20)
        if fault < 0.4:
            return Reply(reply, cut=True)
        given.update(str(row["sentence"]) for row in rows)
        return Reply(reply, seconds=chance.uniform(0, 0.02))

    with Scripted(script) as server:
        ask_again = command(server.address, "-n", str(count), "--concurrency", "2", "--json")
        for _ in range(kills):
            seen = len(server.requests)
            with subprocess.Popen(
                ask_again, env=environment(server.address), cwd=ROOT, stdout=subprocess.DEVNULL
            ) as one:
                while len(server.requests) < seen + chance.randint(1, 6) and one.poll() is None:
                    time.sleep(0.005)
                time.sleep(chance.uniform(0, 0.05))
                one.kill()
        last = subprocess.run(ask_again, env=environment(server.address), cwd=ROOT, capture_output=True, text=True)
        assert last.returncode == 0, last.stderr
    kept = load().state_folder / "generate" / "timer_examples.jsonl"
    entries = [json.loads(line) for line in kept.read_text().splitlines()]
    assert entries[-1]["kind"] == "done"
    answers = [entry for entry in entries if entry["kind"] == "answer"]
    assert len({entry["key"] for entry in answers}) == len(answers)
    accepted = [entry["text"] for entry in entries if entry["kind"] == "checked" and not entry["why"]]
    written = [example.text for example in examplefile.read(users_file()).examples]
    assert not examplefile.read(users_file()).problems
    assert written == accepted and len(set(written)) == count, "what was accepted is there, once, in its order"
    assert set(written) <= given
    spent = json.loads(last.stdout)["spent"]
    assert spent["answers"] == len(answers) and spent["tokens"] >= 20 * len(answers)


def test_the_next_run_begins_anew_and_adds_to_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    with Scripted(lambda request: Reply(chat({"examples": sentences(chance, 4)}))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.address)
        for expected in (4, 8):
            done = CliRunner().invoke(app, ["generate", "--skill", "timer", "--model", "m", "--yes", "-n", "4"])
            assert "4 new examples" in done.stdout, done.output
            assert len(examplefile.read(users_file()).examples) == expected
    assert (load().state_folder / "generate" / "timer_examples.1.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--skill", "timer", "--model", "m"], "nobody is there"),
        (["--skill", "timer", "--yes"], "which model"),
        (["--yes", "--offline"], "which skill"),
        (["--skill", "timer", "--model", "m", "--yes"], "OPENAI_BASE_URL"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], says: str) -> None:
    with pytest.raises(OttoError, match=says):
        CliRunner().invoke(app, ["generate", *arguments], catch_exceptions=False)


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX's")
def test_a_person_at_a_terminal_stops_and_goes_on() -> None:
    import pty

    chance = random.Random(8)

    def at_terminal(address: str, typed: str) -> int:
        ours, theirs = pty.openpty()
        ask_me = [part for part in command(address, "-n", "3") if part != "--yes"]
        with subprocess.Popen(ask_me, env=environment(address), cwd=ROOT, stdin=theirs, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as person:  # fmt: skip
            os.write(ours, typed.encode())
            code = person.wait(60)
        os.close(ours)
        os.close(theirs)
        return code

    with Scripted(lambda request: Reply(chat({"examples": sentences(chance, 3)}))) as server:
        assert at_terminal(server.address, "k\nq\n") == 0
        assert len(examplefile.read(users_file()).examples) == 1
        before = len(server.requests)
        assert at_terminal(server.address, "d\nk\n") == 0
        assert len(examplefile.read(users_file()).examples) == 2
        assert len(server.requests) == before, "what was written is not asked for again"


def test_a_model_that_repeats_itself_does_not_run_for_ever(tmp_path: Path) -> None:
    answer = json.dumps({"examples": [{"sentence": "dim it", "arguments": {"state": "off"}}]})
    with Scripted(lambda request: Reply(chat(answer))) as server, Journal(tmp_path / "j") as journal:
        run = run_of(journal, 5)
        stale = 0
        for reply in ask(questions(run.wish, EXAMPLES, [LIGHTS], run), [Endpoint("m", server.address)], journal):
            stale = 0 if run.take(reply.key, read(reply.text, run.wish)) else stale + 1
            if stale == 3:
                break
    assert [each.text for each in run.kept()] == ["dim it"] and run.refused == {"nearly exists": 3}
