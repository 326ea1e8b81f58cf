"""What is carried out and what is not; bad skills; chains; yes and no."""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from otto.action import Action, Run
from otto.call import Call, parse
from otto.config import Settings
from otto.dispatch import Dispatcher, Result, nobody
from otto.errors import CallError
from otto.registry.snapshot import PythonFunction, Registered, Snapshot
from otto.skill import OTHER_SKILL, Parameter, Skill
from otto.undo import Done
from otto.values import TYPES, Limits
from otto.worker.worker import describe

LIGHTS = '''
from typing import Annotated, Literal
from pydantic import Field
from otto import Reply, skill

@skill
def lights(
    state: Literal["on", "off"], room: str | None = None, level: Annotated[int, Field(ge=0, le=100)] = 50
) -> Reply:
    """Switches the lights."""
    return Reply(f"Lights {state}.", {"state": state, "room": room, "level": level})
'''
TIMER = '''
from datetime import timedelta
from otto import Session, SkillError, skill

@skill
def timer(duration: timedelta, session: Session) -> str:
    """Sets a timer."""
    if duration.total_seconds() > 3600:
        raise SkillError("That is too long for a timer.")
    known = ",".join(each.name for each in session.skills)
    return f"{duration} from {session.now:%H:%M %Z}, {session.settings.home}, {known}, {session.last_reply}"
'''
DOOR = '''
from otto import skill

@skill(risk="confirm")
def door() -> str:
    """Opens the door."""
    return "The door is open."
'''
SOURCES = {"lights": LIGHTS, "timer": TIMER, "door": DOOR}


def registered(folder: Path, **sources: str) -> Snapshot:
    """A snapshot of these skill files, as the registry makes it."""
    files = {name: folder / f"{name}.py" for name in sources}
    for name, source in sources.items():
        files[name].write_text(source)
    skills = {"other": Registered(OTHER_SKILL)}
    for each in describe(files.values(), cache=folder / "cache").values():
        assert each.skill is not None, each.problem
        function = PythonFunction(each.file, each.source, each.deadline, each.session)
        skills[each.skill.name] = Registered(each.skill, function=function)
    return Snapshot(skills)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return registered(tmp_path_factory.mktemp("skills"), **SOURCES)


class Person:
    """Answers what Otto asks, and remembers the questions."""

    def __init__(self) -> None:
        self.answer: object = True
        self.asked: list[str] = []

    def __call__(self, skill: Skill, call: Call) -> bool:
        self.asked.append(str(call))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.fixture(scope="module")
def somebody() -> Person:
    return Person()


@pytest.fixture
def person(somebody: Person) -> Person:
    """Says yes to everything until told otherwise."""
    somebody.answer, somebody.asked = True, []
    return somebody


@pytest.fixture(scope="module")
def dispatcher(somebody: Person) -> Iterator[Dispatcher]:
    with Dispatcher(Settings(home="Hamburg"), somebody) as made:
        yield made


@pytest.fixture
def do(dispatcher: Dispatcher, snapshot: Snapshot, now: datetime) -> Callable[[str], tuple[Result, ...]]:
    return lambda calls: dispatcher.run(parse(calls), snapshot, now)


Do = Callable[[str], tuple[Result, ...]]


def test_a_call_is_carried_out_in_its_canonical_form(do: Do) -> None:
    (result,) = do("lights(room='kitchen', state='ON')")
    assert result.ok and result.value == "Lights on." and result.error == ""
    assert str(result.call) == 'lights(state="on", room="kitchen")'
    assert result.data == {"state": "on", "room": "kitchen", "level": 50}
    assert 0 < result.seconds < 10


def test_a_skill_sees_its_session(dispatcher: Dispatcher, snapshot: Snapshot, now: datetime) -> None:
    (result,) = dispatcher.run(parse('timer(duration="ten minutes")'), snapshot, now, last_reply="Hello.")
    assert result.value == "0:10:00 from 12:00 CET, Hamburg, door,lights,other,timer, Hello."


