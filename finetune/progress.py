"""What the model answers while it is trained: a table of sample predictions at every evaluation.

predictions.jsonl, and in Weights & Biases the table `predictions` where a run is logged there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import probe
from finetune.material import Material
from finetune.recipe import Recipe
from finetune.shapes import Conversation
from otto.files import write_atomic

if TYPE_CHECKING:
    from transformers import TrainerCallback
else:
    try:
        from transformers import TrainerCallback
    except ImportError:  # the extra is missing, which whoever starts a training is told
        TrainerCallback = object

_COLUMNS = ("step", "question", "wanted", "answer", "right")


class Predictions(TrainerCallback):
    """Answers some validation rows at each evaluation."""

    def __init__(self, material: Material, tokenizer: Any, end: str, recipe: Recipe, output: Path) -> None:
        self._material = material
        self._tokenizer = tokenizer
        self._end = end
        self._recipe = recipe
        self._file = output / "predictions.jsonl"
        self._lines: list[Mapping[str, object]] = []

    def on_evaluate(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """At each evaluation; called by transformers."""
        count = self._recipe.training.predictions
        if not count or not state.is_world_process_zero or self._recipe.training.fsdp:
            return
        lines = self._answered(given["model"], count, state.global_step)
        self._lines += lines
        write_atomic(self._file, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in self._lines))
        self._log(state.global_step)

    def measure(self, model: Any, most: int) -> dict[str, float]:
        """Shares of the validation rows (`most` of them) that the model answers right, as written, and usably."""
        rows = self._material.valid[:most]
        found = self._answers(model, rows)
        scores = [self._material.task.score(row, answer) for row, (answer, _) in zip(rows, found, strict=True)]
        return {
            "valid_rows": float(len(rows)),
            "valid_right": sum(score.right for score in scores) / len(rows),
            "valid_as_written": sum(score.as_written for score in scores) / len(rows),
            "valid_well_formed": sum(score.well_formed for score in scores) / len(rows),
            **{
                f"valid_{name}": sum(score.figures.get(name, 0.0) for score in scores) / len(rows)
                for name in (scores[0].figures if scores else ())
            },
        }

    def _answers(self, model: Any, rows: Sequence[Conversation]) -> list[tuple[str, bool]]:
        task = self._material.task
        return probe.answers(
            model, self._tokenizer, [task.opening(row) for row in rows], end=self._end, most_tokens=task.most_tokens
        )

    def _answered(self, model: Any, count: int, step: int) -> list[Mapping[str, object]]:
        rows = _spread(self._material.valid, count)
        found = self._answers(model, rows)
        return [
            {
                "step": step,
                "question": row.question,
                "wanted": row.answer,
                "answer": answer,
                "right": self._material.task.score(row, answer).right,
            }
            for row, (answer, _) in zip(rows, found, strict=True)
        ]

    def _log(self, step: int) -> None:
        if self._recipe.logging.wandb == "disabled":
            return
        import wandb

        if wandb.run is not None:
            data = [[line[column] for column in _COLUMNS] for line in self._lines]
            wandb.log({"predictions": wandb.Table(columns=list(_COLUMNS), data=data)}, step=step)


def _spread(rows: Sequence[Any], count: int) -> Sequence[Any]:
    """So many rows, evenly over all of them."""
    return rows[:: max(1, len(rows) // count)][:count]
