"""`otto skills check`: sentences that cannot mean what they claim, and skills that cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from otto.call import OTHER, Call
from otto.config import Folders
from otto.example import Example
from otto.examples.check import ENOUGH, check
from otto.progress import Progress
from otto.registry.registry import Registry, Snapshot
from otto.route import Context, Route
from otto.skill import Skill

PROMPT = '#### Prompt:\nlights(state="on|off", room="[room]", minutes="[minutes:duration]") switches.\n#### Examples:\n'


@dataclass
class Nearest:
    """A router that knows the sentence with most words in common."""

    examples: Sequence[Example]
    name: str = "nearest"

    def route(self, text: str, context: Context) -> Route:
        words = set(text.split())
        best = max(self.examples, key=lambda example: len(words & set(example.text.split())))
        share = len(words & set(best.text.split())) / len(words)
        return Route(best.calls if share else (Call(OTHER),), share, self.name)


class Trained:
    """Trains `Nearest`, and remembers on what."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []

    def __call__(
        self, skills: Sequence[Skill], examples: Sequence[Example], held_out: Sequence[Example], progress: Progress
    ) -> Nearest:
        assert not {example.text for example in examples} & {example.text for example in held_out}
        assert {call.name for example in examples for call in example.calls} <= {skill.name for skill in skills}
        progress("training", 1.0)
        self.rounds.append([example.text for example in examples])
        return Nearest(examples)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "examples"
    path.mkdir()
    return path


def snapshot(folder: Path) -> Snapshot:
    return Registry(Folders((folder,), ()), cache=folder.parent / "cache").snapshot


def write(folder: Path, name: str, *pairs: str, prompt: str = "") -> Path:
    path = folder / f"{name}_examples.txt"
    turns = ("User: {}\nAssistant: {}\n".format(*pair.split(" => ")) for pair in pairs)
    path.write_text((prompt or f"#### Prompt:\n{name}() is {name}.\n#### Examples:\n") + "\n".join(turns))
    return path


def found(folder: Path, severity: str) -> list[str]:
    problems = check(snapshot(folder), None)
    return [str(each).removeprefix(f"{folder}/") for each in problems if each.severity == severity]


def test_bad_examples_are_errors(folder: Path) -> None:
    write(folder, "lights", 'off => lights(state="of")', prompt=PROMPT)
    assert found(folder, "error") == ["lights_examples.txt:5: lights: state: 'of' is not one of on, off"]


def test_an_argument_that_nothing_in_the_sentence_says_is_an_error(folder: Path) -> None:
    write(
        folder,
        "lights",
        'kitchen on => lights(state="on", room="kitchen")',
        'all on => lights(state="on", room="kitchen")',
        'den on for five minutes => lights(state="on", room="den", minutes="5 minutes")',
        'den off soon => lights(state="off", room="den", minutes="5 minutes")',
        prompt=PROMPT,
    )
    assert found(folder, "error") == [
        "lights_examples.txt:7: nothing in 'all on' says room=\"kitchen\"",
        "lights_examples.txt:13: nothing in 'den off soon' says minutes=\"5 minutes\"",
    ]


def test_what_a_speech_recogniser_makes_of_it_is_a_warning(folder: Path) -> None:
    write(folder, "lights", 'on for to minuets => lights(state="on", minutes="2 minutes")', prompt=PROMPT)
    assert found(folder, "error") == []
    assert "lights_examples.txt:4: 'on for to minuets' does not quite say minutes=\"2 minutes\"" in found(
        folder, "warning"
    )


def test_one_sentence_in_two_files_is_an_error(folder: Path) -> None:
    write(folder, "a", "quiet now => a()")
    write(folder, "b", "Quiet now! => b()")
    assert found(folder, "error") == [
        f"b_examples.txt:4: the same sentence means a() in {folder}/a_examples.txt:4",
    ]


