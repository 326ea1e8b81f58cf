"""The registry: folders laid over each other, Python and example files joined, broken files that cost nothing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from otto import signature
from otto.action import Publish, Run
from otto.call import parse
from otto.config import Folders
from otto.example import Origin, Problem
from otto.registry.registry import Registry, Snapshot
from otto.registry.watch import Watch
from otto.skill import Parameter
from otto.values import Limits
from otto.worker.worker import Described

LIGHTS = """\
#### Prompt:
lights(state="on|off", room="[room]") switches the lights.
#### Examples:
User: kitchen on
Assistant: lights(state="on", room="kitchen")
User: lights off
Assistant: lights(state="off")
"""


def schema_written_in(file: Path, seconds: float) -> Described:
    """Stands in for the worker: a "Python file" here holds a signature, `confirm`, `broken` or `hangs`."""
    source = file.read_text()
    if source.startswith("hangs"):
        time.sleep(seconds)
        return Described(
            file, source, problem=Problem(Origin(str(file), 2), f"it took longer than {seconds:g} seconds")
        )
    found, _ = signature.find(source)
    if not found:
        return Described(file, source, problem=Problem(Origin(str(file), 1), "invalid syntax"))
    skill = signature.merge(found, source[found[0].end :].strip())
    required = tuple(Parameter(each.name, each.type, True, each.limits, each.repeats) for each in skill.parameters)
    return Described(file, source, type(skill)(skill.name, required, skill.description))


class FakeWorker:
    """Counts what is read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, files: Iterable[Path], *, cache: Path, seconds: float) -> dict[Path, Described]:
        files = list(files)
        self.read += [file.name for file in files]
        return {file: schema_written_in(file, seconds) for file in files}


class Place:
    """Bundled folders and the user's, and a registry over them."""

    def __init__(self, root: Path) -> None:
        self.worker = FakeWorker()
        self.cache = root / "cache"
        self.folders = Folders(
            (root / "bundled" / "examples", root / "user" / "examples"),
            (root / "bundled" / "skills", root / "user" / "skills"),
        )
        for folder in (self.folders.examples[0], self.folders.skills[0]):
            folder.mkdir(parents=True)

    def bundled(self, name: str, text: str) -> Path:
        return self._write(0, name, text)

    def user(self, name: str, text: str) -> Path:
        return self._write(1, name, text)

    def _write(self, layer: int, name: str, text: str) -> Path:
        kinds = self.folders.skills if name.endswith(".py") else self.folders.examples
        path = kinds[layer] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def registry(self) -> Registry:
        return Registry(self.folders, cache=self.cache, describe=self.worker)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place")


def sentences(snapshot: Snapshot, name: str) -> list[str]:
    return [str(example) for example in snapshot.skills[name].examples]


