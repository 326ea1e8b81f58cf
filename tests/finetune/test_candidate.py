from __future__ import annotations

import pytest

from finetune.candidate import Candidate, Judge
from otto.call import parse
from otto.example import Example
from otto.skill import Parameter, Skill

TIMER = Skill("timer", (Parameter("duration", "duration", required=True), Parameter("name")))
EXISTING = [Example("set a timer for ten minutes", parse('timer(duration="ten minutes")'))]


def objection(text: str, call: str = 'timer(duration="five minutes")') -> str:
    return Judge({"timer": TIMER}, EXISTING).objection(Candidate(text, parse(call)))


def test_a_good_one_is_let_in_once() -> None:
    judge = Judge({"timer": TIMER}, EXISTING)
    good = Candidate("beep in five minutes", parse('timer(duration="5 minutes")'))
    assert judge.objection(good) == ""
    judge.admit(good)
    assert judge.objection(Candidate("Beep in five minutes!", good.calls)).startswith("nearly exists: beep in")


@pytest.mark.parametrize(
    ("text", "call", "why"),
    [
        ("wake me up", 'timer(duration="five minutes")', "unsupported argument: the sentence does not say duration"),
        ("five minutes for pasta", 'timer(duration="5 minutes", name="rice")', "unsupported argument"),
        ("five minutes please", 'timer(duration="soon")', "invalid call: timer: duration"),
        ("five minutes please", "timer()", "invalid call: timer needs duration"),
        ("five minutes please", 'timer(duration="5 minutes", colour="red")', "invalid call: timer has no parameter"),
        ("five minutes please", "egg()", "unknown skill: egg"),
        ("set a timer for ten minutes ok", 'timer(duration="ten minutes")', "nearly exists"),
        ("five minutes, call 555-123-4567", 'timer(duration="5 minutes")', "holds personal data: phone number 5…7"),
        ("five minutes\u202e", 'timer(duration="5 minutes")', "not a sentence"),
        ("…", "other()", "not a sentence"),
        ("five minutes " * 40, 'timer(duration="5 minutes")', "not a sentence"),
    ],
)
def test_what_is_wrong_is_said(text: str, call: str, why: str) -> None:
    assert objection(text, call).startswith(why)


def test_the_same_value_in_other_words_is_supported() -> None:
    assert objection("an hour and a half for the roast", 'timer(duration="90 minutes")') == ""
    assert objection("how are you today", "other()") == ""
