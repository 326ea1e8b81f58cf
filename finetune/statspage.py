"""The figures of a data set as a table, as pictures, and as one HTML page.

draw(stats, folder)                         lengths.png, balance.png, words.png
write(stats, folder / "stats.html", files)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from finetune import page
from finetune.stats import Stats

MOST_BARS = 40


def figures(stats: Stats) -> list[tuple[str, ...]]:
    """Rows of a table: what, and how much."""
    total = sum(stats.rows.values())
    split = ", ".join(f"{name} {count}" for name, count in stats.rows.items())
    return [
        ("rows", f"{total} ({split})" if len(stats.rows) > 1 else str(total)),
        ("sources", str(len(stats.by_source))),
        ("skills", str(len(stats.by_skill))),
        ("balance", f"{stats.balance:.2f}"),
        ("same questions", str(stats.same)),
        ("nearly the same", str(stats.near)),
        ("different words", str(stats.vocabulary)),
        ("suggested max_length", f"{stats.suggested_max_length} {stats.unit}"),
    ]


def lengths(stats: Stats) -> list[tuple[str, ...]]:
    """Rows of a table: which part of a row, and its distribution."""
    return [
        (name, *(str(getattr(each, key)) for key in ("least", "median", "p95", "p99", "most")), f"{each.mean:.1f}")
        for name, each in (("asked", stats.asked), ("answered", stats.answered), ("whole", stats.whole))
    ]


LENGTH_HEADINGS = ("least", "median", "95 %", "99 %", "most", "mean")


def draw(stats: Stats, folder: Path) -> list[Path]:
    """Writes the pictures; returns their files. Raises `ConfigError` where matplotlib is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _lengths(stats, folder / "lengths.png"),
        _bars(stats.by_skill or stats.by_source, "rows", folder / "balance.png"),
        _bars(stats.words, "times in the questions", folder / "words.png"),
    ]


def write(stats: Stats, to: Path, pictures: Sequence[Path], title: str = "Data set") -> None:
    """One page with everything; data in it is escaped."""
    counted = (("By source", stats.by_source), ("By skill", stats.by_skill), ("Words", stats.words))
    parts = [
        page.table(("", ""), figures(stats)),
        page.heading(f"Lengths in {stats.unit}"),
        page.table(("", *LENGTH_HEADINGS), lengths(stats)),
        *(page.picture(file) for file in pictures),
    ]
    for name, counts in counted:
        if counts:
            parts += [page.heading(name), page.table(("", ""), [(key, str(count)) for key, count in counts.items()])]
    page.write_page(title, parts, to)


def _lengths(stats: Stats, to: Path) -> Path:
    figure, axes = page.new_figure(8, 3.2)
    most = max(stats.whole.most, 1)
    for name, colour in (("asked", page.LIGHT), ("answered", page.LINE), ("whole", page.DARK)):
        axes.hist(stats.values[name], bins=min(60, most), range=(0, most), histtype="step", color=colour, label=name)
    axes.axvline(stats.suggested_max_length, color="grey", linewidth=1, linestyle="--", label="suggested max_length")
    axes.set_xlabel(stats.unit)
    axes.set_ylabel("rows")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
    return page.save(figure, to)


def _bars(counts: Mapping[str, int], what: str, to: Path) -> Path:
    shown = list(counts.items())[:MOST_BARS]
    figure, axes = page.new_figure(8, 1.2 + 0.24 * len(shown))
    axes.barh(range(len(shown)), [count for _, count in shown], color=page.DARK)
    # A dollar would begin mathematics.
    axes.set_yticks(range(len(shown)), [(name or "(none)").replace("$", r"\$") for name, _ in shown])
    axes.invert_yaxis()
    axes.set_xlabel(what)
    return page.save(figure, to)
