"""The cascade: when a further router is asked, whom it believes, and what its fit is worth."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import datetime

import pytest

from otto.call import Call, parse
from otto.errors import ModelError
from otto.route import Context, Route
from otto.routers.cascade import (
    ALWAYS,
    FAILURES,
    NEVER,
    CascadeRouter,
    Costs,
    Heard,
    Rule,
    Stage,
    fit,
)


class Fixed:
    """A router that always says the same."""

    def __init__(self, name: str, calls: str, confidence: float, takes: float = 0.0, *, fails: bool = False) -> None:
        self.name, self.calls, self.confidence = name, parse(calls), confidence
        self.takes, self.fails = takes, fails
        self.asked = 0
        self.limits: list[float | None] = []

    def route(self, text: str, context: Context, *, seconds: float | None = None) -> Route:
        self.asked += 1
        self.limits.append(seconds)
        time.sleep(self.takes)
        if self.fails:
            raise ModelError("it crashed")
        return Route(self.calls, self.confidence, self.name)


def test_a_sure_first_answer_asks_nobody(now: datetime) -> None:
    model = Fixed("llama", "b()", 0.99)
    route = CascadeRouter(Fixed("fewshot", "a()", 0.9), [Stage(model, Rule(0.8))]).route("x", Context(now))
    assert (str(route), route.router, model.asked) == ("a()", "fewshot", 0)
    assert route.trace["cascade"] == "fewshot 0.90 ≥ 0.80: llama not asked"


def test_the_surer_answer_is_taken_and_the_other_offered(now: datetime) -> None:
    stage = Stage(Fixed("llama", "b()", 0.9), Rule(0.8))
    route = CascadeRouter(Fixed("fewshot", "a()", 0.3), [stage]).route("x", Context(now))
    assert (str(route), route.router, route.confidence) == ("b()", "llama", 0.9)
    assert route.trace["cascade"] == "fewshot 0.30 < 0.80; llama 0.90 taken"
    assert [(str(other.calls[0]), other.confidence) for other in route.alternatives] == [("a()", 0.3)]


def test_an_unsure_second_answer_is_not_taken(now: datetime) -> None:
    stage = Stage(Fixed("llama", "b()", 0.2), Rule(0.8))
    route = CascadeRouter(Fixed("fewshot", "a()", 0.6), [stage]).route("x", Context(now))
    assert (str(route), route.router) == ("a()", "fewshot")
    assert "llama 0.20 not taken" in str(route.trace["cascade"])
    assert str(route.alternatives[0].calls[0]) == "b()"


def test_agreement_makes_surer(now: datetime) -> None:
    stage = Stage(Fixed("llama", "a()", 0.7), Rule(0.8))
    route = CascadeRouter(Fixed("fewshot", "a()", 0.6), [stage]).route("x", Context(now))
    assert (str(route), route.router, route.confidence) == ("a()", "fewshot", 0.7)


def test_the_third_is_asked_when_the_second_is_not_sure_either(now: datetime) -> None:
    server = Fixed("openai", "c()", 0.95)
    stages = [Stage(Fixed("llama", "b()", 0.5), Rule(0.8)), Stage(server, Rule(0.6))]
    route = CascadeRouter(Fixed("fewshot", "a()", 0.3), stages).route("x", Context(now))
    assert (str(route), route.router) == ("c()", "openai")
    assert route.trace["cascade"] == "fewshot 0.30 < 0.80; llama 0.50 taken; llama 0.50 < 0.60; openai 0.95 taken"
    sure = [Stage(Fixed("llama", "b()", 0.7), Rule(0.8)), Stage(server, Rule(0.6))]
    assert CascadeRouter(Fixed("fewshot", "a()", 0.3), sure).route("x", Context(now)).router == "llama"
    assert server.asked == 1


def test_a_broken_model_is_passed_over_and_then_left_alone(now: datetime) -> None:
    broken, server = Fixed("llama", "b()", 0.9, fails=True), Fixed("openai", "c()", 0.9)
    cascade = CascadeRouter(Fixed("fewshot", "a()", 0.3), [Stage(broken, Rule(0.8)), Stage(server, Rule(0.8))])
    routes = [cascade.route("x", Context(now)) for _ in range(FAILURES + 5)]
    assert {str(route) for route in routes} == {"c()"}
    assert broken.asked == FAILURES
    assert "llama: it crashed" in str(routes[0].trace["cascade"])
    assert f"llama not asked: it failed {FAILURES} times" in str(routes[-1].trace["cascade"])


def test_failures_apart_do_not_count_together(now: datetime) -> None:
    model = Fixed("llama", "b()", 0.9)
    cascade = CascadeRouter(Fixed("fewshot", "a()", 0.3), [Stage(model, Rule(0.8))])
    for turn in range(4 * FAILURES):
        model.fails = turn % 2 == 0
        cascade.route("x", Context(now))
    assert model.asked == 4 * FAILURES


def test_all_models_share_the_time(now: datetime) -> None:
    slow, late = Fixed("llama", "b()", 0.4, takes=0.2), Fixed("openai", "c()", 0.9)
    stages = [Stage(slow, Rule(0.8)), Stage(late, Rule(0.8))]
    CascadeRouter(Fixed("fewshot", "a()", 0.3), stages, seconds=20.0).route("x", Context(now))
    assert slow.limits[0] is not None and late.limits[0] is not None
    assert late.limits[0] <= slow.limits[0] - slow.takes
    route = CascadeRouter(Fixed("fewshot", "a()", 0.3), stages, seconds=0.25).route("x", Context(now))
    assert late.asked == 1
    assert "openai not asked: no time left" in str(route.trace["cascade"])


def test_a_router_chosen_by_name_answers_always_unless_it_cannot(now: datetime) -> None:
    first = Fixed("fewshot", "a()", 0.99)
    chosen = CascadeRouter(first, [Stage(Fixed("llama", "b()", 0.1), ALWAYS)], name="llama")
    assert str(chosen.route("x", Context(now))) == "b()"
    broken = CascadeRouter(first, [Stage(Fixed("llama", "b()", 0.1, fails=True), ALWAYS)])
    assert str(broken.route("x", Context(now))) == "a()"
    invalid = CascadeRouter(first, [Stage(Fixed("llama", "other()", 0.0), ALWAYS)])
    assert str(invalid.route("x", Context(now))) == "a()"


def test_what_asks_first_is_only_brought_in_by_a_sure_model(now: datetime) -> None:
    first = Fixed("fewshot", "other()", 0.3)
    for sure, calls in ((0.85, "other()"), (0.95, "lock()")):
        stage = Stage(Fixed("llama", "lock()", sure), Rule(0.8))
        route = CascadeRouter(first, [stage], risky=["lock"]).route("x", Context(now))
        assert str(route) == calls
    assert (
        str(
            CascadeRouter(first, [Stage(Fixed("llama", "b()", 0.85), Rule(0.8))], risky=["lock"]).route(
                "x", Context(now)
            )
        )
        == "b()"
    )


def test_never_is_never(now: datetime) -> None:
    model = Fixed("llama", "b()", 0.99)
    CascadeRouter(Fixed("fewshot", "a()", 0.0), [Stage(model, NEVER)]).route("x", Context(now))
    assert model.asked == 0


# What is fitted


def heard(count: int, *, first: float, second: float, seconds: float = 0.05, seed: int = 0) -> list[Heard]:
    """Held-out rows of two calibrated routers that are right in these shares of them, and know when."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        sure = [min(0.99, max(0.01, chance.betavariate(6 * share, 6 * (1 - share)))) for share in (first, second)]
        right = [chance.random() < each for each in sure]
        calls = [(Call("right"),) if each else (Call(f"wrong{place}"),) for place, each in enumerate(right)]
        routes = [Route(each, certain, "r") for each, certain in zip(calls, sure, strict=True)]
        rows.append(Heard(routes[0], routes[1], right[0], right[1], seconds))
    return rows


