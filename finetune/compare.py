"""Two evaluations side by side: what one got right that the other did not, and whether that can be chance.

    comparison = compare(Path("evaluations/before"), Path("evaluations/after"))
    comparison.only_other, comparison.p

Rows are matched by sentence and wanted calls; both must have been scored on the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from finetune.score import Prediction, mcnemar, read_predictions
from otto.errors import OttoError

By = Literal["exact", "exact_typed"]
PREDICTIONS = "predictions.jsonl"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the rows that both answered."""

    rows: int
    both: int
    """Right in both."""
    neither: int
    only_one: Sequence[tuple[Prediction, Prediction]]
    """Right in the first run alone."""
    only_other: Sequence[tuple[Prediction, Prediction]]
    """Right in the second alone."""
    p: float
    """Probability of a difference at least as lopsided if neither were better (McNemar, exact, two-sided)."""
    unmatched: int
    """Rows that only one of the two runs has."""

    @property
    def one(self) -> float:
        """Share that the first run has right."""
        return (self.both + len(self.only_one)) / self.rows

    @property
    def other(self) -> float:
        return (self.both + len(self.only_other)) / self.rows


def compare(one: Path, other: Path, by: By = "exact_typed") -> Comparison:
    """`one`, `other`: folders of evaluations. Raises `OttoError` where they have no row in common."""
    first, second = (_by_row(read_predictions(folder / PREDICTIONS)) for folder in (one, other))
    shared = [key for key in first if key in second]
    if not shared:
        raise OttoError(f"{one} and {other} have no row in common; evaluate both on the same test set")
    pairs = [(first[key], second[key]) for key in shared]
    only_one = [pair for pair in pairs if getattr(pair[0], by) and not getattr(pair[1], by)]
    only_other = [pair for pair in pairs if getattr(pair[1], by) and not getattr(pair[0], by)]
    both = sum(getattr(mine, by) and getattr(yours, by) for mine, yours in pairs)
    return Comparison(
        rows=len(pairs),
        both=both,
        neither=len(pairs) - both - len(only_one) - len(only_other),
        only_one=only_one,
        only_other=only_other,
        p=mcnemar(len(only_one), len(only_other)),
        unmatched=len(first) + len(second) - 2 * len(shared),
    )


def _by_row(predictions: Sequence[Prediction]) -> dict[tuple[str, str, int], Prediction]:
    """A sentence that a set holds twice stays twice."""
    found: dict[tuple[str, str, int], Prediction] = {}
    seen: dict[tuple[str, str], int] = {}
    for each in predictions:
        key = (each.text, each.wanted)
        seen[key] = seen.get(key, 0) + 1
        found[*key, seen[key]] = each
    return found
