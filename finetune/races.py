"""Made-up races with feedback, for the task `feedback`: where there is no real data that may be used, or before it.

    python -m finetune.races 500 data/races.jsonl              500 rows, seed 0
    python -m finetune.races 500 data/races.jsonl 7            another seed

A race is eight runs of one kilometre, each before a station of strength. How it is made up:

- an athlete has a running pace (mean 5:05 min/km, standard deviation 40 s, 3:20 to 8:00), a strength (standard normal,
  about 30 % of it shared with the pace), and a fatigue (0 to 3.5 % a kilometre);
- a station takes its usual time (`STATIONS`), times 1 - 0.13 x strength, times luck (5 %); one of the eight is the
  athlete's weak one and takes 15 to 40 % longer;
- a run takes the pace, times 1 + fatigue x the kilometres before it, times luck (1.5 %); a quarter of all athletes run
  the first two 3 to 8 % too fast and pay for it in the last three;
- the prediction is what pace, strength and a fatigue of 1.5 % give without luck, weakness or a fast start;
- the cluster is the group of like athletes: `strong runner`, `strong on stations`, `all-rounder` or `developing`.

The feedback says what these figures show and nothing else: its sentences are chosen by what stands out (a station, the
drop in the last runs, a fast start), in several wordings. So a model can learn from it to name figures and to keep to
them; what training helps whom, it can only learn from real coaches.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from finetune.shapes import dumps
from otto.files import write_atomic

STATIONS = {
    "ski": 265, "sled push": 160, "sled pull": 240, "burpee jumps": 300,
    "row": 285, "carry": 125, "lunges": 270, "wall balls": 330,
}  # fmt: skip
"""Seconds that they usually take."""
INSTRUCTION = "Tell the athlete what this race shows and what to train."
_TRAIN = {
    "ski": ("intervals of two minutes on the ski machine", "pulling from the trunk instead of from the arms"),
    "sled push": ("heavy pushes over short distances", "front squats twice a week"),
    "sled pull": ("rows and dead lifts", "short heavy pulls with the legs doing the work"),
    "burpee jumps": ("sets of burpees at an even rhythm", "jumping less high and more often"),
    "row": ("steady rowing with a long drive of the legs", "short hard intervals on the rower"),
    "carry": ("long carries with heavy kettlebells", "grip strength at the end of a session"),
    "lunges": ("walking lunges with weight", "split squats, slowly"),
    "wall balls": ("sets of wall balls on tired legs", "deep squats with an even breath"),
}


@dataclass(frozen=True, slots=True)
class Race:
    """One athlete's; all times in seconds."""

    predicted: int
    runs: tuple[int, ...]
    stations: tuple[int, ...]
    usual: tuple[int, ...]
    """What athletes of the cluster take for each station."""
    cluster: str

    @property
    def actual(self) -> int:
        return sum(self.runs) + sum(self.stations)

    @property
    def context(self) -> str:
        """The figures as the model reads them."""
        lines = [
            f"Cluster: {self.cluster}",
            f"Predicted time: {clock(self.predicted)}",
            f"Actual time: {clock(self.actual)}",
            f"Difference: {clock(abs(self.actual - self.predicted))} {'slower' if self.late > 0 else 'faster'}",
            "Runs (1 km each): " + ", ".join(map(clock, self.runs)),
            "Stations (own time, usual in the cluster):",
        ]
        rows = zip(STATIONS, self.stations, self.usual, strict=True)
        return "\n".join([*lines, *(f"- {name}: {clock(own)}, {clock(usual)}" for name, own, usual in rows)])

    @property
    def late(self) -> int:
        """Behind the prediction; negative: ahead of it."""
        return self.actual - self.predicted


def races(seed: int = 0) -> Iterator[Race]:
    """Races without end."""
    chance = random.Random(seed)  # noqa: S311  (reproducible, no secret)
    while True:
        yield _race(chance)


def feedback(race: Race, chance: random.Random) -> str:
    """What the figures show."""
    parts = [_result(race, chance), _station(race, chance), _running(race, chance)]
    return " ".join(parts)


def rows(count: int, seed: int = 0) -> Iterator[dict[str, str]]:
    """Rows of the shape `instruction`."""
    chance = random.Random(f"feedback {seed}")  # noqa: S311
    for race, _ in zip(races(seed), range(count), strict=False):
        yield {
            "instruction": INSTRUCTION, "context": race.context, "response": feedback(race, chance), "source": "races"
        }  # fmt: skip


