"""Skills that nobody has given example sentences, beside skills that were taught."""

from __future__ import annotations

from datetime import datetime

import pytest

from otto.call import parse
from otto.config import Folders, bundled
from otto.example import Example
from otto.registry.registry import Registry
from otto.route import Context
from otto.routers.described import Description
from otto.routers.fewshot import FewshotRouter
from otto.skill import Skill

TAUGHT = ("media", "other", "timer", "todo", "volume", "weather")
MOWER = Description(Skill("mow_lawn"), ("mow lawn", "start the robotic lawn mower", "mow lawn: start the lawn mower"))
COFFEE = Description(Skill("brew_coffee"), ("brew coffee", "make a coffee with the machine", "brew coffee: espresso"))
WATER = Description(
    Skill("get_water_level"), ("get water level", "return the water level of the tank", "get water level: of the tank")
)
OVEN = Description(Skill("oven_timer"), ("oven timer", "start the timer of the oven", "oven timer: of the oven"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    registry = Registry(Folders((bundled("examples"),), ()), cache=tmp_path_factory.mktemp("cache"))
    entries = [registry.snapshot.skills[name] for name in TAUGHT]
    registry.close()
    return [each for entry in entries for each in entry.examples[: 200 if entry.skill.name == "other" else 50]]


@pytest.fixture(scope="module")
def taught(examples: list[Example]) -> FewshotRouter:
    return FewshotRouter.train([Skill(name) for name in TAUGHT if name != "other"], examples)


@pytest.fixture(scope="module")
def router(taught: FewshotRouter, examples: list[Example]) -> FewshotRouter:
    return taught.beside([MOWER, COFFEE, OVEN], examples)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("start the lawn mower", "mow_lawn"),
        ("please mow the lawn", "mow_lawn"),
        ("brew some coffee", "brew_coffee"),
        ("start the timer of the oven", "oven_timer"),
    ],
)
def test_a_sentence_like_a_description_reaches_its_skill(
    router: FewshotRouter, text: str, name: str, now: datetime
) -> None:
    route = router.route(text, Context(now))
    assert route.calls[0].name == name
    assert route.confidence > 0.5


def test_what_has_been_taught_stays_where_it_was(
    taught: FewshotRouter, router: FewshotRouter, examples: list[Example], now: datetime
) -> None:
    for example in [each for each in examples if each.calls[0].name != "other"][::3]:
        before, after = taught.route(example.text, Context(now)), router.route(example.text, Context(now))
        assert before.calls == after.calls, example.text
    assert router.route("set a timer for ten minutes", Context(now)).calls[0].name == "timer"


@pytest.mark.parametrize("text", ["who won the election in ninety two", "my grandmother never drank anything hot", "a"])
def test_a_sentence_that_means_nothing_reaches_no_described_skill(
    router: FewshotRouter, text: str, now: datetime
) -> None:
    assert router.route(text, Context(now)).calls[0].name not in ("mow_lawn", "brew_coffee", "oven_timer")


def test_what_was_taught_comes_second_where_a_described_skill_wins(router: FewshotRouter, now: datetime) -> None:
    route = router.route("start the timer of the oven", Context(now))
    assert [each.calls[0].name for each in route.alternatives][:1] == ["timer"]
    assert route.trace["described oven_timer"] == round(route.confidence, 4)


def test_a_sentence_that_the_user_has_taught_leads_to_its_likes(
    taught: FewshotRouter, router: FewshotRouter, examples: list[Example], now: datetime
) -> None:
    said = "the meadow looks like a jungle again"
    assert router.route(said, Context(now)).calls[0].name != "mow_lawn"
    own = Description(MOWER.skill, MOWER.phrases, (Example("the meadow looks like a jungle", parse("mow_lawn()")),))
    learnt = taught.beside([own, COFFEE, OVEN], examples, router.described)
    assert learnt.route(said, Context(now)).calls[0].name == "mow_lawn"


def test_a_sentence_that_must_not_reach_a_described_skill_counts_against_it(
    taught: FewshotRouter, router: FewshotRouter, examples: list[Example], now: datetime
) -> None:
    refused = Description(MOWER.skill, MOWER.phrases, (Example("mow the lawn of the neighbour", parse("other()")),))
    learnt = taught.beside([refused], examples)
    (before,), (after,) = (
        [float(each) for name, each in route.trace.items() if name == "described mow_lawn"]
        for route in (each.route("mow the lawn of my neighbour", Context(now)) for each in (router, learnt))
    )
    assert after < before


def test_a_question_counts_for_a_skill_that_answers_and_against_one_that_acts(
    taught: FewshotRouter, examples: list[Example], now: datetime
) -> None:
    router = taught.beside([WATER, OVEN], examples)
    assert router.described is not None
    assert router.described.answers == (True, False)
    for order, question, change in (
        ("the water level of the tank", "what is the water level of the tank", 1),
        ("start the timer of the oven", "why start the timer of the oven", -1),
    ):
        told, asked = (
            float(next(share for name, share in router.route(text, Context(now)).trace.items() if "described" in name))
            for text in (order, question)
        )
        assert (asked - told) * change > 0


def test_of_sentences_that_mean_nothing_few_reach_described_skills(
    taught: FewshotRouter, examples: list[Example], now: datetime
) -> None:
    nothing = [each for each in examples if each.calls[0].name == "other"]
    # These say of themselves what such sentences say: beside them it takes more to win.
    greedy = [Description(Skill(f"skill_{place}"), (each.text,)) for place, each in enumerate(nothing[::8])]
    modest, careful = (taught.beside(each, examples).described for each in ([MOWER], greedy))
    assert modest is not None and careful is not None
    assert modest.caution == 0.0 < careful.caution


def test_who_has_just_asked_is_expected(router: FewshotRouter, now: datetime) -> None:
    text = "coffee"
    asked = router.route(text, Context(now, expected="brew_coffee"))
    unasked = router.route(text, Context(now))
    elsewhere = router.route(text, Context(now, expected="todo"))
    shares = [float(route.trace["described brew_coffee"]) for route in (asked, unasked, elsewhere)]
    assert shares[0] > shares[1] > shares[2]


def test_without_descriptions_the_router_is_what_it_was(taught: FewshotRouter, examples: list[Example]) -> None:
    assert taught.beside([], examples).described is None
