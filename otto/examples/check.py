"""What `otto skills check` finds out: whether examples say what they claim, and whether skills can be told apart.

    >>> for problem in check(registry.snapshot, train): print(problem)
    examples/lights_examples.txt:12: nothing in 'lights on' says room="kitchen"
    examples/timers_examples.txt:8: 'set a timer' is taken for timer when it is left out (confidence 0.93)

An error is something that a person has to mend: the sentence and its call cannot both be right. A warning is something
that makes Otto guess.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from otto.call import OTHER, Argument, Call, write
from otto.evidence import supported
from otto.example import Example, Origin, Problem
from otto.examples.file import NOON, plain
from otto.progress import Progress
from otto.registry.snapshot import Registered, Snapshot
from otto.route import Context, Router
from otto.skill import OTHER_SKILL, Skill, same_calls
from otto.values.spoken import cardinal_at
from otto.values.words import words

Train = Callable[[Sequence[Skill], Sequence[Example], Sequence[Example], Progress], Router]
"""Makes a router that knows these skills by these examples; the others, which it must not learn, may tell it how sure
to be."""

ENOUGH = 10
"""Sentences from which on a skill is routed well."""
FOLDS = 4
"""Parts for cross-validation: each is routed by a router that was trained on the others."""
SHARE = 0.25
"""Share of a skill's sentences that another skill must take for the two to be indistinguishable."""
LEAST = 3
"""Sentences that it must take at least."""
LIKELY = 0.5
"""Confidence from which on it is worth telling that a sentence would reach another skill …"""
SURE = 0.8
"""… and that one which means no skill would reach one: there are many of these, and each stands for a kind."""