def test_a_sentence_of_the_skill_is_the_error(do: Do) -> None:
    (result,) = do('timer(duration="two hours")')
    assert not result.ok and result.error == "That is too long for a timer."


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("heating()", "There is no skill heating."),
        ("other()", "No skill applies."),
        ("lights()", "Which state: on or off?"),
        ('lights(state="purple")', "lights: state: "),
        ('lights(state="on", colour="red")', "lights has no parameter 'colour' (it has: state, room, level)"),
        ('lights(state="on", level=101)', "lights: level: "),
        ('lights(state=["on", "off"])', "lights: state: only one value can be given"),
    ],
)
def test_what_is_not_allowed_is_refused_with_a_sentence(do: Do, call: str, error: str) -> None:
    (result,) = do(call)
    assert not result.ok and result.error.startswith(error) and result.value == ""


def test_a_hidden_skill_is_not_carried_out(snapshot: Snapshot, now: datetime) -> None:
    with Dispatcher(Settings(hidden=("lights",))) as dispatcher:
        (result,) = dispatcher.run(parse('lights(state="on")'), snapshot, now)
        (told,) = dispatcher.run(parse('timer(duration="1 minute")'), snapshot, now)
    assert result.error == "The skill lights is switched off."
    assert "lights" not in told.value


def test_a_skill_with_examples_only_has_nothing_to_run(dispatcher: Dispatcher, now: datetime) -> None:
    only = Snapshot({"hum": Registered(Skill("hum"))})
    (result,) = dispatcher.run(parse("hum()"), only, now)
    assert not result.ok and "hum" in result.error


def test_a_chain_ends_with_the_first_that_fails(do: Do, person: Person) -> None:
    results = do('lights(state="on"); timer(duration="2 hours"); lights(state="off"); door()')
    assert [result.ok for result in results] == [True, False, False, False]
    assert [result.error for result in results[2:]] == ["This was not done: lights, off.", "This was not done: door."]
    assert person.asked == []


def test_a_chain_ends_with_the_first_that_is_refused(do: Do, person: Person) -> None:
    person.answer = False
    results = do('door(); lights(state="on")')
    assert [result.error for result in results] == [
        "door was not done: nobody said yes.",
        "This was not done: lights, on.",
    ]


def test_a_dry_run_does_nothing(dispatcher: Dispatcher, snapshot: Snapshot, now: datetime, person: Person) -> None:
    assert dispatcher.run(parse('door(); lights(state="on")'), snapshot, now, dry_run=True) == ()
    assert person.asked == []


def test_confirm_asks_for_the_canonical_call_before_anything_is_done(do: Do, person: Person) -> None:
    (result,) = do("door( )")
    assert result.value == "The door is open." and person.asked == ["door()"]


def test_an_invalid_call_is_refused_before_anybody_is_asked(do: Do, person: Person) -> None:
    assert not do('door(which="front")')[0].ok
    assert person.asked == []


@pytest.mark.parametrize("answer", [False, None, "", "no", "yes", 1, EOFError()])
def test_only_a_yes_is_a_yes(do: Do, person: Person, answer: object) -> None:
    person.answer = answer
    assert do("door()")[0].error == "door was not done: nobody said yes."


def test_nobody_says_no(snapshot: Snapshot, now: datetime) -> None:
    with Dispatcher(Settings(), nobody) as dispatcher:
        assert not dispatcher.run(parse("door()"), snapshot, now)[0].ok


def test_a_trusted_skill_is_not_asked_about(snapshot: Snapshot, now: datetime) -> None:
    with Dispatcher(Settings(trusted=("door",))) as dispatcher:
        assert dispatcher.run(parse("door()"), snapshot, now)[0].ok


def test_an_action_runs_in_the_worker_and_asks_when_it_is_marked(
    dispatcher: Dispatcher, person: Person, now: datetime
) -> None:
    action = Action(Run(("echo", "{text}")), "{output}!", risk="confirm")
    say = Skill("say", (Parameter("text", required=True),))
    snapshot = Snapshot({"say": Registered(say, action=action)})
    assert dispatcher.run(parse('say(text="good morning")'), snapshot, now)[0].value == "good morning!"
    person.answer = False
    assert not dispatcher.run(parse('say(text="good morning")'), snapshot, now)[0].ok
    assert person.asked == ['say(text="good morning")'] * 2


