"""What may be said, made from the skills: the language model and the pronouncing dictionary that Sphinx listens with.

>>> files = prepared(sentences(skills, examples), cache_folder)
>>> files.model, files.dictionary

The examples' sentences are taken with the values of their arguments as classes, so that what stands in one example is
heard in all of them; numbers below a hundred, weekdays and months are classes everywhere. A value of several words is
one word to the recogniser ("a_lot_of_milk"), so that three words in a row reach far. The files are kept in the cache
folder under the hash of all that went into them, and made anew when skills change.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from otto.audio.ngrams import MORE, Gram, Trigrams
from otto.audio.pronunciation import Pronunciations
from otto.audio.spokenform import cardinal, spoken
from otto.call import Call, Scalar
from otto.errors import ModelFileError
from otto.example import Example
from otto.files import write_atomic
from otto.skill import Parameter, Skill

VERSION = "1"
"""Counts up when the same skills would give other files."""
JOINT = "_"
"""Between the words of a value that is one word to the recogniser."""
MOST_WORDS = 6
"""Words of a value that can be one word."""
MOST_VALUES = 400
"""Values of a parameter that can be a class; longer lists stay single words."""
COMMON_SHARE = 0.1
"""Of the probability of single words, for words that no example holds, where a skill takes any text."""
COMMON = Path(__file__).parent.parent / "data" / "speech" / "common_words.txt"
ROUND = frozenset({*range(1, 13), *range(15, 100, 5)})
"""Numbers that people say more often than others."""
ADDRESSED, ALONE = 0.5, 0.02
"""How often a phrase is said before a command, and alone, for each command."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "february", "april", "june", "july", "august", "september", "october", "november", "december")
"""Without those that are other words, too."""


@dataclass(frozen=True)
class Sentences:
    """All that goes into a language model."""

    templates: Mapping[Gram, float]
    """Words and classes (`@skill.parameter`), and how often."""
    classes: Mapping[str, Mapping[str, float]]
    """Members are joined words."""
    open: bool = False
    """Whether a parameter takes any text, so that words may be said that no example holds."""

    @property
    def hash(self) -> str:
        """64 hex digits: equal sentences give equal files."""
        counts = sorted((" ".join(gram), weight) for gram, weight in self.templates.items())
        content = [VERSION, counts, self.classes, self.open]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LanguageFiles:
    """What a decoder is started with."""

    model: Path
    dictionary: Path


def sentences(skills: Sequence[Skill], examples: Sequence[Example], phrases: Iterable[str] = ()) -> Sentences:
    """The templates of all examples. `phrases` are said besides: before any command (the wake phrase), and alone."""
    known = {skill.name: skill for skill in skills}
    values = _values(known, examples)
    templates: Counter[Gram] = Counter()
    used: set[str] = set()
    for example in examples:
        gram = _template(example, known, values)
        if gram:
            templates[gram] += 1
            used.update(token for token in gram if token in values)
    for skill in skills:
        for parameter in skill.parameters:
            if (name := _class(skill, parameter)) in values and parameter.type == "choice" and name not in used:
                templates[(name,)] += 1  # a choice with words of its own that no example shows
                used.add(name)
    classes = {name: _shares(values[name]) for name in sorted(used)} | _everywhere(templates)
    return Sentences(_addressed(templates, phrases), classes, any(map(_takes_text, skills)))