def messages(snapshot: Snapshot) -> list[str]:
    return [
        f"{Path(problem.origin.file).name}:{problem.origin.line} {problem.message}" for problem in snapshot.problems
    ]


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> float:
    """Seconds until it was true."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, "it never became true"
        time.sleep(0.01)
    return time.monotonic() - started


def reported(snapshot: Snapshot, path: Path) -> bool:
    return any(problem.origin.file == str(path) for problem in snapshot.problems)


def shown(snapshot: Snapshot, path: Path) -> str:
    entry = snapshot.skills[path.stem.removesuffix("_examples")]
    return entry.function.source if entry.function else entry.skill.description


# One snapshot


def test_an_example_file_is_all_it_takes(place: Place, now: datetime) -> None:
    path = place.bundled("lights_examples.txt", LIGHTS)
    snapshot = place.registry().snapshot
    lights = snapshot.skills["lights"]
    assert lights.skill.check(parse('lights(state="on")')[0], now) == {"state": "on"}
    assert [parameter.required for parameter in lights.skill.parameters] == [True, False]
    assert (lights.files, lights.function, lights.action) == ((path,), None, None)
    assert not snapshot.problems


def test_other_is_always_there(place: Place) -> None:
    assert list(place.registry().snapshot.skills) == ["other"]
    place.bundled("other_examples.txt", "User: hm\nAssistant: other()\n")
    assert sentences(place.registry().snapshot, "other") == ["hm -> other()"]


def test_folders_that_do_not_exist_hold_nothing(tmp_path: Path) -> None:
    registry = Registry(Folders((tmp_path / "a",), (tmp_path / "b",)), cache=tmp_path / "c", describe=FakeWorker())
    assert not registry.snapshot.problems


def test_a_file_in_place_of_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    registry = Registry(Folders((tmp_path / "a",), ()), cache=tmp_path / "c", describe=FakeWorker())
    assert messages(registry.snapshot) == ["a:0 this folder cannot be read: Not a directory"]


def test_a_snapshot_cannot_be_changed(place: Place) -> None:
    snapshot = place.registry().snapshot
    with pytest.raises(TypeError):
        snapshot.skills["x"] = snapshot.skills["other"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        snapshot.hash = ""  # type: ignore[misc]


def test_a_python_skill_and_its_examples_belong_together(place: Place) -> None:
    python = place.bundled("timer.py", 'timer(duration="[duration:duration]") Sets a timer that rings.')
    path = place.bundled(
        "timer_examples.txt",
        '#### Prompt:\ntimer(duration="[for how long]") sets a timer\n#### Examples:\n'
        'User: ten minutes\nAssistant: timer(duration="ten minutes")\n'
        'User: purple\nAssistant: timer(duration="purple")\n'
        "User: a timer\nAssistant: timer()\n",
    )
    snapshot = place.registry().snapshot
    timer = snapshot.skills["timer"]
    assert timer.skill.parameters == (Parameter("duration", "duration", True),)
    assert timer.skill.description == "Sets a timer that rings."
    assert timer.skill.shown == {"duration": "[for how long]"}
    assert timer.function is not None
    assert (timer.function.file, timer.function.source) == (python, python.read_text())
    assert timer.files == (path, python)
    assert sentences(snapshot, "timer") == ['ten minutes -> timer(duration="ten minutes")']
    assert [message.partition(" ")[0] for message in messages(snapshot)] == [
        "timer_examples.txt:7",
        "timer_examples.txt:9",
    ]
    assert snapshot.problems[1].message == "timer needs duration"


def test_python_counts_where_a_prompt_contradicts_it(place: Place) -> None:
    place.bundled("x.py", 'x(a="on|off", b="[b:date]", c="[c:integer 1-5]") does x')
    prompt = 'x(a="on|off|dim", b="[b:time]", c="[c:integer 1-9]", d="[d]") sings loudly'
    place.bundled("x_examples.txt", f"#### Prompt:\n{prompt}\n")
    snapshot = place.registry().snapshot
    assert [parameter.type for parameter in snapshot.skills["x"].skill.parameters] == ["choice", "date", "integer"]
    assert snapshot.skills["x"].skill.description == "does x. Sings loudly"
    assert {problem.severity for problem in snapshot.problems} == {"warning"}
    assert [message.partition(" in /")[0] for message in messages(snapshot)] == [
        "x_examples.txt:2 x: a is 'on|off|dim' here and 'on|off'",
        "x_examples.txt:2 x: b is '[b:time]' here and '[b:date]'",
        "x_examples.txt:2 x: c is '[c:integer 1-9]' here and '[c:integer 1-5]'",
        "x_examples.txt:2 x: there is no parameter 'd' (there is: a, b, c)",
    ]


def test_a_call_of_another_skill_is_held_against_that_skill(place: Place) -> None:
    text = LIGHTS + 'User: a\nAssistant: lights(state="on"); lamp(on=true)\nUser: b\nAssistant: lamp(off=true)\n'
    place.bundled("lights_examples.txt", text + "User: c\nAssistant: candle()\n")
    place.bundled("lamp_examples.txt", "lamp(on=true)")
    snapshot = place.registry().snapshot
    assert [str(problem.message) for problem in snapshot.problems] == [
        "lamp has no parameter 'off' (it has: on)",
        "there is no skill 'candle'",
    ]
    assert len(snapshot.skills["lights"].examples) == 3


def test_a_file_of_two_skills_gives_each_its_examples(place: Place) -> None:
    place.bundled(
        "x_examples.txt", "a() is a\nb() is b\n#### Examples:\nUser: 1\nAssistant: a()\nUser: 2\nAssistant: b()\n"
    )
    snapshot = place.registry().snapshot
    assert (sentences(snapshot, "a"), sentences(snapshot, "b")) == (["1 -> a()"], ["2 -> b()"])


def test_an_action_needs_no_python(place: Place) -> None:
    place.bundled(
        "lock_examples.txt", "#### Prompt:\nlock() locks.\n#### Action:\nrun: loginctl lock-session\nrisk: confirm\n"
    )
    lock = place.registry().snapshot.skills["lock"]
    assert lock.action is not None
    assert lock.action.does == Run(("loginctl", "lock-session"))
    assert lock.skill.risk == "confirm"


def test_an_action_beside_python_is_not_used(place: Place) -> None:
    place.bundled("lock.py", "lock() locks")
    place.bundled("lock_examples.txt", "#### Prompt:\nlock() locks.\n#### Action:\nrun: loginctl lock-session\n")
    snapshot = place.registry().snapshot
    assert snapshot.skills["lock"].action is None
    assert messages(snapshot)[0].startswith("lock_examples.txt:4 this action is not used: ")


def test_a_text_file_with_another_name_is_not_read_and_that_is_said(place: Place) -> None:
    place.user("lights.txt", LIGHTS)
    place.user(".lights_examples.txt.swp", LIGHTS)
    assert messages(place.registry().snapshot) == [
        "lights.txt:0 is not read: an example file is named lights_examples.txt"
    ]


# Layers


def test_the_users_file_takes_the_place_of_the_bundled_one(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    mine = place.user("my_lights_examples.txt", '#### Prompt:\nlights(dim="[dim:integer 0-9]") dims.\n')
    lights = place.registry().snapshot.skills["lights"]
    assert lights.skill.parameters == (Parameter("dim", "integer", limits=Limits((), 0, 9)),)
    assert (lights.examples, lights.files) == ((), (mine,))


def test_the_users_file_without_a_signature_adds_examples(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    place.user("lights_examples.txt", '#### Examples:\nUser: darkness\nAssistant: lights(state="off")\n'
               'User: Kitchen on!\nAssistant: lights(state="on", room="den")\n')  # fmt: skip
    snapshot = place.registry().snapshot
    assert sentences(snapshot, "lights") == [
        'lights off -> lights(state="off")',
        'darkness -> lights(state="off")',
        'Kitchen on! -> lights(state="on", room="den")',
    ]
    assert snapshot.skills["lights"].skill.parameters[0].type == "choice"


def test_a_correction_counts_for_all_skills(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    place.bundled("other_examples.txt", "User: hm\nAssistant: other()\nUser: well\nAssistant: other()\n")
    place.user("lights_examples.txt", 'User: hm\nAssistant: lights(state="on")\n')
    place.user("other_examples.txt", "User: lights off\nAssistant: other()\n")
    snapshot = place.registry().snapshot
    assert sentences(snapshot, "other") == ["well -> other()", "lights off -> other()"]
    assert sentences(snapshot, "lights") == [
        'kitchen on -> lights(state="on", room="kitchen")',
        'hm -> lights(state="on")',
    ]


def test_not_this_skill_does_not_mean_no_skill_when_another_one_wants_the_sentence(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS + "#### Not:\nWho invented the bulb?\nlight beer\n")
    place.bundled("ask_examples.txt", 'User: who invented the bulb\nAssistant: ask(q="who invented the bulb")\n')
    snapshot = place.registry().snapshot
    assert sentences(snapshot, "lights")[2:] == ["light beer -> other()"]
    assert len(sentences(snapshot, "ask")) == 1


def test_a_users_not_overrules_a_bundled_example(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    place.user("lights_examples.txt", "#### Not:\nlights off\n#### Examples:\nUser: x\nAssistant: lights(state='on')\n")
    assert [text for text in sentences(place.registry().snapshot, "lights") if text.startswith("lights off")] == [
        "lights off -> other()"
    ]


def test_the_users_python_takes_the_place_of_the_bundled_one(place: Place) -> None:
    place.bundled("timer.py", 'timer(duration="[duration:duration]") bundled')
    mine = place.user("my_timer.py", 'timer(minutes="[minutes:integer]") mine')
    timer = place.registry().snapshot.skills["timer"]
    assert [parameter.name for parameter in timer.skill.parameters] == ["minutes"]
    assert timer.files == (mine,)


def test_the_users_action_takes_the_place_of_bundled_python(place: Place) -> None:
    place.bundled("volume.py", 'volume(action="up|down") python')
    place.user("volume_examples.txt", '#### Prompt:\nvolume(to="[to:integer]")\n#### Action:\npublish: volume {to}\n')
    volume = place.registry().snapshot.skills["volume"]
    assert volume.function is None
    assert volume.action is not None
    assert volume.action.does == Publish("volume", "{to}")
    assert [parameter.name for parameter in volume.skill.parameters] == ["to"]


@pytest.mark.parametrize(("first", "second"), [("a_examples.txt", "b_examples.txt"), ("a.py", "b.py")])
def test_two_files_of_one_folder_cannot_have_one_skill(place: Place, first: str, second: str) -> None:
    one, two = (place.user(name, "lamp(on=true) is a lamp") for name in (first, second))
    snapshot = place.registry().snapshot
    assert "lamp" not in snapshot.skills
    assert [str(problem) for problem in snapshot.problems] == [
        f"{one}: the skill 'lamp' is declared here and in {two}: remove or rename one",
        f"{two}: the skill 'lamp' is declared here and in {one}: remove or rename one",
    ]


def test_a_second_file_of_a_skill_leaves_the_first_in_use(place: Place) -> None:
    one = place.user("b_examples.txt", "lamp(on=true) is a lamp")
    registry = place.registry()
    two = place.user("a_examples.txt", "lamp(off=true) is a lamp")
    change = registry.reload()
    assert registry.snapshot.skills["lamp"].files == (one,)
    assert [str(problem) for problem in change.problems] == [
        f"{two}: the skill 'lamp' is declared here and in {one}: remove or rename one"
    ]
    one.unlink()
    registry.reload()
    assert registry.snapshot.skills["lamp"].files == (two,)
    assert not registry.snapshot.problems


def test_other_cannot_be_a_python_skill(place: Place) -> None:
    place.user("other.py", "other() does something")
    snapshot = place.registry().snapshot
    assert snapshot.skills["other"].function is None
    assert messages(snapshot) == ["other.py:0 'other' means that no skill applies and cannot be a skill"]


# Reload


def test_a_reload_says_what_changed(place: Place) -> None:
    place.bundled("news_examples.txt", "news() tells")
    lights = place.bundled("lights_examples.txt", LIGHTS)
    registry = place.registry()
    before = registry.snapshot
    assert not registry.reload()
    assert registry.snapshot is before
    (place.folders.examples[0] / "news_examples.txt").unlink()
    lights.write_text(LIGHTS.replace("lights off", "out"))
    place.user("timer.py", 'timer(duration="[duration:duration]")')
    change = registry.reload()
    assert str(change) == "+timer ~lights -news"
    assert before.skills.keys() == {"lights", "news", "other"}
    assert registry.snapshot.hash != before.hash
    lights.write_text(LIGHTS)
    registry.reload()
    assert registry.snapshot.skills["lights"].hash == before.skills["lights"].hash


@pytest.mark.parametrize(
    "broken", ["", "#### Prompt:\nlights(state=", "\ud800", "#### Prompt:\nlights() x\n#### Action:\nrum: x\n"]
)
def test_a_broken_example_file_keeps_its_last_good_version(place: Place, broken: str) -> None:
    path = place.bundled("lights_examples.txt", LIGHTS)
    registry = place.registry()
    good = registry.snapshot.skills["lights"]
    path.write_bytes(broken.encode(errors="surrogatepass"))
    change = registry.reload()
    assert registry.snapshot.skills["lights"] == good
    assert str(change) == "1 new problem"
    assert str(change.problems[0]).startswith(str(path))
    assert change.problems[0].message.endswith("(its last good version stays in use)")
    path.write_text(LIGHTS)
    registry.reload()
    assert not registry.snapshot.problems


def test_a_file_that_is_deleted_while_it_is_read_is_gone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    place.bundled("timer.py", "timer()")
    registry = place.registry()

    def too_late(path: Path) -> bytes:
        path.unlink()
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("otto.registry.registry.content_of", too_late)
    assert str(registry.reload()) == "-lights -timer"


def test_a_link_to_nothing_is_reported(place: Place) -> None:
    link = place.folders.examples[0] / "lights_examples.txt"
    link.symlink_to(place.folders.examples[0] / "nothing")
    assert messages(place.registry().snapshot) == ["lights_examples.txt:0 No such file or directory"]


def test_a_bad_example_costs_itself_only(place: Place) -> None:
    path = place.bundled("lights_examples.txt", LIGHTS)
    registry = place.registry()
    path.write_text(LIGHTS.replace('state="off"', 'state="of"'))
    registry.reload()
    assert len(registry.snapshot.skills["lights"].examples) == 1
    assert messages(registry.snapshot) == ["lights_examples.txt:7 lights: state: 'of' is not one of on, off"]


def test_a_broken_python_file_keeps_what_it_was(place: Place) -> None:
    path = place.bundled("timer.py", 'timer(duration="[duration:duration]")')
    registry = place.registry()
    before = registry.snapshot.skills["timer"]
    path.write_text("broken")
    change = registry.reload()
    assert [str(problem) for problem in change.problems] == [
        f"{path}:1: invalid syntax (its last good version stays in use)"
    ]
    assert registry.snapshot.skills["timer"] == before
    assert before.function is not None
    assert before.function.source.startswith("timer(")
    path.unlink()
    assert str(registry.reload()) == "-timer"
    path.write_text("broken")
    registry.reload()
    assert "timer" not in registry.snapshot.skills


def test_only_changed_python_files_are_read_again(place: Place) -> None:
    place.bundled("a.py", "a()")
    place.bundled("b.py", "b()")
    registry = place.registry()
    place.bundled("b.py", "b() again")
    place.bundled("x_examples.txt", LIGHTS)
    registry.reload()
    registry.reload()
    assert place.worker.read == ["a.py", "b.py", "b.py"]


def test_a_file_that_hung_the_last_time_holds_up_no_start(place: Place) -> None:
    place.bundled("a.py", "a()")
    path = place.bundled("b.py", "hangs")
    waited: list[float] = []

    def describe(files: Iterable[Path], *, cache: Path, seconds: float) -> dict[Path, Described]:
        waited.append(seconds)
        return {file: schema_written_in(file, 0) for file in files}

    for _ in range(2):
        assert "a" in Registry(place.folders, cache=place.cache, describe=describe).snapshot.skills
    path.write_text("b()")
    assert "b" in Registry(place.folders, cache=place.cache, describe=describe).snapshot.skills
    assert waited == [5, 5, 1, 5]


def test_verdicts_on_examples_are_kept_between_starts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.bundled("lights_examples.txt", LIGHTS.replace('state="on"', 'state="dim"'))
    first = place.registry().snapshot
    monkeypatch.setattr("otto.examples.file._unfit", lambda *_, **__: pytest.fail("read again"))
    second = place.registry().snapshot
    assert second == first
    assert len(second.problems) == 1
    monkeypatch.undo()
    (place.cache / "verdicts.json").write_text("{")
    assert place.registry().snapshot == first


def test_a_cache_that_cannot_be_written_costs_only_time(place: Place) -> None:
    place.bundled("lights_examples.txt", LIGHTS)
    place.cache.write_text("a file in its place")
    assert "lights" in place.registry().snapshot.skills


# While it runs


@contextmanager
def watched(registry: Registry) -> Iterator[list[str]]:
    told: list[str] = []
    watch = Watch(registry, lambda change: told.append(str(change)))
    try:
        yield told
    finally:
        watch.close()
        registry.close()


def test_a_python_file_that_hangs_delays_nothing_else(place: Place) -> None:
    lights = place.bundled("lights_examples.txt", LIGHTS)
    timer = place.bundled("timer.py", 'timer(duration="[duration:duration]")')
    registry = place.registry()
    with watched(registry):
        timer.write_text("hangs")
        time.sleep(0.2)
        lights.write_text(LIGHTS.replace("kitchen on", "bright"))
        assert eventually(lambda: "bright" in sentences(registry.snapshot, "lights")[0]) < 1
        eventually(lambda: reported(registry.snapshot, timer))
        assert "timer" in registry.snapshot.skills
        timer.write_text("timer() sets a timer")
        eventually(lambda: not registry.snapshot.skills["timer"].skill.parameters)
        assert not registry.snapshot.problems


def test_a_slow_python_file_is_given_time(place: Place) -> None:
    def slow(files: Iterable[Path], *, cache: Path, seconds: float) -> dict[Path, Described]:
        time.sleep(min(seconds, 0.7))
        found = {file: schema_written_in(file, seconds) for file in files}
        if seconds > 0.7:
            return found
        late = Problem(Origin("slow.py", 3), "it took longer than 0.4 seconds")
        return {file: Described(file, each.source, problem=late) for file, each in found.items()}

    registry = Registry(place.folders, cache=place.cache, describe=slow)
    with watched(registry) as told:
        place.bundled("slow.py", "slow() is slow")
        eventually(lambda: bool(registry.snapshot.problems))
        eventually(lambda: "slow" in registry.snapshot.skills)
        assert not registry.snapshot.problems
        eventually(lambda: told == ["1 new problem", "+slow"])


GOOD = 'steady(n="[n:integer]") number {}\n#### Examples:\nUser: set it to 3\nAssistant: steady(n=3)\n'
GOOD_PYTHON = "from otto import skill\n\n@skill\ndef firm(n: int = {}) -> str:\n    return str(n)\n"
BAD_EXAMPLES = ["", "#### Prompt:\nsteady(n=", "\ud800", 'steady(n="[n:colour]")', "nothing"]
BAD_PYTHON = ["def firm(:\n", "import no_such_module\n", "1/0\n", "from otto import skill\n", ""]


@pytest.mark.parametrize(
    ("edits", "lookups", "hang"),
    [(24, 400, 1), pytest.param(200, 2000, 8, marks=pytest.mark.nightly)],
)
def test_random_edits_fail_no_lookup(place: Place, edits: int, lookups: int, hang: int, now: datetime) -> None:
    """docs/reliability.md 2.5, with the worker that really reads Python files."""
    steady = place.bundled("steady_examples.txt", GOOD.format(0))
    firm = place.bundled("firm.py", GOOD_PYTHON.format(0))
    registry = Registry(place.folders, cache=place.cache)
    rng = random.Random(5)
    failed: list[str] = []
    done = threading.Event()
    looked = 0

    def look_up() -> None:
        nonlocal looked
        while looked < lookups or not done.is_set():
            snapshot = registry.snapshot
            for text in ("steady(n=3)", "firm(n=3)"):
                try:
                    (call,) = parse(text)
                    entry = snapshot.skills[call.name]
                    assert entry.skill.check(call, now) == {"n": 3}
                    time.sleep(0.001)
                    assert snapshot.skills[call.name] is entry
                except Exception as error:
                    failed.append(repr(error))
            looked += 2

    hanging = set(rng.sample(range(edits), hang))
    slowest = 0.0
    with watched(registry):
        thread = threading.Thread(target=look_up)
        thread.start()
        for number in range(edits):
            bad = number % 2 == 0 or number in hanging
            python = rng.random() < 0.4 or number in hanging
            path = firm if python else steady
            if number in hanging:
                text = f"# {number}\nwhile True:\n    pass\n"
            elif not bad:
                text = (GOOD_PYTHON if python else GOOD).format(number)
            elif rng.random() < 0.3:  # a second file of the same skill, for a while
                path = path.with_name(f"second_{path.name}")
                text = (GOOD_PYTHON if python else GOOD).format(number)
            else:
                text = rng.choice(BAD_PYTHON if python else BAD_EXAMPLES)
                text += f"# {number}\n" if python else ""
            path.write_bytes(text.encode(errors="surrogatepass"))

            def seen(path: Path = path, bad: bool = bad, number: int = number) -> bool:
                wrong = reported(registry.snapshot, path)
                if number in hanging:
                    return any("longer than" in problem.message for problem in registry.snapshot.problems)
                return wrong if bad else not wrong and str(number) in shown(registry.snapshot, path)

            slowest = max(slowest, eventually(seen, 15))
            if path.name.startswith("second"):
                path.unlink()
                eventually(lambda path=path: not reported(registry.snapshot, path), 5)  # type: ignore[misc]
        done.set()
        thread.join()
    assert failed == []
    assert looked >= lookups
    assert slowest < 3  # the limit is 1 s; the machine may be busy
    print(f"{edits} edits, {looked} lookups, slowest visible after {slowest:.2f} s")
