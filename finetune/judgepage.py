"""A judgement as figures, and as one HTML page that needs nothing else.

    write_atomic(folder / "metrics.json", json.dumps(summary(judgement)))
    pictures = draw(judgement, folder / "plots")
    write(judgement, pictures, folder / "report.html")

`rubric.png` the means of each criterion, `pairs.png` who wins against whom, `lengths.png` words against scores: a judge
who rewards length shows there. Needs matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune import page
from finetune.interval import Interval, bootstrap
from finetune.item import Candidate
from finetune.judge import Judgement
from finetune.rubric import CRITERIA, HIGH, LOW
from otto.errors import shorten

MOST_ROWS = 100
"""Questions on the page, those with the largest differences first."""
_COLOURS = (page.LIGHT, page.DARK, page.LINE, "#7a9a4f", "#8d6aa8")


def summary(judged: Judgement) -> dict[str, Any]:
    """All figures, as JSON holds them; what is not a number is null."""
    return {
        "questions": len(judged.questions),
        "judges": list(judged.judges),
        "missing": judged.missing,
        "rubric": {
            each.name: {
                "mean": _interval(bootstrap(judged.scores(each))),
                **{name: _interval(bootstrap(judged.scores(each, name))) for name in CRITERIA},
            }
            for each in judged.candidates
            if judged.scores(each)
        },
        "pairs": [_pair(pair) for pair in judged.pairs],
        "position": {name: _position(judged, name) for name in judged.judges if judged.pairs},
        "agreement": [
            {"judges": [each.one, each.other], "pairs": _number(each.pairs), "scores": _number(each.scores)}
            for each in judged.agreements
        ],
        **{
            what: {name: _interval(value) for name, value in getattr(judged, what).items()}
            for what in ("relevancy", "faithfulness", "inconsistency")
        },
        "flags": [
            {"model": each.candidate, "question": each.asked, "sentence": each.sentence, "score": each.inconsistency}
            for each in judged.flags
        ],
        "reference": {each.name: _means(judged, each) for each in judged.candidates},
        "cost": judged.spent.cost,
        "tokens": judged.spent.prompt_tokens + judged.spent.tokens,
    }


def draw(judged: Judgement, folder: Path) -> list[Path]:
    """The pictures that there is something for."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    if judged.verdicts:
        found += [_draw_rubric(judged, folder / "rubric.png"), _draw_lengths(judged, folder / "lengths.png")]
    if judged.pairs:
        found.append(_draw_pairs(judged, folder / "pairs.png"))
    return found


def write(judged: Judgement, pictures: Sequence[Path], to: Path) -> None:
    """The page."""
    named = {each.stem: page.picture(each) for each in pictures}
    parts = [page.table(("", ""), _about(judged))]
    for title, content in tables(judged).items():
        parts += [page.heading(title), page.table(*content)]
        parts += [named[each] for each in _BELOW.get(title, ()) if each in named]
    if judged.flags:
        parts.append(page.heading("For a person to look at: said differently each time"))
        rows = [(each.candidate, each.asked, each.sentence, f"{each.inconsistency:.2f}") for each in judged.flags]
        parts.append(page.table(("model", "question", "sentence", "inconsistency"), rows[:MOST_ROWS]))
    parts += [page.heading("Answers"), page.table(*_answers_table(judged))]
    page.write_page(" against ".join(each.name for each in judged.candidates), parts, to)


Table = tuple[Sequence[str], list[Sequence[str]]]
"""Headings, and rows."""
_RUBRIC, _PAIRS = "By rubric, 1 to 5", "In pairs, both orders"
_BELOW = {_RUBRIC: ("rubric", "lengths"), _PAIRS: ("pairs",)}
"""Pictures, by the table that they belong to."""