def test_a_good_model_helps_where_the_first_is_unsure() -> None:
    rows = heard(800, first=0.8, second=0.9)
    found = fit(rows, Costs())
    assert found.helps
    assert found.cascade > max(found.first, found.second) + 0.02
    assert found.rule.threshold > 0.3
    assert found.first == pytest.approx(0.8, abs=0.04)


def test_a_poor_model_is_never_asked() -> None:
    rows = [
        replace(row, second=Route((Call("wrong"),), 0.5, "r"), second_right=False)
        for row in heard(400, first=0.8, second=0.5)
    ]
    found = fit(rows, Costs())
    assert not found.helps
    assert found.rule.threshold == 0
    assert found.cascade == found.first


def test_the_cascade_is_never_clearly_below_its_best_member() -> None:
    """Fitted on one half, scored on the other."""
    for first, second in ((0.9, 0.4), (0.9, 0.7), (0.85, 0.85), (0.6, 0.95), (0.3, 0.9)):
        rows = heard(2400, first=first, second=second, seed=round(100 * first))
        rule = fit(rows[:1200], Costs()).rule
        scored = [
            row.second_right
            if row.second is not None and row.first.confidence < rule.threshold and rule.takes(row.first, row.second)
            else row.first_right
            for row in rows[1200:]
        ]
        best = max(sum(row.first_right for row in rows[1200:]), sum(row.second_right for row in rows[1200:]))
        assert sum(scored) >= best - 0.005 * 1200, (first, second)


def test_waiting_costs() -> None:
    rows = heard(800, first=0.8, second=0.9, seconds=0.2)
    cheap, dear = fit(rows, Costs(second=0.5)), fit(rows, Costs(second=15.0))
    assert dear.rule.threshold < cheap.rule.threshold
    assert dear.asked < cheap.asked
    assert not fit(rows, Costs(second=1000.0)).helps


def test_a_model_that_is_silent_is_no_help() -> None:
    rows = [replace(row, second=None, second_right=False) for row in heard(300, first=0.7, second=0.9)]
    assert not fit(rows, Costs()).helps


def test_few_rows_prove_nothing() -> None:
    assert not fit(heard(6, first=0.8, second=0.9), Costs()).helps
