"""From the files of all folders to one snapshot. Pure: it reads nothing.

Folders are layers. In a later layer
- an example file with a signature takes the place of earlier ones of that skill;
- an example file without a signature adds its examples to theirs (corrections are kept so);
- a Python file takes the place of earlier ones of that skill, and so does an example file with an action;
- a sentence means what the latest layer says it means, whatever the skill.

Two files in one folder that declare one skill are both refused, unless one of them was in use before. A Python file and
an example file of one skill belong together: `otto/registry/joined.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from otto import action as actions
from otto.action import Action
from otto.call import OTHER
from otto.example import Example, Origin, Problem
from otto.examples.file import ExampleFile, plain, with_required
from otto.examples.verdicts import Verdicts
from otto.registry.joined import contradictions, joined
from otto.registry.snapshot import PythonFunction, Registered, Snapshot
from otto.skill import OTHER_SKILL, Skill
from otto.worker.worker import Described

Owners = dict[tuple[int, str, str], Path]
"""Which file has a skill, by layer, kind of file and name."""


@dataclass(frozen=True)
class Layer:
    """One folder of example files and one of Python files."""

    examples: tuple[ExampleFile, ...] = ()
    python: tuple[Described, ...] = ()


@dataclass
class _Entry:
    """One skill while it is put together."""

    files: list[tuple[int, ExampleFile]] = field(default_factory=list)
    """(layer, file) from the first layer to the last."""
    python: Described | None = None
    depth: int = 0
    """The layer of `python`."""


def assemble(layers: Sequence[Layer], verdicts: Verdicts, owners: Owners) -> Snapshot:
    """The snapshot of these layers. `owners` says which files were in use before, and afterwards which ones are."""
    return _Assembly(verdicts, owners).snapshot(layers)


class _Assembly:
    def __init__(self, verdicts: Verdicts, owners: Owners) -> None:
        self.verdicts = verdicts
        self.owners = owners
        self.owned: Owners = {}
        self.problems: list[Problem] = []
        self.entries: dict[str, _Entry] = {OTHER: _Entry()}

    def snapshot(self, layers: Sequence[Layer]) -> Snapshot:
        for depth, layer in enumerate(layers):
            self._lay_python(depth, layer.python)
            self._lay_examples(depth, layer.examples)
        self.owners.clear()
        self.owners.update(self.owned)
        schemas = {name: self._schema(name, entry) for name, entry in self.entries.items()}
        used = {file.path: (depth, file) for entry in self.entries.values() for depth, file in entry.files}
        checked = [(depth, self._checked(file, schemas)) for depth, file in used.values()]
        examples = _sorted_out(checked)
        registered = {
            name: self._registered(name, schemas[name], entry, examples) for name, entry in self.entries.items()
        }
        whole = "".join(f"{name} {entry.hash}\n" for name, entry in sorted(registered.items()))
        return Snapshot(registered, tuple(self.problems), _hash(whole))

    def _lay_python(self, depth: int, described: Iterable[Described]) -> None:
        claims: dict[str, list[Described]] = {}
        for each in described:
            if each.problem:
                self.problems.append(each.problem)
            if each.skill:
                claims.setdefault(each.skill.name, []).append(each)
        for name, several in claims.items():
            if name == OTHER:
                self._problem(several[0].file, f"{OTHER!r} means that no skill applies and cannot be a skill")
            elif path := self._owner(depth, "python", name, [each.file for each in several]):
                entry = self.entries.setdefault(name, _Entry())
                entry.python = next(each for each in several if each.file == path)
                entry.depth = depth

    def _lay_examples(self, depth: int, files: Iterable[ExampleFile]) -> None:
        claims: dict[str, list[ExampleFile]] = {}
        for file in files:
            if not file.skills:
                self.problems.extend(file.problems)
            for skill in file.skills:
                claims.setdefault(skill.name, []).append(file)
        for name, several in claims.items():
            if path := self._owner(depth, "examples", name, [file.path for file in several]):
                self._lay(depth, name, next(file for file in several if file.path == path))

    def _lay(self, depth: int, name: str, file: ExampleFile) -> None:
        entry = self.entries.setdefault(name, _Entry())
        if not file.guessed:
            entry.files.clear()
        entry.files.append((depth, file))
        if file.action and entry.python:
            if entry.depth < depth:
                entry.python = None
            else:
                message = f"this action is not used: {entry.python.file} carries {name} out"
                self._warn(file, file.action.origin.line, message)

    def _owner(self, depth: int, kind: str, name: str, paths: Sequence[Path]) -> Path | None:
        """Which of the files that declare a skill in one folder has it; None when that cannot be said."""
        owner = paths[0] if len(paths) == 1 else self.owners.get((depth, kind, name))
        if owner not in paths:
            owner = None
        for path in paths if len(paths) > 1 else ():
            if path != owner:
                others = ", ".join(str(other) for other in paths if other != path)
                self._problem(path, f"the skill {name!r} is declared here and in {others}: remove or rename one")
        if owner:
            self.owned[depth, kind, name] = owner
        return owner

    def _schema(self, name: str, entry: _Entry) -> Skill:
        said = next((skill for _, file in entry.files for skill in file.skills if skill.name == name), None)
        if not entry.python or not entry.python.skill:
            return said or OTHER_SKILL
        if said is None:
            return entry.python.skill
        file = entry.files[0][1]
        if not file.guessed:
            line = file.layout.prompt[0][0] if file.layout.prompt else 0
            for message in contradictions(entry.python.skill, said):
                self._warn(file, line, f"{name}: {message} in {entry.python.file}, which counts")
        return joined(entry.python.skill, said)

    def _checked(self, file: ExampleFile, schemas: dict[str, Skill]) -> ExampleFile:
        settled = file.settled(self.verdicts.of(file, schemas))
        self.problems.extend(settled.problems)
        return settled

    def _registered(
        self, name: str, schema: Skill, entry: _Entry, examples: dict[Path, tuple[Example, ...]]
    ) -> Registered:
        own = [
            example
            for _, file in entry.files
            for example in examples[file.path]
            if _belongs(example, name, file.skills)
        ]
        python = entry.python
        if not python:
            schema = with_required(schema, own)
        function = PythonFunction(python.file, python.source, python.deadline, python.session) if python else None
        action: Action | None = None
        for _, file in entry.files:
            action = file.action or action
        files = (*(file.path for _, file in entry.files), *([python.file] if python else []))
        parts = [
            schema.hash,
            schema.risk,
            str(function and function.source),
            *(actions.write(action) if action else []),
        ]
        for _, file in entry.files:
            left_out = {each.origin.line for each in file.examples} - {each.origin.line for each in examples[file.path]}
            parts += [file.hash, str(sorted(left_out))]
        return Registered(schema, tuple(own), None if function else action, function, files, _hash("\n".join(parts)))

    def _problem(self, path: Path, message: str) -> None:
        self.problems.append(Problem(Origin(str(path), 0), message))

    def _warn(self, file: ExampleFile, line: int, message: str) -> None:
        self.problems.append(Problem(Origin(str(file.path), line), message, "warning"))


def _belongs(example: Example, name: str, skills: Sequence[Skill]) -> bool:
    """Whether an example is this skill's: in a file of several skills, the first of them that it calls."""
    if len(skills) == 1:
        return True
    names = {skill.name for skill in skills}
    return next((call.name for call in example.calls if call.name in names), skills[0].name) == name


