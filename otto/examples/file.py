"""Example files, `<name>_examples.txt`: all it takes to add a skill. Reader and writer; docs/skills.md has the format.

    file = read(Path("examples/lights_examples.txt"))      never raises: what is wrong stands in file.problems
    file.skills, file.examples, file.action
    str(file)                                              the text, byte for byte
    file.with_example(Example("lights on", parse('lights(state="on")'))).save()

A bad example is reported with file and line and left out; the rest counts. Values are checked as if it were always the
same noon, so that a file which is right today is right tomorrow.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

from otto import action as actions
from otto import signature
from otto.action import Action
from otto.call import OTHER, Call, write
from otto.errors import CallError, SchemaError, shorten
from otto.example import Example, Origin, Problem
from otto.examples.draft import draft, name_of
from otto.examples.layout import BOM, Layout, Section, Turn, insert, lay_out, remove, replace_answer
from otto.files import write_atomic
from otto.skill import OTHER_SKILL, Skill, same_calls

MAX_BYTES = 16_000_000
"""Larger files are something else."""
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""What counts as now while values in examples are checked."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An example that does not count."""

    line: int
    """Of its `User:`."""
    problem: Problem | None
    """None: the same example stands elsewhere in the file, which needs no words."""


@dataclass(frozen=True)
class ExampleFile:
    """An example file: its text, and what it found."""

    path: Path
    layout: Layout = Layout(())
    skills: tuple[Skill, ...] = ()
    """What it describes, nearly always one."""
    examples: tuple[Example, ...] = ()
    """In the order of the file; the sentences of `#### Not:` mean `other()`."""
    action: Action | None = None
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    """Whether more is wrong than single examples, so that an earlier version is better than this one."""
    guessed: bool = False
    """Whether it has no signature. Such a file adds its examples to those of an earlier file of the skill."""

    def __str__(self) -> str:
        return "".join(self.layout.lines)

    @cached_property
    def hash(self) -> str:
        """16 hex digits of the sha256 over the text."""
        return hashlib.sha256(str(self).encode(errors="surrogatepass")).hexdigest()[:16]

    def faults(self, schemas: Mapping[str, Skill] | None = None) -> tuple[Fault, ...]:
        """The examples that contradict a schema or each other.

        `schemas`: all skills that there are; they count more than what the file itself says, and a skill that is not
        among them does not exist. Without them the file's own are used and calls of other skills are taken on trust.
        """
        known = {OTHER: OTHER_SKILL} | {skill.name: skill for skill in self.skills} | dict(schemas or {})
        answers = {turn.line: turn.answer_line or turn.line for turn in self.layout.turns}
        faults: list[Fault] = []
        seen: dict[str, Example] = {}
        for example in self.examples:
            line = answers.get(example.origin.line, example.origin.line)
            if message := _unfit(example.calls, known, trusting=schemas is None):
                faults.append(Fault(example.origin.line, Problem(Origin(example.origin.file, line), message)))
                continue
            before = seen.setdefault(plain(example.text), example)
            if before is example:
                continue
            if not same_calls(before.calls, example.calls, known, NOON):
                message = f"the same sentence stands in line {before.origin.line} and means {write(before.calls)} there"
                faults.append(Fault(example.origin.line, Problem(Origin(example.origin.file, line), message)))
            elif before.text == example.text:
                double = before if example.in_prompt else example
                seen[plain(example.text)] = example if double is before else before
                faults.append(Fault(double.origin.line, None))
        return tuple(faults)

    def settled(self, faults: Iterable[Fault]) -> ExampleFile:
        """The file without these examples. What every remaining call of a skill gives is required."""
        left_out = {fault.line: fault.problem for fault in faults}
        examples = tuple(example for example in self.examples if example.origin.line not in left_out)
        skills = tuple(with_required(skill, examples) for skill in self.skills)
        problems = (*self.problems, *(problem for problem in left_out.values() if problem))
        in_order = tuple(sorted(problems, key=lambda problem: problem.origin.line))
        return replace(self, examples=examples, skills=skills, problems=in_order)

    def find(self, text: str) -> Turn | None:
        """Where a sentence stands, whatever its capitals and punctuation."""
        return next((turn for turn in self.layout.turns if plain(turn.text) == plain(text)), None)

    def with_example(self, example: Example) -> ExampleFile:
        """The file with this example at the end of its section; where the sentence stands already, with this meaning
        instead. Everything else keeps its place. Raises `SchemaError` when the file would refuse the example."""
        text = " ".join(example.text.split())
        rejected = all(call.name == OTHER for call in example.calls)
        own = OTHER in (name_of(self.path), *(skill.name for skill in self.skills))
        section: Section = "prompt examples" if example.in_prompt else "not" if rejected and not own else "examples"
        answer = "" if section == "not" else write(example.calls)
        turn = self.find(text)
        if turn is None:
            changed = insert(self.layout, section, text, answer)
        elif (turn.section == "not") == (section == "not"):
            changed = replace_answer(self.layout, turn, answer) if answer else str(self)
        else:
            changed = insert(lay_out(remove(self.layout, turn)), section, text, answer)
        file = read_text(changed, self.path)
        if not any(plain(each.text) == plain(text) and each.calls == example.calls for each in file.examples):
            before = {problem.message for problem in self.problems}
            news = next(
                (problem.message for problem in file.problems if problem.message not in before), "it is refused"
            )
            raise SchemaError(f"{shorten(text)!r} cannot be an example of {self.path.name}: {news}")
        return file

    def without_example(self, text: str) -> ExampleFile:
        """The file without a sentence; the same file when the sentence is not in it."""
        turn = self.find(text)
        return read_text(remove(self.layout, turn), self.path) if turn else self

    def save(self, path: Path | None = None) -> None:
        """Write it, all or nothing, to `path` or where it came from. Raises `OSError`."""
        target = path or self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, str(self))