def test_a_program_does_not_inherit_the_limits_of_the_worker(dispatcher: Dispatcher, now: datetime) -> None:
    resource = pytest.importorskip("resource")
    limits = Action(
        Run((sys.executable, "-c", "import resource; print(resource.getrlimit(resource.RLIMIT_DATA)[0])")), "{output}"
    )
    (result,) = dispatcher.run((Call("limits"),), Snapshot({"limits": Registered(Skill("limits"), action=limits)}), now)
    assert result.value == str(resource.getrlimit(resource.RLIMIT_DATA)[0])


def test_an_action_that_takes_too_long_says_so_and_the_next_goes_on(dispatcher: Dispatcher, now: datetime) -> None:
    slow, quick = Action(Run(("sleep", "30")), timeout=0.3), Action(Run(("true",)))
    snapshot = Snapshot(
        {"slow": Registered(Skill("slow"), action=slow), "quick": Registered(Skill("quick"), action=quick)}
    )
    results = [dispatcher.run((Call(name),), snapshot, now)[0] for name in ("slow", "quick")]
    assert [result.error for result in results] == ["sleep took longer than 0.3 seconds.", ""]


def test_what_a_terminal_would_obey_is_taken_out_of_replies(
    tmp_path: Path, dispatcher: Dispatcher, now: datetime
) -> None:
    source = DOOR.replace("The door is open.", "\\x1b[2Jred\\x07 \\u202egreen\\x9b1m\\nblue").replace(
        'risk="confirm"', ""
    )
    (result,) = dispatcher.run(parse("door()"), registered(tmp_path, door=source), now)
    assert result.value == "[2Jred green1m\nblue"


