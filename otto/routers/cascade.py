"""The `cascade` router: the cheapest first, the next one where it is not sure enough.

    >>> router = CascadeRouter(fewshot, [Stage(llama, rule), Stage(endpoint, rule)], seconds=1.5)
    >>> router.route("could you see to it that i'm up by seven", context).trace["cascade"]
    'fewshot 0.41 < 0.62; llama 0.93 taken'

A stage is asked when that costs less than it saves: a wrong answer costs more than a wait, and what each costs is a
setting. Both the confidence under which to ask and whom to believe then are fitted on held-out sentences (`fit`, which
`otto calibrate` runs). A model that is late or broken is passed over: the answer so far stands.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from otto.errors import ModelError
from otto.route import Alternative, Context, Route, Router
from otto.routers import logistic
from otto.routers.calibration import RISKY_SURETY, smoothed
from otto.routers.confidence import NEAR

log = logging.getLogger(__name__)

SECONDS = 1.5
"""All models together, for one sentence."""
LEAST_SECONDS = 0.1
"""With less left, no further model is asked."""
FAILURES = 3
"""In a row, after which a model is left alone for a while."""
REST_SECONDS = 30.0
FOLDS = 5
SURELY = 1.64
"""Standard errors by which a gain must exceed nothing: one-sided 95%."""
_BELIEF = (0.0, -1.0, 1.0, 0.0, 0.0)
"""Before any evidence: whoever is surer."""


class Timed(Protocol):
    """A router that can be told how long it may take: `ModelRouter`."""

    @property
    def name(self) -> str: ...

    def route(self, text: str, context: Context, *, seconds: float | None = None) -> Route:
        """Raises `ModelError` where there is no answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class Costs:
    """In a currency of one's own."""

    wrong: float = 10.0
    """Of an answer that is not what was meant."""
    second: float = 1.0
    """Of each second that somebody waits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When to ask a stage, and when to believe it."""

    threshold: float = 0.5
    """Asked when the answer so far is less sure than this; 0: never; more than 1: always."""
    belief: tuple[float, ...] = _BELIEF
    """Weights over `_features`: how likely it is that of two different answers the second is right."""
    always: bool = False
    """Its answer stands whenever it is valid."""

    def takes(self, first: Route, second: Route) -> bool:
        """Whether the second answer replaces the first."""
        if self.always:
            return second.confidence > 0
        return second.calls == first.calls or (
            second.confidence > 0 and logistic.chance(self.belief, _features(first, second)) > 0.5
        )


NEVER = Rule(threshold=0.0)
ALWAYS = Rule(threshold=math.inf, always=True)


@dataclass(frozen=True, slots=True)
class Stage:
    """A further router, and when it is asked."""

    router: Timed
    rule: Rule = Rule()


class CascadeRouter:
    """A `Router`. For one thread at a time, as models are."""

    def __init__(
        self,
        first: Router,
        stages: Sequence[Stage],
        *,
        seconds: float = SECONDS,
        name: str = "cascade",
        risky: Collection[str] = (),
    ) -> None:
        """`seconds`: for all models together. `risky`: skills that ask first, which only a sure model may bring in."""
        self.first = first
        self._risky = frozenset(risky)
        self.stages = tuple(stages)
        self.seconds = seconds
        self._name = name
        self._failures = [0] * len(self.stages)
        self._rests_until = [0.0] * len(self.stages)

    @property
    def name(self) -> str:
        """`cascade`; a route names whoever answered."""
        return self._name

    def route(self, text: str, context: Context) -> Route:
        """What `text` means, within about `seconds`, whatever becomes of the models."""
        answer = self.first.route(text, context)
        deadline = time.monotonic() + self.seconds
        why: list[str] = []
        for place, stage in enumerate(self.stages):
            sure = f"{answer.router} {answer.confidence:.2f}"
            if answer.confidence >= stage.rule.threshold:
                why.append(f"{sure} ≥ {stage.rule.threshold:.2f}: {stage.router.name} not asked")
                continue
            why.append(f"{sure} < {stage.rule.threshold:.2f}")
            answer = self._asked(place, answer, text, context, deadline, why)
        return replace(answer, trace={**answer.trace, "cascade": "; ".join(why)})

    def _asked(self, place: int, answer: Route, text: str, context: Context, deadline: float, why: list[str]) -> Route:
        """The better of the answer so far and the stage's."""
        stage, left = self.stages[place], deadline - time.monotonic()
        name = stage.router.name
        if left < LEAST_SECONDS:
            why.append(f"{name} not asked: no time left")
            return answer
        if time.monotonic() < self._rests_until[place]:
            why.append(f"{name} not asked: it failed {FAILURES} times")
            return answer
        try:
            other = stage.router.route(text, context, seconds=left)
        except ModelError as error:
            log.info("%s did not answer: %s", name, error)
            self._failed(place)
            why.append(f"{name}: {error}")
            return answer
        self._failures[place] = 0
        if self._dares(other) and not stage.rule.always:
            why.append(f"{name} {other.confidence:.2f} not taken: too unsure for what asks first")
            return replace(answer, alternatives=_with(answer.alternatives, other))
        if not stage.rule.takes(answer, other):
            why.append(f"{name} {other.confidence:.2f} not taken")
            return replace(answer, alternatives=_with(answer.alternatives, other))
        if other.calls == answer.calls and not stage.rule.always:
            why.append(f"{name} {other.confidence:.2f} agrees")
            sure = max(answer.confidence, other.confidence)
            return replace(answer, confidence=sure)
        why.append(f"{name} {other.confidence:.2f} taken")
        return replace(other, alternatives=_with(answer.alternatives, answer))

    def _dares(self, route: Route) -> bool:
        """Whether it calls a skill that asks first without being sure."""
        return route.confidence < RISKY_SURETY and any(call.name in self._risky for call in route.calls)

    def _failed(self, place: int) -> None:
        self._failures[place] += 1
        if self._failures[place] >= FAILURES:
            self._failures[place] = 0
            self._rests_until[place] = time.monotonic() + REST_SECONDS


