"""Judging: answers of one or more models, by rubric, in pairs, by relevancy, faithfulness and self-consistency.

    judgement = judge([read(Path("before.jsonl")), read(Path("after.jsonl"))], judges, journal)
    judgement.rubric["judge"]["after"]["relevance"]
    judgement.pairs[0].standing.share

Judges are endpoints, a local one as well as any other. Everything that they say is in the journal before it counts, so
that a run that was ended goes on, and the same answers are never judged twice. A verdict that cannot be read is asked
for again; one that stays unreadable counts as missing, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from finetune import consistency, faithfulness, pairwise, relevancy, rubric
from finetune.agreement import kappa
from finetune.ask import Endpoint, Question, Spent, answered, ask, spent
from finetune.interval import Interval, bootstrap
from finetune.item import Candidate, Item, shared
from finetune.journal import Journal
from finetune.reference import Figures, figures
from finetune.workers import HERE, Workers
from otto.errors import OttoError

if TYPE_CHECKING:
    from otto.encoder import Encoder

KINDS = ("rubric", "pairs", "relevancy", "faithfulness", "consistency")
Told = Callable[[str, float], None]

_READ: Mapping[str, Callable[[str], object]] = {
    "rubric": rubric.read, "pair": pairwise.read, "relevancy": relevancy.read, "faithfulness": faithfulness.read,
    "consistency": consistency.read,
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two models, by one judge."""

    judge: str
    one: str
    other: str
    choices: Mapping[str, tuple[pairwise.Choice, pairwise.Choice]]
    """By question: with the first model's answer standing first, and second."""

    @property
    def standing(self) -> pairwise.Standing:
        return pairwise.standing(list(self.choices.values()))


@dataclass(frozen=True)
class Agreement:
    """Two judges."""

    one: str
    other: str
    pairs: float
    """Cohen's kappa over outcomes of pairs; not a number where they have none in common."""
    scores: float
    """Quadratically weighted, over all scores by rubric."""


@dataclass(frozen=True)
class Flag:
    """A sentence that a person should look at."""

    candidate: str
    asked: str
    sentence: str
    inconsistency: float


@dataclass(frozen=True)
class Judgement:
    """All that came of it."""

    candidates: Sequence[Candidate]
    questions: Sequence[str]
    """Keys of the questions that all have answered."""
    judges: Sequence[str]
    verdicts: Mapping[tuple[str, str], rubric.Verdict] = field(default_factory=dict)
    """By judge and the answer's key."""
    pairs: Sequence[Pair] = ()
    relevancy: Mapping[str, Interval] = field(default_factory=dict)
    """By candidate; the mean over all judges."""
    faithfulness: Mapping[str, Interval] = field(default_factory=dict)
    inconsistency: Mapping[str, Interval] = field(default_factory=dict)
    flags: Sequence[Flag] = ()
    agreements: Sequence[Agreement] = ()
    reference: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
    """By candidate and question."""
    missing: int = 0
    """Verdicts that no judge gave in a form that can be read."""
    spent: Spent = Spent()

    def scores(self, candidate: Candidate, criterion: str = "", judge: str = "") -> list[float]:
        """By rubric: of one criterion, else the mean of all; by one judge, else by all."""
        found = []
        for name in [judge] if judge else self.judges:
            for key in self.questions:
                if verdict := self.verdicts.get((name, candidate.items[key].key)):
                    found.append(float(verdict.scores[criterion]) if criterion else verdict.mean)
        return found

    def position(self, judge: str) -> pairwise.Position:
        """What the place of an answer did to a judge, over all pairs of models."""
        return pairwise.position([each for pair in self.pairs if pair.judge == judge for each in pair.choices.values()])


def judge(
    candidates: Sequence[Candidate],
    judges: Sequence[Endpoint],
    journal: Journal,
    *,
    kinds: Sequence[str] = KINDS,
    encoder: Encoder | None = None,
    told: Told = lambda what, share: None,
    workers: Workers = HERE,
) -> Judgement:
    """Judges the questions that all candidates have answered. Without an encoder there is no relevancy, and no semantic
    nearness among the reference figures. Raises `OttoError`."""
    if unknown := set(kinds) - set(KINDS):
        raise OttoError(f"--what {min(unknown)}: must be some of {', '.join(KINDS)}")
    keys = shared(candidates)
    wanted = list(_questions(candidates, keys, kinds if encoder else [each for each in kinds if each != "relevancy"]))
    for number, answer in enumerate(ask(iter(wanted), judges, journal, _fits, workers) if judges else (), 1):
        told("judging", number / max(1, len(wanted) * len(judges)))
        del answer
    heard = _Heard(journal, [each.label for each in judges])
    counted = _consistency(heard, candidates, keys) if "consistency" in kinds else ({}, [])
    return Judgement(
        candidates, keys, heard.judges,
        _rubric(heard, candidates, keys) if "rubric" in kinds else {},
        pairs := _pairs(heard, candidates, keys) if "pairs" in kinds else [],
        _relevancy(heard, candidates, keys, encoder) if encoder and "relevancy" in kinds else {},
        _faithfulness(heard, candidates, keys) if "faithfulness" in kinds else {},
        *counted,
        _agreements(heard, candidates, keys, pairs),
        {each.name: {key: figures(each.items[key].answer, each.items[key].reference, encoder) for key in keys}
         for each in candidates},
        sum(not heard.has(name, question.key) for name in heard.judges for question in wanted),
        spent(journal),
    )  # fmt: skip