def tables(judged: Judgement) -> dict[str, Table]:
    """What there are figures for, for page and terminal."""
    found: dict[str, Table] = {}
    if judged.verdicts:
        found[_RUBRIC] = _rubric_table(judged)
    if judged.pairs:
        found[_PAIRS] = _pairs_table(judged)
        found["Does the place of an answer matter?"] = _position_table(judged)
    if judged.agreements:
        found["Two judges (Cohen's kappa)"] = _agreement_table(judged)
    found["Without the rubric"] = _reference_table(judged)
    return found


def _about(judged: Judgement) -> list[tuple[str, str]]:
    return [
        ("questions", str(len(judged.questions))),
        ("judges", ", ".join(judged.judges) or "none"),
        ("verdicts that could not be had", str(judged.missing)),
        ("asked", str(judged.spent)),
    ]


def _rubric_table(judged: Judgement) -> Table:
    rows: list[Sequence[str]] = [
        [name.replace("_", " ") or "mean", *(str(bootstrap(judged.scores(each, name))) for each in judged.candidates)]
        for name in (*CRITERIA, "")
    ]
    return ("", *(each.name for each in judged.candidates)), rows


def _pairs_table(judged: Judgement) -> Table:
    rows: list[Sequence[str]] = []
    for pair in judged.pairs:
        found = pair.standing
        counted = map(str, (found.wins, found.losses, found.ties, found.changed))
        rows.append([pair.judge, pair.one, pair.other, *counted, str(found.share), f"{found.p:.3g}"])
    return ("judge", "model", "against", "wins", "losses", "ties", "minds changed", "share won", "p"), rows


def _position_table(judged: Judgement) -> Table:
    rows: list[Sequence[str]] = []
    for name in judged.judges:
        found = judged.position(name)
        verdict = "biased: trust only what holds in both orders" if found.biased else "no bias found"
        rows.append([name, str(found.first), str(found.changed), f"{found.p:.3g}", verdict])
    return ("judge", "first place preferred", "minds changed", "p", ""), rows


def _agreement_table(judged: Judgement) -> Table:
    rows = [(f"{each.one}, {each.other}", f"{each.pairs:.2f}", f"{each.scores:.2f}") for each in judged.agreements]
    return ("judges", "pairs", "scores by rubric"), list(rows)


def _reference_table(judged: Judgement) -> Table:
    means = {each.name: _means(judged, each) for each in judged.candidates}
    rows: list[Sequence[str]] = [
        [name, *(f"{means[each.name][name]:.2f}" for each in judged.candidates)] for name in next(iter(means.values()))
    ]
    for what in ("relevancy", "faithfulness", "inconsistency"):
        found = getattr(judged, what)
        if found:
            rows.append([f"{what} (by judges)", *(str(found.get(each.name, "–")) for each in judged.candidates)])
    return ("", *(each.name for each in judged.candidates)), rows


def _answers_table(judged: Judgement) -> Table:
    def means(key: str) -> list[float]:
        several = (
            [found.mean for name in judged.judges if (found := judged.verdicts.get((name, each.items[key].key)))]
            for each in judged.candidates
        )
        return [sum(each) / len(each) if each else math.nan for each in several]

    def spread(key: str) -> float:
        found = [value for value in means(key) if not math.isnan(value)]
        return max(found) - min(found) if found else 0.0

    rows: list[Sequence[str]] = []
    for key in sorted(judged.questions, key=spread, reverse=True)[:MOST_ROWS]:
        cells = []
        for each, mean in zip(judged.candidates, means(key), strict=True):
            score = "" if math.isnan(mean) else f"[{mean:.2f}] "
            cells.append(f"{score}{each.items[key].answer}{_weakest(judged, each.items[key].key)}")
        rows.append([shorten(judged.candidates[0].items[key].asked, 300), *cells])
    return ("question", *(each.name for each in judged.candidates)), rows


def _weakest(judged: Judgement, key: str) -> str:
    """What the first judge found worst about an answer, and why."""
    verdict = next((found for name in judged.judges if (found := judged.verdicts.get((name, key)))), None)
    if verdict is None:
        return ""
    name = min(CRITERIA, key=lambda each: verdict.scores[each])
    return f" — {name.replace('_', ' ')} {verdict.scores[name]}: {verdict.reasons[name]}"