def _sorted_out(files: Sequence[tuple[int, ExampleFile]]) -> dict[Path, tuple[Example, ...]]:
    """The examples of each file without those that a later layer, or another skill's example, overrules."""
    later = [(depth, file) for depth, file in files if depth and file.examples]
    refused = [(depth, file) for depth, file in files if any(_refusal(example, file) for example in file.examples)]
    kept = {file.path: file.examples for _, file in files}
    if not later and not refused:
        return kept
    meant: dict[str, tuple[int, Example]] = {}
    for depth, file in sorted(files, key=lambda pair: pair[0]):
        meant.update((plain(each.text), (depth, each)) for each in file.examples if not _refusal(each, file))
    for depth, file in refused:
        names = {skill.name for skill in file.skills}
        for example in file.examples:
            before = meant.get(text := plain(example.text))
            if _refusal(example, file) and before and before[0] < depth and before[1].calls[0].name in names:
                meant[text] = depth, example
    for depth, file in files:
        kept[file.path] = tuple(each for each in file.examples if not _overruled(each, depth, file, meant))
    return kept


def _overruled(example: Example, depth: int, file: ExampleFile, meant: dict[str, tuple[int, Example]]) -> bool:
    if not (found := meant.get(plain(example.text))):
        return False
    layer, winner = found
    return winner.calls != example.calls and (layer > depth or _refusal(example, file))


def _refusal(example: Example, file: ExampleFile) -> bool:
    """Whether it says that a sentence must not reach a skill, and not what it means."""
    return example.calls[0].name == OTHER and OTHER not in {skill.name for skill in file.skills}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
