"""`@skill`: what is read from a signature, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from otto import Reply, SchemaError, Session, parse, skill
from otto.function import SkillFunction
from otto.skill import Parameter, from_json, to_json
from otto.values import TYPES, Limits
from otto.values.expression import EXPRESSION
from otto.values.place import PLACE


@skill
def volume(
    action: Literal["up", "down", "set"],
    session: Session,
    level: Annotated[int, Field(ge=0, le=100, description="How loud, in percent.")] | None = None,
) -> str:
    """Changes how loud
    the computer is.

    Nobody hears this paragraph.
    """
    return f"{action} {level} at {session.now:%H:%M}"


def test_name_description_and_parameters_come_from_the_function() -> None:
    assert volume.schema.name == "volume"
    assert volume.schema.description == "Changes how loud the computer is."
    assert volume.schema.risk == "none"
    assert volume.schema.parameters == (
        Parameter("action", "choice", True, Limits(("up", "down", "set"))),
        Parameter("level", "integer", False, Limits((), 0, 100), description="How loud, in percent."),
    )


def test_the_session_is_filled_in_and_not_part_of_the_schema(now: datetime) -> None:
    assert volume.session == "session"
    typed = volume.schema.check(parse('volume(action="set", level=30)')[0], now)
    assert volume.run(typed, Session(now)) == Reply("set 30 at 12:00")


def test_the_function_stays_callable_as_it_was(now: datetime) -> None:
    assert volume("up", Session(now)) == "up None at 12:00"
    assert volume.__name__ == "volume"


def test_a_name_a_risk_and_a_deadline_can_be_given() -> None:
    @skill(name="open_door", risk="confirm", deadline=30)
    def door() -> Reply:
        return Reply("Open.", {"door": 1})

    assert (door.schema.name, door.schema.risk, door.deadline) == ("open_door", "confirm", 30)
    assert door() == Reply("Open.", {"door": 1})


NAMES = {kind.python.__name__: name for name, kind in TYPES.items() if name != "choice"}


@pytest.mark.parametrize("name", TYPES)
def test_every_type_of_the_value_table_has_an_annotation(name: str) -> None:
    annotation = Literal["a", "b"] if name == "choice" else TYPES[name].python

    def takes(value: Any) -> str:
        return "ok"

    takes.__annotations__["value"] = annotation
    (parameter,) = skill(takes).schema.parameters
    assert parameter.type == name and parameter.required


Level = Annotated[int, Field(ge=1, le=5)]


@skill
def everything(
    text: str,
    count: int,
    share: float,
    loud: bool,
    how_long: timedelta,
    at: time,
    on: date,
    when: datetime,
    level: Level = 3,
    words: list[str] | None = None,
    numbers: tuple[Level, ...] = (),
    short: Annotated[str, Field(min_length=1, max_length=3)] = "a",
    pause: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=2))] = timedelta(minutes=1),
) -> str:
    """Takes everything."""
    return repr((words, numbers, level))


def test_limits_and_repetition() -> None:
    found = {parameter.name: parameter for parameter in everything.schema.parameters}
    assert found["level"].limits == Limits((), 1, 5)
    assert found["numbers"].limits == Limits((), 1, 5)
    assert found["short"].limits == Limits((), 1, 3)
    assert found["pause"].limits == Limits((), 1, 7200)
    assert [name for name, parameter in found.items() if parameter.repeats] == ["words", "numbers"]
    assert [name for name, parameter in found.items() if not parameter.required] == [
        "level", "words", "numbers", "short", "pause"
    ]  # fmt: skip


def test_a_schema_survives_json() -> None:
    for function in (volume, everything):
        assert from_json(to_json(function.schema)) == function.schema


@pytest.mark.parametrize(
    ("arguments", "words", "numbers"),
    [
        ("", "None", "()"),
        ('words="one"', "['one']", "()"),
        ('words=["a", "b"], numbers=[1, 2]', "['a', 'b']", "(1, 2)"),
    ],
)
def test_a_repeated_value_arrives_in_the_annotated_container(
    arguments: str, words: str, numbers: str, now: datetime
) -> None:
    @skill
    def repeated(words: list[str] | None = None, numbers: tuple[int, ...] = ()) -> str:
        return f"{words} {numbers}"

    typed = repeated.schema.check(parse(f"repeated({arguments})")[0], now)
    assert repeated.run(typed, Session(now)).text == f"{words} {numbers}"


def test_what_is_left_out_takes_the_default(now: datetime) -> None:
    @skill
    def greet(name: str = "you") -> str:
        return f"Hello {name}."

    assert greet.run(greet.schema.check(parse("greet()")[0], now), Session(now)).text == "Hello you."


def test_expression_and_place_arrive_typed(now: datetime) -> None:
    def told(what: Any, where: Any) -> str:
        assert isinstance(what, EXPRESSION.python)
        assert isinstance(where, PLACE.python)
        return "ok"

    told.__annotations__ |= {"what": EXPRESSION.python, "where": PLACE.python}
    function = skill(told)
    call = parse('told(what="nine times nine", where="Berlin")')[0]
    assert function.run(function.schema.check(call, now), Session(now)).text == "ok"


@dataclass
class Unknown:
    value: int


def no_annotation(x) -> str:  # type: ignore[no-untyped-def]
    return ""


def bytes_parameter(x: bytes) -> str:
    return ""


def own_class(x: Unknown) -> str:
    return ""


def union(x: int | str) -> str:
    return ""


def nested(x: list[list[int]]) -> str:
    return ""


def numbers_to_choose(x: Literal[1, 2]) -> str:
    return ""


def pair(x: tuple[int, int]) -> str:
    return ""


def pattern(x: Annotated[str, Field(pattern="a+")]) -> str:
    return ""


def length_of_a_number(x: Annotated[int, Field(max_length=3)]) -> str:
    return ""


def limits_of_a_list(x: Annotated[list[int], Field(max_length=3)]) -> str:
    return ""


def above(x: Annotated[int, Field(gt=3)]) -> str:
    return ""


def missing_name(x: Nonexistent) -> str:  # type: ignore[name-defined]  # noqa: F821
    return ""


def rest(*x: int) -> str:
    return ""


def keywords(**x: int) -> str:
    return ""


def by_place(x: int, /) -> str:
    return ""


REFUSED = [
    no_annotation, bytes_parameter, own_class, union, nested, numbers_to_choose, pair, pattern, length_of_a_number,
    limits_of_a_list, above, missing_name, rest, keywords, by_place,
]  # fmt: skip


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_a_parameter_that_no_call_can_fill_is_refused_by_name(function: Callable[..., str]) -> None:
    with pytest.raises(SchemaError) as refused:
        skill(function)
    assert "'x'" in str(refused.value) and function.__name__ in str(refused.value)


def test_an_unknown_annotation_names_the_known_ones() -> None:
    with pytest.raises(SchemaError, match="known: str, Literal, int, float, bool, timedelta, time, date, datetime"):
        skill(bytes_parameter)


async def later() -> str:
    return ""


@pytest.mark.parametrize("decorated", [later, Unknown, len])
def test_only_plain_functions_are_skills(decorated: Any) -> None:
    with pytest.raises(SchemaError, match="plain function"):
        skill(decorated)


@pytest.mark.parametrize("given", [{"risk": "high"}, {"deadline": 0}, {"deadline": 601}, {"deadline": -1}])
def test_a_risk_or_deadline_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        skill(**given)


@pytest.mark.parametrize("answer", [None, 3, b"text", ["text"]])
def test_a_skill_answers_text_or_a_reply(answer: object, now: datetime) -> None:
    def wrong() -> str:
        return answer  # type: ignore[return-value]

    function: SkillFunction[..., str] = skill(wrong)
    with pytest.raises(SchemaError, match="wrong returned"):
        function.run({}, Session(now))


def test_a_skill_can_take_back_what_it_did(now: datetime) -> None:
    @skill
    def lamp(on: bool) -> Reply:
        return Reply("On." if on else "Off.", undo={"on": not on})

    @lamp.undo
    def back(done: dict[str, Any], session: Session) -> str:
        return f"Again {'on' if done['on'] else 'off'}."

    reply = lamp.run({"on": True}, Session(now))
    assert reply.undo == {"on": False}
    assert lamp.take_back(reply.undo, Session(now)) == Reply("Again off.")


def test_undo_without_a_function_for_it_is_a_mistake_in_the_skill(now: datetime) -> None:
    @skill
    def lamp() -> Reply:
        return Reply("On.", undo={})

    with pytest.raises(SchemaError, match=r"@lamp\.undo"):
        lamp.run({}, Session(now))
    with pytest.raises(SchemaError, match="cannot undo"):
        lamp.take_back({}, Session(now))