def _means(judged: Judgement, candidate: Candidate) -> dict[str, float]:
    several = list(judged.reference[candidate.name].values())
    count = max(1, len(several))
    return {
        "words": sum(each.words for each in several) / count,
        "faults_of_markdown": sum(each.faults for each in several) / count,
        "reading_ease": sum(each.ease for each in several) / count,
        "rouge_l": sum(each.rouge_l for each in several) / count,
        "bert_score": sum(each.semantic for each in several) / count,
    }


def _draw_rubric(judged: Judgement, to: Path) -> Path:
    figure, axes = page.new_figure(9, 3.6)
    width = 0.8 / len(judged.candidates)
    for number, each in enumerate(judged.candidates):
        found = [bootstrap(judged.scores(each, name)) for name in CRITERIA]
        axes.bar(
            [place + number * width for place in range(len(CRITERIA))], [value.value for value in found], width,
            label=each.name, color=_COLOURS[number % len(_COLOURS)],
            yerr=[[value.value - value.low for value in found], [value.high - value.value for value in found]],
        )  # fmt: skip
    axes.set_xticks(
        [place + 0.4 - width / 2 for place in range(len(CRITERIA))], [name.replace("_", "\n") for name in CRITERIA]
    )
    axes.set_ylim(LOW, HIGH)
    axes.legend()
    return page.save(figure, to)


def _draw_lengths(judged: Judgement, to: Path) -> Path:
    figure, axes = page.new_figure(9, 3)
    for number, each in enumerate(judged.candidates):
        points = [
            (judged.reference[each.name][key].words, found.mean)
            for key in judged.questions
            for name in judged.judges
            if (found := judged.verdicts.get((name, each.items[key].key)))
        ]
        axes.scatter(
            [x for x, _ in points], [y for _, y in points], 12, _COLOURS[number % len(_COLOURS)], label=each.name
        )
    axes.set_xlabel("words of the answer")
    axes.set_ylabel("mean score")
    axes.legend()
    return page.save(figure, to)


def _draw_pairs(judged: Judgement, to: Path) -> Path:
    figure, axes = page.new_figure(9, 0.8 + 0.6 * len(judged.pairs))
    for number, pair in enumerate(judged.pairs):
        found = pair.standing
        total = max(1, found.wins + found.ties + found.losses)
        start = 0.0
        for count, colour in ((found.wins, page.DARK), (found.ties, "#c9d2d9"), (found.losses, page.LINE)):
            axes.barh(number, count / total, left=start, color=colour)
            start += count / total
        axes.plot([found.share.low, found.share.high], [number, number], "k-", linewidth=2)
    axes.set_yticks(range(len(judged.pairs)), [f"{pair.one} / {pair.other}\n{pair.judge}" for pair in judged.pairs])
    axes.axvline(0.5, color="k", linestyle=":")
    axes.set_xlim(0, 1)
    axes.set_xlabel("won, tied, lost; the line: share won at 95 %")
    return page.save(figure, to)


def _pair(pair: Any) -> dict[str, Any]:
    found = pair.standing
    return {
        "judge": pair.judge, "one": pair.one, "other": pair.other, "wins": found.wins, "losses": found.losses,
        "ties": found.ties, "changed": found.changed, "share": _interval(found.share), "p": found.p,
    }  # fmt: skip


def _position(judged: Judgement, judge: str) -> dict[str, Any]:
    found = judged.position(judge)
    first, changed = _interval(found.first), _interval(found.changed)
    return {"first": first, "changed": changed, "p": found.p, "biased": found.biased}


def _interval(value: Interval) -> dict[str, Any]:
    return {"value": _number(value.value), "low": _number(value.low), "high": _number(value.high), "count": value.count}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