def read(path: Path) -> ExampleFile:
    """The file at `path`. Never raises: a file that cannot be read is `broken`, with one problem."""
    file = unchecked(path)
    return file.settled(file.faults())


def read_text(text: str, path: Path) -> ExampleFile:
    """The file that has this text. `path` need not exist; its name counts where there is no prompt."""
    file = unchecked_text(text, path)
    return file.settled(file.faults())


def unchecked(path: Path, content: bytes | None = None) -> ExampleFile:
    """Like `read`, with examples that were not yet held against a schema and nothing required: `settled` follows."""
    try:
        text = (content_of(path) if content is None else content).decode()
    except UnicodeDecodeError as error:
        return _unreadable(path, f"is not UTF-8 text (at byte {error.start}): save it as UTF-8")
    except (OSError, SchemaError) as error:
        return _unreadable(path, str(error.strerror if isinstance(error, OSError) else error))
    return unchecked_text(text, path)


def content_of(path: Path) -> bytes:
    """The bytes of a file that can be an example file. Raises `SchemaError` for what is no such file, `OSError`."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise SchemaError("is a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise SchemaError("is not a regular file")
    if found.st_size > MAX_BYTES:
        raise SchemaError(f"is larger than {MAX_BYTES // 1_000_000} MB: this is no example file")
    return path.read_bytes()


def unchecked_text(text: str, path: Path) -> ExampleFile:
    """Like `unchecked`, from a text."""
    if not text.removeprefix(BOM).strip():
        return replace(_unreadable(path, "is empty"), layout=lay_out(text, str(path)))
    layout = lay_out(text, str(path))
    found = draft(layout, path)
    broken = found.broken or not found.skills
    return ExampleFile(path, layout, found.skills, found.examples, found.action, found.problems, broken, found.guessed)


def compose(skills: Sequence[Skill], examples: Iterable[Example], action: Action | None = None) -> str:
    """The text of a new example file: `read_text` gives these skills, examples and action back."""
    own = OTHER in (skill.name for skill in skills)
    in_prompt: list[str] = []
    plainly: list[str] = []
    refused: list[str] = []
    for example in examples:
        text = " ".join(example.text.split())
        if example.in_prompt:
            in_prompt += [f"### User: {text}", f"### Assistant: {write(example.calls)}", ""]
        elif not own and all(call.name == OTHER for call in example.calls):
            refused += [f"User: {text}"]
        else:
            plainly += [f"User: {text}", f"Assistant: {write(example.calls)}", ""]
    lines = ["#### Prompt:"]
    lines += [f"{signature.write(skill)} {' '.join(skill.description.split())}".rstrip() for skill in skills]
    lines += ["", "#### Prompt Examples:", "", *in_prompt] if in_prompt else [""]
    lines += ["#### Examples:", "", *plainly] if plainly else []
    lines += ["#### Action:", *actions.write(action), ""] if action else []
    lines += ["#### Not:", *refused] if refused else []
    return "\n".join(lines).rstrip("\n") + "\n"


@lru_cache(maxsize=16384)
def plain(text: str) -> str:
    """A sentence without what speech does not have: capitals, and punctuation at its ends."""
    return " ".join(text.casefold().split()).strip(" .,;:!?…\"'")


def _unreadable(path: Path, message: str) -> ExampleFile:
    return ExampleFile(path, problems=(Problem(Origin(str(path), 0), message),), broken=True)


def _unfit(calls: Sequence[Call], known: Mapping[str, Skill], *, trusting: bool) -> str:
    """Why these calls are not allowed; empty when they are."""
    for call in calls:
        skill = known.get(call.name)
        if skill is None:
            if trusting:
                continue
            return f"there is no skill {call.name!r}"
        try:
            skill.check(call, NOON)
        except CallError as error:
            return str(error)
    return ""


def with_required(skill: Skill, examples: Iterable[Example]) -> Skill:
    """The skill requiring what every call of it in these examples gives; nothing when there is none."""
    given = [call.arguments.keys() for example in examples for call in example.calls if call.name == skill.name]
    always = set.intersection(*map(set, given)) if given else set()
    parameters = tuple(replace(each, required=each.name in always) for each in skill.parameters)
    return replace(skill, parameters=parameters)
