"""How right answers are: the arithmetic of `otto bench` and `otto eval`.

>>> equal(parse("lights()"), parse("lights()"))
True
>>> calibration_error([0.9, 0.9], [True, False])
0.4
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otto.call import Call

BINS = 10
"""Of confidence, of equal width."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the router said to one row."""

    calls: tuple[Call, ...]
    confidence: float
    milliseconds: float


def accepted(labelled: Sequence[Call], answered: Sequence[Call]) -> bool:
    """Whether skills and every labelled argument are right, as the makers of such sets count it."""
    return (
        bool(labelled)
        and len(labelled) == len(answered)
        and all(
            right.name == given.name and right.arguments.items() <= given.arguments.items()
            for right, given in zip(labelled, answered, strict=True)
        )
    )


def equal(one: Sequence[Call], other: Sequence[Call]) -> bool:
    """Whether all calls are the same as written, in the same order; that of their arguments does not matter."""
    return len(one) == len(other) and all(left == right for left, right in zip(one, other, strict=True))


def share(flags: Sequence[bool]) -> float | None:
    """Of the flags, those that are set; None where there are none."""
    return sum(flags) / len(flags) if flags else None


def argument_f1(pairs: Iterable[tuple[Sequence[Call], Sequence[Call]]]) -> float | None:
    """Of (wanted, answered) calls: 2 × matched / (wanted + found) arguments, each counted as often as it occurs."""
    matched = wanted = found = 0
    for labelled, answered in pairs:
        right, given = _arguments(labelled), _arguments(answered)
        matched += (right & given).total()
        wanted += right.total()
        found += given.total()
    return 2 * matched / (wanted + found) if wanted else None


def _arguments(calls: Sequence[Call]) -> Counter[tuple[str, str]]:
    return Counter(
        (name, repr(item))
        for call in calls
        for name, value in call.arguments.items()
        for item in (value if isinstance(value, tuple) else (value,))
    )


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error (Naeini et al. 2015): how far confidence lies from accuracy, ten bins of equal
    width, weighted by their rows."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in zip(confidences, right, strict=True):
        bins.setdefault(min(BINS - 1, int(confidence * BINS)), []).append((confidence, hit))
    gaps = [abs(sum(confidence - hit for confidence, hit in part)) for part in bins.values()]
    return sum(gaps) / max(1, len(right))
