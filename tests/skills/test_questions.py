"""Time, date and arithmetic: answered without a network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from otto import Place, Reply, SkillError
from otto.config import Settings
from otto.function import SkillFunction
from otto.session import Session

Do = Callable[[str], str]
Loader = Callable[[str], SkillFunction[Any, Any]]


def test_the_time_here(do: Do) -> None:
    assert do("timecheck()") == "It is noon."


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("New York", "United States", 40.7, -74.0, "America/New_York"), "It is 6 am in New York."),
        (Place("Kathmandu", "Nepal", 27.7, 85.3, "Asia/Kathmandu"), "It is 4:45 pm in Kathmandu."),
        (Place("Kiritimati", "Kiribati", 1.8, -157.4, "Pacific/Kiritimati"), "It is 1 am tomorrow in Kiritimati."),
    ],
)
def test_the_time_elsewhere(place: Place, said: str, function: Loader, session: Session) -> None:
    assert function("timecheck").run({"location": place}, session).text == said


def test_the_time_on_the_other_side_of_midnight(function: Loader, now: datetime) -> None:
    early = Session(now.replace(hour=3), settings=Settings())
    place = Place("Honolulu", "United States", 21.3, -157.9, "Pacific/Honolulu")
    assert function("timecheck").run({"location": place}, early).text == "It is 4 pm yesterday in Honolulu."


def test_nobody_knows_the_time_at_grandmas(function: Loader, session: Session) -> None:
    with pytest.raises(SkillError, match=r"^I don't know where grandma's house is\.$"):
        function("timecheck").run({"location": Place("grandma's house")}, session)


def test_words_lead_to_a_place(do: Do) -> None:
    assert do('timecheck(location="tokyo")') == "It is 8 pm in Tokyo."


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("datecheck()", "Today is Wednesday, March 4, 2026."),
        ('datecheck(date="today")', "Today is Wednesday, March 4, 2026."),
        ('datecheck(date="tomorrow")', "Tomorrow is Thursday, March 5, 2026."),
        ('datecheck(date="2026-03-03")', "Yesterday was Tuesday, March 3, 2026."),
        ('datecheck(date="2026-12-25")', "December 25, 2026 is a Friday, in 296 days."),
        ('datecheck(date="1969-07-20")', "July 20, 1969 was a Sunday, 20,681 days ago."),
    ],
)
def test_the_date(call: str, said: str, do: Do) -> None:
    assert do(call) == said


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("nine times nine", "9 times 9 is 81."),
        ("ten divided by four", "10 divided by 4 is 2.5."),
        ("ten divided by three", "10 divided by 3 is about 3.3333."),
        ("0.1 + 0.2", "0.1 plus 0.2 is 0.3."),
        ("three minus ten", "3 minus 10 is minus 7."),
        ("-3 + 1", "Minus 3 plus 1 is minus 2."),
        ("square root of two", "The square root of 2 is about 1.4142."),
        ("two to the power of ten", "2 to the power of 10 is 1,024."),
        ("(2 + 3) * 4", "That is 20."),
        ("factorial of twenty five", "The factorial of 25 is about 1.5511 times 10 to the power of 25."),
        ("10 ** 20", "10 to the power of 20 is 1 times 10 to the power of 20."),
        ("2 ** 4000", "2 to the power of 4000 is about 1.3182 times 10 to the power of 1,204."),
    ],
)
def test_arithmetic(question: str, said: str, do: Do) -> None:
    assert do(f'math(question="{question}")') == said


@pytest.mark.parametrize("question", ["9 ** 9 ** 9", "factorial(100000)", "1 / 0", "sqrt(-1)"])
def test_what_has_no_answer_is_a_sentence(question: str, do: Do) -> None:
    with pytest.raises(SkillError, match=r"^[A-Z].*\.$"):
        do(f'math(question="{question}")')


def test_the_exact_value_is_shown(reply: Callable[[str], Reply]) -> None:
    assert reply('math(question="2 ** 100")').data == {"value": str(2**100)}
    assert reply('math(question="9 * 9")').data == {"value": 81}