def prepared(said: Sentences, folder: Path, without: Set[str] = frozenset()) -> LanguageFiles:
    """The files for these sentences, from `folder` or made now (a second or two). `without`: words that are left out,
    while all else stays as likely as it was. Raises `ModelFileError` without the dictionary, or when the folder cannot
    be written."""
    name = hashlib.sha256(f"{said.hash} {' '.join(sorted(without))}".encode()).hexdigest()[:32]
    files = LanguageFiles(folder / f"{name}.arpa", folder / f"{name}.dict")
    if files.model.is_file() and files.dictionary.is_file():
        return files
    model = Trigrams.of(said.templates, said.classes, common_words() if said.open else {}, COMMON_SHARE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(files.dictionary, dictionary(model.words - without))
        write_atomic(files.model, model.arpa(without))
    except OSError as error:
        raise ModelFileError(
            f"The language model for speech cannot be written to {folder} ({error.strerror}): make that folder "
            "writable, or set cache_folder in otto.toml"
        ) from error
    _forget_old(folder)
    return files


def dictionary(words: Iterable[str]) -> str:
    """A pronouncing dictionary of just these words, joined ones among them."""
    sounds = Pronunciations.english()
    lines = []
    for word in sorted(words):
        for number, phones in enumerate(sounds.of(tuple(word.split(JOINT))), 1):
            lines.append(f"{word}{f'({number})' if number > 1 else ''} {' '.join(phones)}\n")
    return "".join(lines)


@lru_cache(maxsize=1)
def common_words() -> dict[str, float]:
    """The most frequent words of English and how likely each is (`scripts/build_common_words.py` made the list)."""
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    counts = {word: int(count) for word, _, count in (line.partition(" ") for line in lines)}
    total = sum(counts.values())
    return {word: count / total for word, count in counts.items()}


def _forget_old(folder: Path, keep: int = 8) -> None:
    """Removes all but the newest language models."""
    for suffix in ("arpa", "dict"):
        for old in sorted(folder.glob(f"*.{suffix}"), key=lambda file: file.stat().st_mtime, reverse=True)[keep:]:
            with suppress(OSError):
                old.unlink()


def _class(skill: Skill, parameter: Parameter) -> str:
    return f"@{skill.name}.{parameter.name}"


def _takes_text(skill: Skill) -> bool:
    return any(parameter.type == "text" for parameter in skill.parameters)


def _values(skills: Mapping[str, Skill], examples: Sequence[Example]) -> dict[str, dict[Gram, float]]:
    """By class, the values that can stand in for one another, each as words, and how often the examples have it."""
    found: dict[str, dict[Gram, float]] = defaultdict(lambda: defaultdict(float))
    for skill in skills.values():
        for parameter in skill.parameters:
            for choice in parameter.limits.choices:
                found[_class(skill, parameter)][spoken(choice)] += 1
    for example in examples:
        text = f" {' '.join(spoken(example.text))} "
        for skill, parameter, value in _arguments(example.calls, skills):
            if (words := spoken(str(value))) and f" {' '.join(words)} " in text:
                found[_class(skill, parameter)][words] += 1
    return {name: dict(members) for name, members in found.items() if _is_class(members)}


def _is_class(members: Mapping[Gram, float]) -> bool:
    return len(members) <= MOST_VALUES and all(0 < len(words) <= MOST_WORDS for words in members)


def _arguments(calls: Sequence[Call], skills: Mapping[str, Skill]) -> list[tuple[Skill, Parameter, Scalar]]:
    found = []
    for call in calls:
        skill = skills.get(call.name)
        for name, argument in call.arguments.items():
            if skill and (parameter := skill.parameter(name)):
                values = argument if isinstance(argument, tuple) else (argument,)
                found += [(skill, parameter, value) for value in values]
    return found


def _template(example: Example, skills: Mapping[str, Skill], values: Mapping[str, Mapping[Gram, float]]) -> Gram:
    """The words of the sentence with values, numbers, weekdays and months as classes."""
    tokens = list(spoken(example.text))
    pairs = [
        (_class(skill, parameter), spoken(str(value)))
        for skill, parameter, value in _arguments(example.calls, skills)
        # What holds a number is better varied number by number: "ten minutes" stands for "eleven minutes", too.
        if parameter.type == "choice" or not any(word in _NUMBERS for word in spoken(str(value)))
    ]
    for name, words in sorted(pairs, key=lambda pair: -len(pair[1])):
        if words in values.get(name, ()):
            at = next((at for at in range(len(tokens)) if tuple(tokens[at : at + len(words)]) == words), None)
            if at is not None:
                tokens[at : at + len(words)] = [name]
    return _with_numbers(tokens)


def _with_numbers(tokens: Sequence[str]) -> Gram:
    found: list[str] = []
    at = 0
    while at < len(tokens):
        pair = JOINT.join(tokens[at : at + 2])
        width = 2 if pair in _NUMBERS else 1
        found.append(_EVERYWHERE.get(pair if width == 2 else tokens[at], tokens[at]))
        at += width
    return tuple(found)


def _everywhere(templates: Iterable[Gram]) -> dict[str, dict[str, float]]:
    """Those of the classes that are the same for all skills that are used."""
    seen = {token for gram in templates for token in gram}
    classes = {name: _shares({(word,): weight for word, weight in members.items()}) for name, members in _SAME.items()}
    return {name: members for name, members in classes.items() if name in seen}


def _shares(members: Mapping[Gram, float]) -> dict[str, float]:
    total = sum(members.values()) + len(members)
    return {JOINT.join(words): (count + 1) / total for words, count in sorted(members.items())}


def _addressed(templates: Mapping[Gram, float], phrases: Iterable[str]) -> dict[Gram, float]:
    """The templates, each phrase alone, and their beginnings after each phrase."""
    said: dict[Gram, float] = defaultdict(float, templates)
    beginnings: dict[Gram, float] = defaultdict(float)
    for gram, count in templates.items():
        beginnings[(*gram[:2], MORE) if len(gram) > 1 else gram] += count
    for phrase in map(spoken, phrases):
        said[phrase] += max(1.0, ALONE * sum(templates.values()))
        for gram, count in beginnings.items():
            said[(*phrase, *gram)] += ADDRESSED * count
    return dict(said)


_NUMBERS = {JOINT.join(cardinal(value)): 3.0 if value in ROUND else 1.0 for value in range(1, 100)}
_SAME: dict[str, dict[str, float]] = {
    "@number": _NUMBERS,
    "@weekday": dict.fromkeys(WEEKDAYS, 1.0),
    "@month": dict.fromkeys(MONTHS, 1.0),
}
_EVERYWHERE = {word: name for name, members in _SAME.items() for word in members}
