"""An evaluation as pictures, and as one HTML page that needs nothing else.

    files = draw(evaluation.metrics, evaluation.predictions, folder / "plots")
    write_page(evaluation, files, folder / "report.html")

`skills.png` how well each skill does, `confusion.png` what is taken for what, `calibration.png` whether a confidence of
0.8 is right in 80% of cases, `milliseconds.png` how long answers take. Needs matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import page
from finetune.page import DARK, LIGHT, LINE
from finetune.score import Metrics, Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SKILLS = 40
"""In the plots; of more, those with the most rows."""
MOST_WRONG = 200
"""Wrong answers on the page."""


def draw(metrics: Metrics, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
    """Writes the pictures; returns their files. Raises `ConfigError` where matplotlib is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = sorted(metrics.skills, key=lambda name: (-metrics.skills[name].rows, name))[:MOST_SKILLS]
    return [
        page.save(_skills(metrics, sorted(shown)), folder / "skills.png"),
        page.save(_confusion(metrics, sorted(shown)), folder / "confusion.png"),
        page.save(_calibration(metrics), folder / "calibration.png"),
        page.save(_milliseconds(predictions), folder / "milliseconds.png"),
    ]


def write_page(
    title: str,
    run: Mapping[str, Any],
    metrics: Metrics,
    predictions: Sequence[Prediction],
    pictures: Sequence[Path],
    to: Path,
) -> None:
    """One page: figures, skills, pictures, and what was answered wrongly. Everything from data is escaped."""
    wrong = [each for each in predictions if not each.exact_typed]
    parts = [
        page.table(("", ""), [(name, _number(value)) for name, value in metrics.figures().items()]),
        page.heading("By skill"),
        page.table(
            ("skill", "rows", "exact", "typed", "precision", "recall"),
            [
                (name, str(each.rows), *map(_number, (each.exact, each.exact_typed, each.precision, each.recall)))
                for name, each in metrics.skills.items()
            ],
        ),
        *map(page.picture, pictures),
        page.heading(f"Answered wrongly ({len(wrong)})"),
        page.table(
            ("said", "meant", "answered"),
            [(each.text, each.wanted, each.answered or each.fault) for each in wrong[:MOST_WRONG]],
        ),
        page.heading("What was evaluated"),
        page.table(("", ""), [(name, str(value)) for name, value in run.items()]),
    ]
    page.write_page(title, parts, to)


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _skills(metrics: Metrics, names: Sequence[str]) -> Figure:
    figure, axes = page.new_figure(8, 1.2 + 0.28 * len(names))
    places = range(len(names))
    recall = [metrics.skills[name].recall or 0.0 for name in names]
    typed = [metrics.skills[name].exact_typed or 0.0 for name in names]
    axes.barh(places, recall, color=LIGHT, label="right skill")
    axes.barh(places, typed, color=DARK, height=0.45, label="all arguments right, too")
    axes.set_yticks(places, [f"{name} ({metrics.skills[name].rows})" for name in names])
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.set_xlabel("share of the rows that mean it")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return figure


def _confusion(metrics: Metrics, names: Sequence[str]) -> Figure:
    size = 2.5 + 0.3 * len(names)
    figure, axes = page.new_figure(size, size)
    table = [
        [metrics.confusion.get(wanted, {}).get(answered, 0) / max(1, metrics.skills[wanted].rows) for answered in names]
        for wanted in names
    ]
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("answered")
    axes.set_ylabel("meant")
    for row, wanted in enumerate(names):
        for column, answered in enumerate(names):
            count = metrics.confusion.get(wanted, {}).get(answered, 0)
            if count:
                colour = "white" if table[row][column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=colour)
    return figure


def _calibration(metrics: Metrics) -> Figure:
    figure, axes = page.new_figure(5, 5)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--")
    axes.plot(
        [each.confidence for each in metrics.calibration], [each.accuracy for each in metrics.calibration],
        color=DARK, marker="o",
    )  # fmt: skip
    for each in metrics.calibration:
        axes.annotate(str(each.rows), (each.confidence, each.accuracy), textcoords="offset points", xytext=(6, -9))
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.05, 1.03)
    axes.set_xlabel("confidence (numbers: rows)")
    axes.set_ylabel("share that is exact")
    axes.set_title(f"expected calibration error {metrics.calibration_error:.3f}")
    return figure


def _milliseconds(predictions: Sequence[Prediction]) -> Figure:
    figure, axes = page.new_figure(7, 3.2)
    times = sorted(each.milliseconds for each in predictions)
    axes.hist(times, bins=40, color=DARK)
    axes.axvline(times[len(times) // 2], color=LINE, linewidth=1)
    axes.set_xlabel("milliseconds for an answer (line: median)")
    axes.set_ylabel("rows")
    return figure
