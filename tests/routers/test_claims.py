"""A new skill claims the sentences that were `other()` only because nothing did them."""

from __future__ import annotations

from datetime import datetime

from otto.call import parse
from otto.encoder import shared
from otto.example import Example, Origin
from otto.route import Context
from otto.routers.claims import settled
from otto.routers.fewshot import FewshotRouter
from otto.routers.sentence import sentences
from otto.skill import Parameter, Skill
from otto.values import Limits

BUNDLED = [
    ("set a timer for ten minutes", 'timer(duration="ten minutes")'),
    ("start a five minute timer", 'timer(duration="five minute")'),
    ("count down twenty seconds", 'timer(duration="twenty seconds")'),
    ("turn on the lights in the kitchen", "other()"),
    ("switch on the lamp by the sofa", "other()"),
    ("turn off the lights in the bedroom", "other()"),
    ("lights off", "other()"),
    ("he ran a good time", "other()"),
    ("book a table for two", "other()"),
    ("thanks for watching", "other()"),
]
LIGHTS = [
    ("turn off the kitchen lights", 'lights(state="off", room="kitchen")'),
    ("switch the lamp in the bedroom on", 'lights(state="on", room="bedroom")'),
    ("lights out in the dining room", 'lights(state="off", room="dining room")'),
    ("turn on the lights in the hall please", 'lights(state="on", room="hall")'),
    ("who left the lights on", "other()"),
]
SKILLS = [
    Skill("timer", (Parameter("duration", "duration", True),)),
    Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room", required=True))),
]


def examples() -> list[Example]:
    return [
        Example(text, parse(call), Origin(f"{folder}/{number}.txt", 1))
        for folder, rows in (("bundled", BUNDLED), ("own", LIGHTS))
        for number, (text, call) in enumerate(rows)
    ]


def test_like_sentences_of_the_earlier_folder_yield() -> None:
    every = examples()
    encoded, _ = sentences(shared(), None, [each.text for each in every])
    left = settled(every, {each.text: each for each in encoded}, {"lights"})
    assert {each.text for each in every} - {each.text for each in left} == {
        "turn on the lights in the kitchen",
        "switch on the lamp by the sofa",
        "turn off the lights in the bedroom",
        "lights off",
    }


def test_without_newcomers_nothing_yields() -> None:
    assert settled(examples(), {}, ()) == examples()


def test_a_new_skill_is_found_though_its_sentences_were_refused(now: datetime) -> None:
    router = FewshotRouter.train(SKILLS, examples(), newcomers=["lights"])
    route = router.route("turn off the lights in the bedroom", Context(now))
    assert route.calls == parse('lights(state="off", room="bedroom")')
    assert router.route("who left the lights on", Context(now)).rejected