def best(items: Sequence[Item], verdicts: Mapping[tuple[str, str], rubric.Verdict]) -> Item:
    """Of several answers to a question the one with the highest mean over all judges; of equals the shorter one, and of
    those never judged the first."""

    def worth(item: Item) -> tuple[float, int]:
        means = [verdict.mean for (_, key), verdict in verdicts.items() if key == item.key]
        return (sum(means) / len(means) if means else 0.0, -len(item.answer))

    return max(items, key=worth)


class _Heard:
    """What judges have said, read."""

    def __init__(self, journal: Journal, judges: Sequence[str]) -> None:
        self.judges = judges
        self._said = answered(journal)

    def has(self, judge: str, key: str) -> bool:
        return (key, judge) in self._said

    def verdict(self, judge: str, key: str) -> Any:
        """None where there is none."""
        answer = self._said.get((key, judge))
        return _READ[key.partition(" ")[0]](answer.text) if answer else None

    def each(self, key: str) -> list[Any]:
        """Of every judge who gave one."""
        return [found for judge in self.judges if (found := self.verdict(judge, key)) is not None]


def _fits(question: Question, text: str) -> str:
    try:
        _READ[question.key.partition(" ")[0]](text)
    except ValueError as error:
        return str(error)
    return ""


def _questions(candidates: Sequence[Candidate], keys: Sequence[str], kinds: Sequence[str]) -> Iterator[Question]:
    """Each once: two models that say the same are judged together."""
    seen: set[str] = set()
    for question in _all(candidates, keys, kinds):
        if question.key not in seen:
            seen.add(question.key)
            yield question


def _all(candidates: Sequence[Candidate], keys: Sequence[str], kinds: Sequence[str]) -> Iterator[Question]:
    for key in keys:
        items = [each.items[key] for each in candidates]
        for item in items:
            if "rubric" in kinds:
                yield rubric.question(item)
            if "relevancy" in kinds:
                yield relevancy.question(item)
            if "faithfulness" in kinds and item.context:
                yield faithfulness.question(item)
            if "consistency" in kinds:
                yield from consistency.questions(item)
        if "pairs" in kinds:
            for one, other in combinations(items, 2):
                # Who says the same words is no better, and needs no judge to say so.
                yield from pairwise.questions(one, other) if one.answer != other.answer else ()


def _rubric(
    heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str]
) -> dict[tuple[str, str], rubric.Verdict]:
    items = [each.items[key] for each in candidates for key in keys]
    found = {(name, item.key): heard.verdict(name, f"rubric {item.key}") for name in heard.judges for item in items}
    return {place: verdict for place, verdict in found.items() if verdict}


def _pairs(heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str]) -> list[Pair]:
    found = []
    for name in heard.judges:
        for one, other in combinations(candidates, 2):
            choices: dict[str, tuple[pairwise.Choice, pairwise.Choice]] = {}
            for key in keys:
                mine, yours = one.items[key], other.items[key]
                if mine.answer == yours.answer:
                    choices[key] = ("tie", "tie")
                    continue
                both = [heard.verdict(name, each.key) for each in pairwise.questions(mine, yours)]
                if all(both):
                    choices[key] = (both[0].choice, both[1].choice)
            found.append(Pair(name, one.name, other.name, choices))
    return found


def _relevancy(
    heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str], encoder: Encoder
) -> dict[str, Interval]:
    found = {}
    for each in candidates:
        values = [
            relevancy.relevancy(each.items[key].asked, guessed, encoder)
            for key in keys
            for guessed in heard.each(f"relevancy {each.items[key].key}")
        ]
        if values:
            found[each.name] = bootstrap(values)
    return found


def _faithfulness(heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str]) -> dict[str, Interval]:
    found = {}
    for each in candidates:
        several = [
            faithfulness.faithfulness(claims)
            for key in keys
            for claims in heard.each(f"faithfulness {each.items[key].key}")
        ]
        if values := [value for value in several if value is not None]:
            found[each.name] = bootstrap(values)
    return found


def _consistency(
    heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str]
) -> tuple[dict[str, Interval], list[Flag]]:
    found, flags = {}, []
    for each in candidates:
        means = []
        for item in (each.items[key] for key in keys):
            said = consistency.sentences(item.answer)
            verdicts = [verdict for asked in consistency.questions(item) for verdict in heard.each(asked.key)]
            scores = consistency.inconsistency(verdicts, len(said))
            if scores:
                means.append(sum(scores) / len(scores))
            flags += [Flag(each.name, item.asked, said[place], scores[place]) for place in consistency.flagged(scores)]
        if means:
            found[each.name] = bootstrap(means)
    return found, sorted(flags, key=lambda flag: -flag.inconsistency)


def _agreements(
    heard: _Heard, candidates: Sequence[Candidate], keys: Sequence[str], pairs: Sequence[Pair]
) -> list[Agreement]:
    verdicts = _rubric(heard, candidates, keys)
    found = []
    for one, other in combinations(heard.judges, 2):
        mine, yours = ([pair for pair in pairs if pair.judge == name] for name in (one, other))
        common = [
            (pairwise.outcome(*left.choices[key]), pairwise.outcome(*right.choices[key]))
            for left, right in zip(mine, yours, strict=True)
            for key in left.choices.keys() & right.choices.keys()
        ]
        scores = [
            (verdicts[one, key].scores[name], verdicts[other, key].scores[name])
            for judge_name, key in verdicts
            if judge_name == one and (other, key) in verdicts
            for name in rubric.CRITERIA
        ]
        scale = range(rubric.LOW, rubric.HIGH + 1)
        found.append(
            Agreement(
                one, other,
                kappa([left for left, _ in common], [right for _, right in common]),
                kappa([left for left, _ in scores], [right for _, right in scores], scale),
            )
        )  # fmt: skip
    return found