def _with(alternatives: Sequence[Alternative], left: Route) -> tuple[Alternative, ...]:
    """With the answer that was not taken in front."""
    rest = (other for other in alternatives if other.calls != left.calls)
    return Alternative(left.calls, left.confidence), *rest


def _features(first: Route, second: Route) -> tuple[float, ...]:
    """What speaks for either of two answers: always 1, both confidences, which of them refuses."""
    return (
        1.0,
        float(logistic.log_odds(first.confidence, NEAR)),
        float(logistic.log_odds(second.confidence, NEAR)),
        float(first.rejected),
        float(second.rejected),
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """A held-out sentence: what two routers answered, and who was right."""

    first: Route
    second: Route | None
    """None: there was no answer."""
    first_right: bool
    second_right: bool
    seconds: float
    """That the second took."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rule, and what it is worth on sentences that it was not fitted on (cross-validation)."""

    rule: Rule
    first: float
    """Share of right answers of the first router alone."""
    second: float
    cascade: float
    asked: float
    """Share of sentences about which the second is asked."""
    seconds: float
    """Median wait for the second."""
    helps: bool
    """Whether the cascade is better than the first alone by more than chance, and costs less."""


def fit(rows: Sequence[Heard], costs: Costs) -> Fitted:
    """The rule of least cost on held-out rows. Where it does not surely help, the rule is never to ask."""
    rules = [_rule([row for place, row in enumerate(rows) if place % FOLDS != fold], costs) for fold in range(FOLDS)]
    outside = [_outcome(row, rules[place % FOLDS]) for place, row in enumerate(rows)]
    seconds = np.array([row.seconds for row in rows])
    first = np.array([row.first_right for row in rows], float)
    second = np.array([row.second_right for row in rows], float)
    cascade = np.array([right for right, _ in outside], float)
    asked = np.array([waited for _, waited in outside], float)
    saved = costs.wrong * (cascade - first) - costs.second * asked * seconds
    helps = _surely(cascade - first) and _surely(saved)
    rule = _rule(rows, costs)
    return Fitted(
        rule if helps else replace(rule, threshold=0.0),
        float(first.mean()),
        float(second.mean()),
        float(cascade.mean()) if helps else float(first.mean()),
        float(asked.mean()) if helps else 0.0,
        float(np.median(seconds)),
        helps,
    )


def _surely(gains: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Whether the mean is more than nothing, and not by chance."""
    return len(gains) > 1 and float(gains.mean()) > SURELY * float(gains.std(ddof=1)) / math.sqrt(len(gains))


def _rule(rows: Sequence[Heard], costs: Costs) -> Rule:
    """Whom to believe, from rows where one of two different answers is right; then the threshold of least cost."""
    told = [
        (_features(row.first, row.second), row.second_right)
        for row in rows
        if row.second is not None and row.first_right != row.second_right
    ]
    weights = logistic.fitted([features for features, _ in told], [right for _, right in told], _BELIEF)
    return Rule(_threshold(rows, Rule(math.inf, weights), costs), weights)


def _threshold(rows: Sequence[Heard], rule: Rule, costs: Costs) -> float:
    """The confidence of the first router under which asking costs less than it saves."""
    sure = np.array([row.first.confidence for row in rows])
    taken = np.array([_outcome(row, rule)[0] for row in rows], float)
    first = np.array([row.first_right for row in rows], float)
    seconds = np.array([row.seconds for row in rows])
    gains = costs.wrong * (taken - first) - costs.second * seconds
    order = np.argsort(sure, kind="stable")
    # What is gained by asking about the least sure sentences: about none, one, two, … all of them.
    total = np.concatenate([[0.0], gains[order].cumsum()])
    smooth = smoothed(total)
    best = int(smooth.argmax())
    if best == 0 or smooth[best] <= 0:
        return 0.0
    return 1.01 if best >= len(rows) else float(sure[order[best]])


def _outcome(row: Heard, rule: Rule) -> tuple[bool, bool]:
    """(right, asked) of one row under a rule."""
    if row.first.confidence >= rule.threshold:
        return row.first_right, False
    if row.second is None or not rule.takes(row.first, row.second):
        return row.first_right, True
    return row.second_right, True