def test_what_was_said_is_not_in_the_log_above_debug(
    tmp_path: Path, dispatcher: Dispatcher, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    source = 'from otto import skill\n@skill\ndef say(text: str) -> str:\n    raise ValueError(text + "\\n\\x1b[0m")\n'
    caplog.set_level(logging.DEBUG, logger="otto.dispatch")  # whatever other tests have set
    (result,) = dispatcher.run(parse('say(text="canary sentence")'), registered(tmp_path, say=source), now)
    assert result.error.startswith("The skill say failed: ValueError: canary sentence")
    assert [record.levelname for record in caplog.records if "canary" in record.getMessage()] == ["DEBUG"]
    assert not any(character < " " for record in caplog.records for character in record.getMessage())


# reliability.md 1.2: executed exactly when registered, exposed and valid


KINDS = (
    Parameter("text"), Parameter("choice", "choice", limits=Limits(("red", "green"))), Parameter("integer", "integer"),
    Parameter("number", "number"), Parameter("boolean", "boolean"), Parameter("duration", "duration"),
    Parameter("time", "time"), Parameter("date", "date"), Parameter("datetime", "datetime"),
    Parameter("expression", "expression"), Parameter("place", "place"), Parameter("several", "integer", repeats=True),
)  # fmt: skip


@pytest.fixture
def recording(tmp_path: Path) -> Snapshot:
    """Skills that write down that they ran: `all` takes every type, `one` needs a number, `hidden` is hidden."""
    source = "from datetime import *\nfrom typing import *\nfrom otto import Expression, Place, skill\n@skill\n"
    names = {kind.name: kind.python.__name__ for kind in TYPES.values()}
    annotations = {parameter.name: names[parameter.type] for parameter in KINDS}
    annotations |= {"choice": "Literal['red', 'green']", "several": "list[int]"}
    parameters = ", ".join(f"{name}: {annotation} | None = None" for name, annotation in annotations.items())
    note = tmp_path / "ran"
    note.touch()
    body = f"\n    with open({str(note)!r}, 'a') as file: file.write('x')\n    return 'ran'\n"
    return registered(
        tmp_path,
        all=f"{source}def all({parameters}) -> str:{body}",
        one=f"{source}def one(number: float) -> str:{body}",
        hidden=f"{source}def hidden() -> str:{body}",
    )


WORDS = (
    "red", "green", "blue", "", "7", "seven", "-3", "1e99", "ten minutes", "25 hours", "tomorrow", "half past six",
    "2026-02-30", "Berlin", "Atlantis", "9*9", "9**9**9", "yes", "maybe", "NaN", "inf", "x" * 600, "[text]", "a;b",
)  # fmt: skip


def random_call(dice: random.Random) -> Call:
    """Known and unknown names, right and wrong arguments."""
    name = dice.choice(("all", "all", "all", "one", "hidden", "other", "unknown", "ALL"))
    arguments: dict[str, object] = {}
    for parameter in dice.sample((*KINDS, Parameter("stranger")), k=dice.choice((0, 1, 1, 2))):
        value: object = dice.choice((*WORDS, dice.randint(-9, 99), dice.uniform(-9, 9), True))
        if dice.random() < 0.5 and parameter.name != "stranger":
            value = dice.choice(("red", "green")) if parameter.type == "choice" else TYPES[parameter.type].sample
        if dice.random() < 0.1:
            value = (value,) * dice.choice((0, 1, 3, 17))
        arguments[parameter.name] = value
    return Call(name, arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [2000, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_executed_exactly_when_registered_exposed_and_valid(
    recording: Snapshot, tmp_path: Path, now: datetime, count: int
) -> None:
    dice = random.Random(12)
    ran = wrong = executed = 0
    with Dispatcher(Settings(hidden=("hidden",))) as dispatcher:
        for _ in range(count):
            call = random_call(dice)
            registered = recording.skills.get(call.name)
            expected = registered is not None and call.name not in ("hidden", "other") and valid(registered, call, now)
            (result,) = dispatcher.run((call,), recording, now)
            executed += expected
            before, ran = ran, (tmp_path / "ran").stat().st_size
            wrong += (ran - before) != expected or result.ok != expected
    assert wrong == 0
    assert count * 0.15 < executed < count * 0.85


def valid(registered: Registered, call: Call, now: datetime) -> bool:
    try:
        registered.skill.check(call, now)
    except CallError:
        return False
    return True


OVER = {
    "integer": [
        "-1", "101", 101, -1, 1e300, 10**39, "NaN", "inf", "", "many", True, 1.5, "1.5", "101.0", (1, 2),
        "one hundred and one", "minus one", "1e3", "0x10", "50%%",
    ],
    "duration": [
        "25 hours", "86401 seconds", "0 seconds", "-5 minutes", "minus five minutes", 90000, -1, "", "soon", True,
        "NaN minutes", "inf hours", "two days", "a year", "1441 minutes", "ten", "minutes", 1e12,
        "24 hours and one second", ("1 minute", "2 minutes"),
    ],
    "text": [
        "", " ", "x" * 21, "x" * 1000, "x" * 10_000, "y" * 400, "\n" * 30, "é" * 21, "a " * 11, "😀" * 21, "\t", "\r\n",
        "x" * 22, "x" * 100, 10**30, 10**21, ("a", "b"), (), ("x" * 21,), "z" * 32,
    ],
    "choice": [
        "blue", "", "redgreen", "red|green", 1, True, 0.5, "re", "gree", "r", "none", "RED!GREEN", "red green",
        "x" * 500, "[choice]", "purple", "null", ("red", "green"), (), "-red-green",
    ],
}  # fmt: skip
"""20 values a type at and over each limit of the skill below."""


@pytest.mark.parametrize("kind", OVER)
def test_nothing_over_a_limit_reaches_a_skill(tmp_path: Path, now: datetime, dispatcher: Dispatcher, kind: str) -> None:
    annotation = {
        "integer": "Annotated[int, Field(ge=0, le=100)]",
        "duration": "Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=24))]",
        "text": "Annotated[str, Field(min_length=1, max_length=20)]",
        "choice": "Literal['red', 'green']",
    }[kind]
    source = (
        "from datetime import timedelta\nfrom typing import Annotated, Literal\nfrom pydantic import Field\n"
        f"from otto import skill\n@skill\ndef narrow(value: {annotation}) -> str:\n    return repr(value)\n"
    )
    snapshot = registered(tmp_path, narrow=source)
    reached = [
        value for value in OVER[kind] if dispatcher.run((Call("narrow", {"value": value}),), snapshot, now)[0].ok
    ]
    assert len(OVER[kind]) == 20 and reached == []


# reliability.md 2.4: a bad skill cannot stop Otto


BAD = {
    "sleeps": "time.sleep(600)",
    "spins": "sum(itertools.repeat(0))",  # C code that never lets Python's other threads run
    "raises": "raise ValueError('no')",
    "exits": "raise SystemExit(0)",
    "leaves": "os._exit(0)",
    "crashes": "ctypes.string_at(0)",
    "eats": "return str(len(bytearray(10 << 30)))",
    "prints": "[os.write(fd, b'x' * 1_000_000) for fd in (1, 2) for _ in range(50)]; raise ValueError('printed')",
    "recurses": "return recurses()",
}


@pytest.fixture(scope="module")
def bad_skills(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    sources = {
        name: f"import ctypes, itertools, os, time\nfrom otto import skill\n"
        f"@skill(deadline=0.5)\ndef {name}() -> str:\n    {body}\n"
        for name, body in BAD.items()
    }
    return registered(tmp_path_factory.mktemp("bad"), lights=LIGHTS, **sources)


@pytest.mark.parametrize("rounds", [2, pytest.param(25, marks=pytest.mark.nightly)])
def test_after_a_bad_skill_the_next_command_is_answered_within_a_second(
    bad_skills: Snapshot, now: datetime, rounds: int
) -> None:
    answered, slack = 0, 1 if rounds > 2 else 5  # a machine that is busy proves nothing either way
    with Dispatcher(Settings()) as dispatcher:
        for name in list(BAD) * rounds:
            started = time.monotonic()
            (bad,) = dispatcher.run((Call(name),), bad_skills, now)
            between = time.monotonic()
            (good,) = dispatcher.run(parse('lights(state="on")'), bad_skills, now)
            named = not bad.ok and f"The skill {name} failed" in bad.error
            answered += named and between - started < 3 * slack and good.ok and time.monotonic() - between < slack
    assert answered == len(BAD) * rounds


COUNTER = '''
from collections.abc import Mapping
from typing import Any
from otto import Reply, Session, SkillError, skill

@skill
def counter(step: int, session: Session) -> Reply:
    """Counts."""
    if step == 0:
        raise SkillError("By how much?", asks="step")
    return Reply(f"Up by {step}: {session.text}", undo={"step": step})

@counter.undo
def back(done: Mapping[str, Any], session: Session) -> str:
    if done["step"] == 13:
        raise SkillError("Not that one.")
    return f"Down by {done['step']}."
'''


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return registered(tmp_path_factory.mktemp("counting"), counter=COUNTER)


def test_undo_takes_everything_back_the_last_first(dispatcher: Dispatcher, counting: Snapshot, now: datetime) -> None:
    results = dispatcher.run(parse("counter(step=1); counter(step=2)"), counting, now, text="count")
    assert results[0].value == "Up by 1: count"
    done = tuple(Done(result.call, result.undo or {}) for result in results)
    (undone,) = dispatcher.run(parse("undo()"), counting, now, done=done)
    assert undone.ok and undone.value == "Down by 2. Down by 1."


def test_undo_ends_where_it_fails_and_so_does_the_row(
    dispatcher: Dispatcher, counting: Snapshot, now: datetime
) -> None:
    done = tuple(Done(parse(f"counter(step={step})")[0], {"step": step}) for step in (1, 13, 2))
    results = dispatcher.run(parse("undo(); counter(step=5)"), counting, now, done=done)
    assert [result.error for result in results] == ["Down by 2. Not that one.", "This was not done: counter, 5."]
    assert not results[1].reached


@pytest.mark.parametrize("done", [(), (Done(parse("heating()")[0], {}),), (Done(parse("other()")[0], {}),)])
def test_there_may_be_nothing_to_undo(
    done: tuple[Done, ...], dispatcher: Dispatcher, counting: Snapshot, now: datetime
) -> None:
    (result,) = dispatcher.run(parse("undo()"), counting, now, done=done)
    assert not result.ok and result.error


def test_what_is_missing_is_asked_for(dispatcher: Dispatcher, counting: Snapshot, now: datetime) -> None:
    (missing,) = dispatcher.run(parse("counter()"), counting, now)
    (asked,) = dispatcher.run(parse("counter(step=0)"), counting, now)
    assert (missing.asks, missing.error) == ("step", "What number?")
    assert (asked.asks, asked.error) == ("step", "By how much?")