def test_nearly_the_same_sentence_for_two_skills_is_a_warning(folder: Path) -> None:
    write(folder, "a", "could you turn it up please => a()", "up it turn => a()")
    write(folder, "b", "turn it up => b()", "turn it down => b()")
    doubles = [text for text in found(folder, "warning") if "nearly" in text]
    assert doubles == [
        "b_examples.txt:4: 'turn it up' is nearly 'could you turn it up please', "
        f"which means a in {folder}/a_examples.txt:4"
    ]


def test_too_few_examples_are_a_warning(folder: Path) -> None:
    write(folder, "lights", 'kitchen on => lights(state="on", room="kitchen")', prompt=PROMPT)
    write(folder, "many", *(f"say {number} => many()" for number in range(ENOUGH)))
    assert found(folder, "warning") == [
        "lights_examples.txt: lights has 1 example; 10 to 30 different ones make it answer well",
        "lights_examples.txt: no example of lights has state off",
        "lights_examples.txt: no example of lights gives minutes",
        "lights_examples.txt: lights is understood and does nothing: add '#### Action:' or a Python file",
        "many_examples.txt: many is understood and does nothing: add '#### Action:' or a Python file",
    ]


def test_skills_that_cannot_be_told_apart_fight(folder: Path) -> None:
    rooms = ["kitchen", "den", "hall", "attic", "bath", "cellar", "porch", "study"]
    write(folder, "lamp", *(f"switch the {room} thing on => lamp()" for room in rooms))
    write(folder, "fan", *(f"switch the {room} thing on now => fan()" for room in rooms))
    write(folder, "news", *(f"headlines about {room} news => news()" for room in rooms))
    train = Trained()
    problems = check(snapshot(folder), train)
    fights = [problem for problem in problems if "fight" in problem.message]
    assert {problem.severity for problem in fights} == {"error"}
    assert {Path(problem.origin.file).name for problem in fights} <= {"lamp_examples.txt", "fan_examples.txt"}
    assert fights
    assert any("is taken for fan when it is left out" in problem.message for problem in problems)
    assert not any("news" in problem.message for problem in problems if "taken" in problem.message)


def test_every_sentence_is_left_out_once_and_near_twins_together(folder: Path) -> None:
    write(folder, "lamp", *(f"lamp {number} on => lamp()" for number in range(20)), "please lamp 3 on => lamp()")
    train = Trained()
    check(snapshot(folder), train)
    whole = {f"lamp {number} on" for number in range(20)} | {"please lamp 3 on"}
    left_out = [sorted(whole - set(known)) for known in train.rounds]
    assert sorted(sum(left_out, [])) == sorted(whole)
    assert all(("lamp 3 on" in each) == ("please lamp 3 on" in each) for each in left_out)


def test_only_what_concerns_some_files(folder: Path) -> None:
    rooms = ["kitchen", "den", "hall", "attic", "bath", "cellar"]
    write(folder, "lamp", *(f"switch {room} thing => lamp()" for room in rooms))
    write(folder, "fan", *(f"switch {room} thing up => fan()" for room in rooms))
    wrong = write(folder, "news", "x => news(")
    clock = write(folder, "clock", "what is the time => clock()")
    here = snapshot(folder)
    assert {problem.origin.file for problem in check(here, Trained(), files=[wrong])} == {str(wrong)}
    assert not [each for each in check(here, Trained(), files=[clock]) if "taken" in each.message]
    fan = check(here, Trained(), files=[folder / "fan_examples.txt"])
    assert {Path(problem.origin.file).name for problem in fan if "taken" in problem.message} == {"lamp_examples.txt"}


def test_progress_is_told(folder: Path) -> None:
    write(folder, "lamp", *(f"lamp {number} on => lamp()" for number in range(20)))
    told: list[tuple[str, float]] = []
    check(snapshot(folder), Trained(), progress=lambda what, share: told.append((what, share)))
    assert {what for what, _ in told} == {"arguments", "cross-validation"}
    shares = [share for what, share in told if what == "cross-validation"]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
