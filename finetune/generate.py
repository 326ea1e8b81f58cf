"""More examples for a skill, written by a language model or sampled from the examples that there are.

    wish = Wish(skill, count=50)
    with Journal(path) as journal:
        run = Run(wish, judge, journal)
        for answer in ask(questions(wish, examples, run), [endpoint], journal, check(wish)):
            run.take(answer.key, read(answer.text, wish))
            if run.complete:
                break
        append(target, run.kept())

Each question draws who speaks, how, how long and with which noise (`prompts/variety.txt`), and shows what exists. The
prompts are `prompts/generate.txt`, `generate_not.txt` (sentences that must not reach the skill) and
`generate_other.txt`. All that happens is in the journal before it counts, so a run can be killed and started again at
any moment: nothing is lost, and nothing comes twice.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.ask import Check, Question
from finetune.candidate import Candidate, Judge
from finetune.journal import Journal
from otto import signature
from otto.call import OTHER, Call, parse, write
from otto.config import Settings, bundled
from otto.errors import CallSyntaxError, OttoError, SchemaError
from otto.example import Example
from otto.examples import file as examplefile
from otto.examples.correction import examples_file
from otto.prompt import Message, listing, prompt
from otto.registry.snapshot import Registered
from otto.skill import Parameter, Skill
from otto.values import TYPES

A_QUESTION = 8
"""Sentences asked for at a time."""
STALE = 8
"""Answers in a row without a single usable sentence, after which a run ends."""
_SHOWN = 12
_PLACEHOLDER = re.compile(r"\{(count|skills?|who|tone|length|noise|examples)\}")
_HEADING = re.compile(r"^#### (\w+):\n", re.MULTILINE)

Verdict = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be generated."""

    skill: Skill
    count: int
    negative: bool = False
    """Sentences that must not reach the skill, for `#### Not:`."""
    seed: int = 0

    @property
    def plain(self) -> bool:
        """Whether sentences alone are asked for: what they mean is known."""
        return self.negative or self.skill.name == OTHER


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate in the run."""

    key: str
    """Of the answer that it stood in."""
    place: int
    """In that answer."""
    candidate: Candidate
    why: str = ""
    """It was refused; empty: accepted."""


class Run:
    """What came of the answers so far; begins with what the journal knows."""

    def __init__(self, wish: Wish, judge: Judge, journal: Journal) -> None:
        self.wish = wish
        self.accepted: list[Judged] = []
        self.refused: Counter[str] = Counter()
        """How many for which reason."""
        self._judge = judge
        self._journal = journal
        self._seen: set[tuple[str, int]] = set()
        self._reviewed: dict[tuple[str, int], tuple[Verdict, Candidate]] = {}
        for entry in journal.entries:
            if entry.get("kind") == "checked":
                self._count(Judged(entry["key"], entry["place"], _candidate(entry), entry["why"]))
            elif entry.get("kind") == "review":
                self._reviewed[entry["key"], entry["place"]] = (entry["verdict"], _candidate(entry))

    @property
    def complete(self) -> bool:
        return len(self.accepted) >= self.wish.count

    @property
    def open(self) -> list[Judged]:
        """Accepted ones that nobody has looked at."""
        return [each for each in self.accepted if (each.key, each.place) not in self._reviewed]

    def knows(self, key: str) -> bool:
        """Whether something of that answer was judged."""
        return (key, 0) in self._seen

    def take(self, key: str, candidates: Sequence[Candidate]) -> int:
        """Judges what an answer holds, as far as it was not, until there is enough; how many were accepted."""
        before = len(self.accepted)
        for place, candidate in enumerate(candidates):
            if self.complete:
                break
            if (key, place) not in self._seen:
                judged = Judged(key, place, candidate, self._judge.objection(candidate))
                self._journal.add(
                    {"kind": "checked", "key": key, "place": place, **_entry(candidate), "why": judged.why}
                )
                self._count(judged)
        return len(self.accepted) - before

    def review(self, judged: Judged, verdict: Verdict, candidate: Candidate | None = None) -> None:
        """What a person says to it; `candidate`: as they changed it."""
        kept = candidate or judged.candidate
        entry = {"kind": "review", "key": judged.key, "place": judged.place, "verdict": verdict, **_entry(kept)}
        self._journal.add(entry)
        self._reviewed[judged.key, judged.place] = (verdict, kept)

    def objection(self, candidate: Candidate) -> str:
        """What is wrong with one that a person has changed."""
        return self._judge.fault(candidate)

    def kept(self, *, unseen: bool = True) -> list[Candidate]:
        """Those to be written. `unseen`: with those that nobody has looked at."""
        found = []
        for each in self.accepted:
            verdict, candidate = self._reviewed.get(
                (each.key, each.place), ("keep" if unseen else "drop", each.candidate)
            )
            if verdict == "keep":
                found.append(candidate)
        return found

    def _count(self, judged: Judged) -> None:
        self._seen.add((judged.key, judged.place))
        if judged.why:
            self.refused[judged.why.partition(":")[0]] += 1
        else:
            self.accepted.append(judged)
            self._judge.admit(judged.candidate)


def questions(
    wish: Wish, examples: Sequence[Example], skills: Iterable[Skill], run: Run | None = None
) -> Iterator[Question]:
    """Questions without end, each drawn by its number. `run`: what it accepted last is shown, too."""
    name = "generate_not" if wish.negative else "generate_other" if wish.skill.name == OTHER else "generate"
    template, several, everything = prompt(name), variety(), listing(skills)
    number = 0
    while True:
        chance = random.Random(f"{wish.seed} {number}")  # noqa: S311  (reproducible, no secret)
        shown = [f"- {each.text}" for each in chance.sample(list(examples), min(_SHOWN, len(examples)))]
        shown += [f"- {each.candidate.text}" for each in (run.accepted if run else [])[-_SHOWN:]]
        filled = {
            "count": str(A_QUESTION),
            "skill": f"{signature.write(wish.skill)} {wish.skill.description}".rstrip(),
            "skills": everything,
            "examples": "\n".join(shown) or "- (none yet)",
            **{kind: chance.choice(choices) for kind, choices in several.items()},
        }
        text = _PLACEHOLDER.sub(lambda found, filled=filled: filled[found[1]], template)  # type: ignore[misc]
        yield Question(str(number), (Message("user", text),), schema(wish))
        number += 1


def variety(name: str = "variety") -> dict[str, list[str]]:
    """Who may speak, how, how long, and with which noise: the lists of a file of `prompts/`."""
    parts = _HEADING.split(prompt(name) + "\n")[1:]
    return {name.lower(): body.strip().split("\n") for name, body in zip(parts[::2], parts[1::2], strict=True)}


def schema(wish: Wish) -> dict[str, object]:
    """JSON Schema of an answer, as strict servers want it: every property required, optional ones nullable."""
    properties: dict[str, object] = {"sentence": {"type": "string"}}
    if not wish.plain:
        properties["arguments"] = _closed({each.name: _argument(each) for each in wish.skill.parameters})
    return _closed({"examples": {"type": "array", "items": _closed(properties)}})


def check(wish: Wish) -> Check:
    """For `ask`: whether an answer keeps the schema, as far as it matters."""

    def fits(question: Question, text: str) -> str:
        try:
            read(text, wish)
        except (ValueError, CallSyntaxError) as error:
            return str(error)
        return ""

    return fits


def read(text: str, wish: Wish) -> list[Candidate]:
    """The candidates in an answer. Raises `ValueError` for what is no such answer, `CallSyntaxError` for values that no
    call can hold."""
    content = json.loads(text)
    rows = content.get("examples") if isinstance(content, Mapping) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('expected {"examples": [...]}')
    found = []
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("sentence"), str):
            raise ValueError("expected a sentence in every example")
        sentence = " ".join(row["sentence"].split())
        arguments = {} if wish.plain else row.get("arguments") or {}
        if not isinstance(arguments, Mapping):
            raise ValueError("expected an object of arguments in every example")
        found.append(Candidate(sentence, (_call(wish, arguments),)))
    return found


def sampled(
    wish: Wish, skills: Mapping[str, Skill], examples: Sequence[Example]
) -> Iterator[tuple[str, list[Candidate]]]:
    """Answers without a model: sentences sampled from the structure of the skill's own examples (`sample.py`)."""
    from finetune.sample import Sampler

    if wish.negative:
        raise OttoError("--offline writes no sentences for `#### Not:`: nothing in the examples tells how; ask a model")
    rows = Sampler(skills, examples, seed=wish.seed).of_skill(wish.skill.name)
    for number, row in enumerate(rows):
        yield f"sample {number}", [Candidate(row.text, row.calls)]


