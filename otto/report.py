"""How well Otto has understood, over time: from the history and what was said to be right or wrong in it.

    >>> periods = report(store.history.last(1000), by="week")
    >>> periods[-1].commands, periods[-1].corrected, periods[-1].right
    (42, 3, 0.93)
    >>> Path("otto.svg").write_text(svg(periods))

Nobody says of every command whether it was right, so two figures are told: how many were corrected, of all; and how
many were right, of those that somebody looked at (`otto fix`, or the page's review).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta, tzinfo
from typing import Literal

from otto.call import OTHER, parse
from otto.errors import CallSyntaxError
from otto.store import Entry

By = Literal["day", "week"]

WIDTH, HEIGHT, MARGIN = 720, 260, 44
"""Of the picture, in pixels."""


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a week."""

    begin: date
    commands: int = 0
    reviewed: int = 0
    """Commands of which somebody said what they should have meant."""
    corrected: int = 0
    """Of these, the ones that had been understood otherwise."""
    refused: int = 0
    """Commands that no skill was for."""
    failed: int = 0
    """Commands that were understood and not carried out."""
    route_ms: float = 0.0
    """Median time that understanding took."""

    @property
    def right(self) -> float | None:
        """Share of the reviewed ones that had been understood; None where none was."""
        return 1 - self.corrected / self.reviewed if self.reviewed else None

    def to_json(self) -> dict[str, object]:
        """What `otto report --json` prints."""
        return {**asdict(self), "begin": self.begin.isoformat(), "right": self.right}


def report(entries: Iterable[Entry], *, by: By = "week", zone: tzinfo | None = None) -> list[Period]:
    """One period after another, the oldest first, those without a command between them as well. `zone`: whose days;
    None: the system's."""
    groups: dict[date, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_begin(entry.at.astimezone(zone).date(), by), []).append(entry)
    if not groups:
        return []
    found, begin = [], min(groups)
    while begin <= max(groups):
        found.append(_period(begin, groups.get(begin, [])))
        begin += timedelta(days=7 if by == "week" else 1)
    return found


def svg(periods: Sequence[Period]) -> str:
    """A picture: a bar for the commands of each period, the corrected part of it darker, and the share that was right
    as a line. It needs nothing else to be shown, and suits light and dark pages."""
    most = max((period.commands for period in periods), default=0) or 1
    step = (WIDTH - 2 * MARGIN) / max(1, len(periods))
    floor, room = HEIGHT - MARGIN, HEIGHT - 2 * MARGIN
    parts: list[str] = []
    points: list[str] = []
    every = max(1, len(periods) // 8)
    for place, period in enumerate(periods):
        left, bar = MARGIN + place * step, step * 0.7
        for count, colour in ((period.commands, "#7aa7d6"), (period.corrected, "#c05621")):
            tall = room * count / most
            parts.append(
                f'<rect x="{left:.1f}" y="{floor - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}" fill="{colour}">'
                f"<title>{period.begin}: {period.commands} commands, {period.corrected} corrected</title></rect>"
            )
        if period.right is not None:
            points.append(f"{left + bar / 2:.1f},{floor - room * period.right:.1f}")
        if place % every == 0:
            parts.append(f'<text x="{left:.1f}" y="{floor + 16}">{period.begin:%d %b}</text>')
    line = f'<polyline points="{" ".join(points)}" fill="none" stroke="#2f855a" stroke-width="2"/>' if points else ""
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="3" fill="#2f855a"/>' for x, _, y in (p.partition(",") for p in points)
    )
    legend = (
        f'<text x="{MARGIN}" y="18">commands (most {most})</text>'
        f'<text x="{MARGIN + 190}" y="18" fill="#c05621">corrected</text>'
        f'<text x="{MARGIN + 290}" y="18" fill="#2f855a">share right of those reviewed (top: 100%)</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Commands and how many were understood">'
        f"<style>text{{font:12px sans-serif;fill:#777}}</style>{legend}"
        f'<path d="M{MARGIN} {floor}H{WIDTH - MARGIN}" stroke="#999"/>{"".join(parts)}{line}{dots}</svg>\n'
    )


def _begin(day: date, by: By) -> date:
    return day - timedelta(days=day.weekday()) if by == "week" else day


def _period(begin: date, entries: Sequence[Entry]) -> Period:
    reviewed = [entry for entry in entries if entry.correction]
    times = sorted(float(entry.timings_ms.get("route", 0.0)) for entry in entries)
    refused = [entry for entry in entries if _refused(entry.calls)]
    return Period(
        begin,
        commands=len(entries),
        reviewed=len(reviewed),
        corrected=sum(entry.correction != entry.calls for entry in reviewed),
        refused=len(refused),
        failed=sum(not entry.ok for entry in entries) - sum(not entry.ok for entry in refused),
        route_ms=round(times[len(times) // 2], 2) if times else 0.0,
    )


def _refused(calls: str) -> bool:
    try:
        return all(call.name == OTHER for call in parse(calls, max_length=None))
    except CallSyntaxError:  # an older Otto's
        return False