def clock(seconds: float) -> str:
    """4:05, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _race(chance: random.Random) -> Race:
    form = chance.gauss(0, 1)
    pace = min(480.0, max(200.0, 305 - 40 * form))
    strength = max(-2.5, min(2.5, 0.3 * form + 0.95 * chance.gauss(0, 1)))
    fatigue = chance.uniform(0, 0.035)
    fast = chance.random() < 0.25
    weak = chance.randrange(len(STATIONS))
    runs = []
    for kilometre in range(8):
        time = pace * (1 + fatigue * kilometre) * chance.gauss(1, 0.015)
        if fast:
            time *= 1 - chance.uniform(0.03, 0.08) if kilometre < 2 else 1 + 0.05 * (kilometre >= 5)
        runs.append(round(time))
    stations = []
    for place, usual in enumerate(STATIONS.values()):
        time = usual * (1 - 0.13 * strength) * chance.gauss(1, 0.05)
        stations.append(round(time * (chance.uniform(1.15, 1.4) if place == weak else 1)))
    expected = [usual * (1 - 0.13 * strength) for usual in STATIONS.values()]
    predicted = sum(pace * (1 + 0.015 * kilometre) for kilometre in range(8)) + sum(expected)
    return Race(round(predicted), tuple(runs), tuple(stations), tuple(map(round, expected)), _cluster(form, strength))


def _cluster(form: float, strength: float) -> str:
    if form < -0.3 and strength < -0.3:
        return "developing"
    if form - strength > 0.7:
        return "strong runner"
    return "strong on stations" if strength - form > 0.7 else "all-rounder"


def _result(race: Race, chance: random.Random) -> str:
    gap, actual, predicted = clock(abs(race.late)), clock(race.actual), clock(race.predicted)
    if abs(race.late) <= 30:
        return chance.choice((
            f"You finished in {actual}, almost exactly as predicted ({predicted}).",
            f"{actual}: you did what was to be expected of you, {predicted}.",
        ))  # fmt: skip
    if race.late < 0:
        return chance.choice((
            f"You finished in {actual}, {gap} faster than the predicted {predicted}: a strong race.",
            f"{actual} is {gap} better than predicted. Well done.",
        ))  # fmt: skip
    return chance.choice((
        f"You finished in {actual}, {gap} behind the predicted {predicted}.",
        f"{actual} is {gap} slower than the {predicted} that you were predicted, and the figures show where it went.",
    ))  # fmt: skip


def _station(race: Race, chance: random.Random) -> str:
    losses = [own - usual for own, usual in zip(race.stations, race.usual, strict=True)]
    place = max(range(len(losses)), key=lambda each: losses[each])
    name, lost = list(STATIONS)[place], losses[place]
    train = chance.choice(_TRAIN[name])
    if lost < 10:
        return "No station cost you time that others like you did not spend as well."
    own, usual = clock(race.stations[place]), clock(race.usual[place])
    return chance.choice((
        f"The most time went at the {name}: {own}, where athletes like you take {usual}. Train {train}.",
        f"Your {name} took {own}, {clock(lost)} longer than usual in your cluster ({usual}). What helps: {train}.",
    ))  # fmt: skip


def _running(race: Race, chance: random.Random) -> str:
    first, last, lost = clock(race.runs[0]), clock(race.runs[-1]), clock(abs(race.runs[-1] - race.runs[0]))
    if race.runs[-1] > 1.12 * race.runs[0]:
        return chance.choice((
            f"You ran the first kilometre in {first} and the last in {last}. Start more slowly next time.",
            f"Between your first run ({first}) and your last ({last}) lie {lost}: begin with less, "
            "and run long and easy once a week.",
        ))  # fmt: skip
    return chance.choice((
        f"Your running held: {first} at the start, {last} at the end. Keep that pacing.",
        f"From {first} to {last} you ran evenly, which is worth keeping next time.",
    ))  # fmt: skip


def main(arguments: list[str]) -> int:
    """`python -m finetune.races COUNT FILE [SEED]`; the exit code."""
    try:
        count, path, seed = int(arguments[0]), Path(arguments[1]), int((arguments[2:] or ["0"])[0])
    except (IndexError, ValueError):
        print("python -m finetune.races COUNT FILE [SEED]", file=sys.stderr)
        return 2
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, "".join(f"{dumps(row)}\n" for row in rows(count, seed)))
    print(f"{count} races in {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