def target(entry: Registered, settings: Settings, file: Path | None = None) -> Path:
    """The example file that a skill's new examples belong to: the user's own, never a bundled one."""
    if file is not None:
        return file
    own = [path for path in entry.files if path.suffix == ".txt" and not path.is_relative_to(bundled("examples"))]
    return own[-1] if own else examples_file(settings, [Call(entry.skill.name)])


def append(path: Path, candidates: Iterable[Candidate]) -> tuple[int, list[str]]:
    """Adds them to an example file, all or nothing; what stands there already stays as it is.

    Returns how many are new, and why any were refused. Raises `OttoError` where it cannot be written.
    """
    file = examplefile.read(path) if path.exists() else examplefile.read_text("#### Examples:\n", path)
    if path.exists() and file.broken:
        raise OttoError(f"{path}: {file.problems[0].message}")
    new, refused = 0, []
    for candidate in candidates:
        known = file.find(candidate.text)
        try:
            file = file.with_example(Example(candidate.text, candidate.calls))
        except SchemaError as error:
            refused.append(str(error))
        else:
            new += known is None
    try:
        if new:
            file.save()
    except OSError as error:
        raise OttoError(f"{path}: cannot be written: {error.strerror}") from error
    return new, refused


def _closed(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _argument(parameter: Parameter) -> dict[str, object]:
    value: dict[str, object] = {"type": TYPES[parameter.type].schema["type"]}
    if parameter.limits.choices:
        value["enum"] = list(parameter.limits.choices)
    if parameter.repeats:
        value = {"type": "array", "items": value}
    return value if parameter.required else {"anyOf": [value, {"type": "null"}]}


def _call(wish: Wish, arguments: Mapping[str, Any]) -> Call:
    """The call, arguments in schema order; those that say nothing are left out."""
    if wish.plain:
        return Call(OTHER)
    ordered = [each.name for each in wish.skill.parameters if each.name in arguments]
    ordered += [str(name) for name in arguments if name not in ordered]
    given: dict[str, Any] = {}
    for name in ordered:
        value = arguments[name]
        items = value if isinstance(value, list) else [value]
        if any(isinstance(each, (list, Mapping)) for each in items):
            raise ValueError(f"the argument {name} must be a plain value")
        value = tuple(items) if isinstance(value, list) else value.strip() if isinstance(value, str) else value
        if value not in (None, "", ()):
            given[name] = value
    return Call(wish.skill.name, given)


def _entry(candidate: Candidate) -> dict[str, str]:
    return {"text": candidate.text, "call": write(candidate.calls)}


def _candidate(entry: Mapping[str, Any]) -> Candidate:
    return Candidate(entry["text"], parse(entry["call"], max_length=None))