_WORD = re.compile(r"[\w']+")
_FILLERS = frozenset(
    ["a", "an", "the", "please", "can", "could", "would", "will", "you", "just", "hey", "ok", "okay", "otto", "thanks"]
)
_SLIPS = {"won": "1", "wan": "1", "to": "2", "too": "2", "tree": "3", "for": "4", "fore": "4", "sicks": "6", "ate": "8"}
"""Numbers as a speech recogniser hears them."""
_ALIKE = 75
"""How alike two words must be, of 100, to be the same word misheard."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """An example and the skill that it should reach."""

    example: Example
    skill: str


def check(
    snapshot: Snapshot,
    train: Train | None,
    *,
    files: Collection[Path] = (),
    now: datetime = NOON,
    progress: Progress = lambda what, share: None,
) -> tuple[Problem, ...]:
    """Everything that is wrong, by file and line. Without `train` no router is trained, which is what takes long.

    `files`: only what is wrong in these, and the fights of their skills with any other.
    """
    sentences = [
        _Sentence(example, example.calls[0].name) for entry in snapshot.skills.values() for example in entry.examples
    ]
    problems = [
        *snapshot.problems,
        *_unsupported(snapshot, now, progress),
        *_doubled(sentences, snapshot, now),
        *(problem for entry in snapshot.skills.values() for problem in _scarce(entry)),
    ]
    if files:
        named = set(map(str, files))
        problems = [problem for problem in problems if problem.origin.file in named]
    if train:
        own = {name for name, entry in snapshot.skills.items() if not files or set(files) & set(entry.files)}
        problems += _fights(sentences, snapshot, train, own, now, progress)
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.origin.file, problem.origin.line)))


def _unsupported(snapshot: Snapshot, now: datetime, progress: Progress) -> Iterator[Problem]:
    """Arguments that nothing in their sentence says: no router can learn where they come from."""
    for number, entry in enumerate(snapshot.skills.values()):
        progress("arguments", number / len(snapshot.skills))
        for example in entry.examples:
            for call in example.calls:
                skill = snapshot.skills[call.name].skill
                for name, argument in call.arguments.items():
                    parameter = skill.parameter(name)
                    if parameter and not supported(argument, parameter, example.text, now):
                        claim = str(Call(call.name, {name: argument})).partition("(")[2][:-1]
                        if _hinted(argument, example.text):
                            message = f"{example.text!r} does not quite say {claim}"
                            yield Problem(example.origin, message, "warning")
                        else:
                            yield Problem(example.origin, f"nothing in {example.text!r} says {claim}")


def _hinted(argument: Argument, text: str) -> bool:
    """Whether at least something in the sentence sounds like part of the argument: people write down what a speech
    recogniser makes of their words, and examples of that are good ones."""
    from rapidfuzz import fuzz

    said = _level(text)
    said |= {_SLIPS[word] for word in said if word in _SLIPS}
    values = argument if isinstance(argument, tuple) else (argument,)
    own = {word for value in values for word in _level(str(value)) if word not in _FILLERS}
    return any(word in said or any(fuzz.ratio(word, each) >= _ALIKE for each in said) for word in own)


def _level(text: str) -> set[str]:
    """The words of a text, numbers as digits too, wherever one may begin."""
    spoken = words(text)
    numbers = (cardinal_at(spoken, at) for at in range(len(spoken)))
    return {word for word in spoken if word.isalnum()} | {str(number[0]) for number in numbers if number}


def _doubled(sentences: Sequence[_Sentence], snapshot: Snapshot, now: datetime) -> Iterator[Problem]:
    """The same sentence, or nearly the same, for two skills."""
    skills = {name: entry.skill for name, entry in snapshot.skills.items()}
    seen: dict[tuple[str, ...], _Sentence] = {}
    for sentence in sentences:
        before = seen.setdefault(_key(sentence.example.text), sentence)
        one, other = before.example, sentence.example
        if before is sentence or one.origin == other.origin:
            continue
        if plain(one.text) == plain(other.text):
            if not same_calls(one.calls, other.calls, skills, now):
                yield Problem(other.origin, f"the same sentence means {write(one.calls)} in {one.origin}")
        elif before.skill != sentence.skill:
            message = f"{other.text!r} is nearly {one.text!r}, which means {before.skill} in {one.origin}"
            yield Problem(other.origin, message, "warning")


def _key(text: str) -> tuple[str, ...]:
    """A sentence without what does not change its meaning: order, capitals, punctuation, politeness."""
    said = _WORD.findall(text.casefold())
    return tuple(sorted(word for word in said if word not in _FILLERS)) or tuple(sorted(said))


def _scarce(entry: Registered) -> Iterator[Problem]:
    """What a skill has too few examples of, and whether it does anything."""
    skill = entry.skill
    if skill.name == OTHER or not entry.files:
        return
    origin = Origin(str(entry.files[0]), 0)
    calls = [call for example in entry.examples for call in example.calls if call.name == skill.name]
    if len(calls) < ENOUGH:
        count = f"{len(calls)} example{'' if len(calls) == 1 else 's'}" if calls else "no examples"
        yield Problem(origin, f"{skill.name} has {count}; {ENOUGH} to 30 different ones make it answer well", "warning")
    if calls:
        for parameter in skill.parameters:
            given = Counter(str(call.arguments[parameter.name]) for call in calls if parameter.name in call.arguments)
            if not given:
                yield Problem(origin, f"no example of {skill.name} gives {parameter.name}", "warning")
            elif missing := [choice for choice in parameter.limits.choices if choice not in given]:
                values = ", ".join(missing)
                yield Problem(origin, f"no example of {skill.name} has {parameter.name} {values}", "warning")
    if not entry.function and not entry.action:
        message = f"{skill.name} is understood and does nothing: add '#### Action:' or a Python file"
        yield Problem(origin, message, "warning")


def _fights(
    sentences: Sequence[_Sentence],
    snapshot: Snapshot,
    train: Train,
    own: Collection[str],
    now: datetime,
    progress: Progress,
) -> Iterator[Problem]:
    """Sentences that go to another skill when they are not learnt by heart. `own`: skills of which one is involved."""
    # Only the skills count here. Without parameters there is nothing else to be learnt, which takes most of the time.
    skills = [OTHER_SKILL, *(Skill(name, (), entry.skill.description) for name, entry in snapshot.skills.items())]
    taken: dict[tuple[str, str], list[_Sentence]] = defaultdict(list)
    folds = _folds(sentences)
    for number, fold in enumerate(folds):
        held_out = {id(sentence) for sentence in fold}
        known = [_without_arguments(each.example) for each in sentences if id(each) not in held_out]

        def told(what: str, share: float, number: int = number) -> None:
            progress("cross-validation", (number + 0.8 * share) / len(folds))

        router = train(skills, known, [_without_arguments(each.example) for each in fold], told)
        for place, sentence in enumerate(fold):
            if place % 50 == 0:
                told("routing", 1 + 0.25 * place / len(fold))
            route = router.route(sentence.example.text, Context(now))
            winner = route.calls[0].name
            if winner in (OTHER, sentence.skill) or not {winner, sentence.skill} & set(own):
                continue
            if sentence.skill != OTHER:
                taken[sentence.skill, winner].append(sentence)
            if route.confidence < (SURE if sentence.skill == OTHER else LIKELY):
                continue
            message = f"{sentence.example.text!r} is taken for {winner} when it is left out"
            yield Problem(sentence.example.origin, f"{message} (confidence {route.confidence:.2f})", "warning")
    counted = Counter(sentence.skill for sentence in sentences)
    for (skill, winner), lost in taken.items():
        if len(lost) >= max(LEAST, SHARE * counted[skill]):
            yield _indistinguishable(skill, winner, lost, counted[skill], snapshot)


def _without_arguments(example: Example) -> Example:
    return replace(example, calls=tuple(Call(call.name) for call in example.calls))


def _folds(sentences: Sequence[_Sentence]) -> list[list[_Sentence]]:
    """Parts with the same share of every skill. One sentence for several skills stays together: learnt for the one it
    would be held against the other."""
    together: dict[tuple[str, ...], list[_Sentence]] = defaultdict(list)
    for sentence in sentences:
        together[_key(sentence.example.text)].append(sentence)
    groups = list(together.values())
    random.Random(0).shuffle(groups)  # noqa: S311
    groups.sort(key=lambda group: group[0].skill)
    folds: list[list[_Sentence]] = [[] for _ in range(FOLDS)]
    for number, group in enumerate(groups):
        folds[number % FOLDS].extend(group)
    return [fold for fold in folds if fold]


def _indistinguishable(skill: str, winner: str, lost: Sequence[_Sentence], count: int, snapshot: Snapshot) -> Problem:
    examples = ", ".join(repr(sentence.example.text) for sentence in lost[:3])
    rival = next((str(path) for path in snapshot.skills[winner].files), winner)
    return Problem(
        Origin(lost[0].example.origin.file, 0),
        f"{skill} and {winner} fight over sentences: {len(lost)} of {count} are taken for {winner} ({rival}), such as "
        f"{examples}; make their examples differ, or list them under '#### Not:'",
    )
