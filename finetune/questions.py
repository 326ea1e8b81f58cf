"""Question sets: from an outline of topics, from a document, from people.

    run = Run(wanted(points(outline), 5), Journal(path))
    for answer in ask(run.questions(), [endpoint], journal, fits): run.take(answer)
    write_atomic(output, lines(run.kept))

    rows, dropped = from_people(Path("form.csv"))
    train, test = parted(sections, 0.2)

A set is JSONL with the columns `question`, `topic` and `source`, of a document also `section` and `context` (its text).
Of a document whole sections are for training or for the test, so that no test question is about what was trained on.
What people wrote is cleaned: greetings, names that stand in other columns, addresses and numbers are taken out, and
questions that are nearly the same count once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from finetune.ask import Answer, Question
from finetune.duplicates import NEAR, Index, normalised
from finetune.generate import variety
from finetune.scan import redacted, scan
from finetune.shapes import DataError, dumps
from finetune.sources import Dropped
from otto.example import Origin
from otto.library.sections import Section
from otto.prompt import Message, prompt

LONGEST_WORDS = 80
LEAST_WORDS = 3
SHOWN = 8
"""Questions that exist already, in the prompt."""
SECTION_CHARACTERS = 6000
"""Of a section, in the prompt; the rest is left out."""
SHORT_SECTION_WORDS = 30
"""A section with less to say is asked nothing."""
_HEADING = re.compile(r"^##\s+(.+?)\s*$")
_ITEM = re.compile(r"^\s*[-*+]\s+(.+?)\s*$")
_PLACE = re.compile(r"\{(count|topic|about|who|tone|known|title|text)\}")
_GREETING = re.compile(
    r"^\s*(?:(?:hi|hello|hey|dear|good (?:morning|day|evening))\b[^.!?\n]{0,40}?[,!.\n]\s*)+", re.IGNORECASE
)
_NAME = re.compile(
    r"(?i:\b(?:my name is|i am called|this is))\s+[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)?\s*(?:[.,;!]|and\b|here\b)?\s*"
)
_CLOSING = re.compile(
    r"(?is)[\s,.!]*\b(?:thanks?(?: you)?(?: very much| a lot| in advance)?|(?:best|kind|many)?\s*regards|cheers"
    r"|best wishes)"
    r"\b[\s,.!]*(?-i:[A-Z][\w'’.-]+[\s,.!]*){0,3}$"
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_PERSONAL = re.compile(r"name|mail|phone|telefon|address|adresse|contact|kontakt|city|ort\b", re.IGNORECASE)
_QUESTION = re.compile(r"question|frage|ask|anliegen", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a set."""

    text: str
    topic: str = ""
    source: str = ""
    section: str = ""
    """Title of the section that it is about."""
    context: str = ""
    """The section's text."""

    def line(self) -> str:
        """As JSONL has it, with its end."""
        said = {"question": self.text, "topic": self.topic, "source": self.source, "section": self.section,
                "context": self.context}  # fmt: skip
        return dumps({name: value for name, value in said.items() if value}) + "\n"


@dataclass(frozen=True, slots=True)
class Point:
    """What several questions are wanted about."""

    topic: str
    about: str = ""
    """Of an outline."""
    section: Section | None = None
    """Of a document."""

    @property
    def key(self) -> str:
        """Its name in a journal."""
        text = f"{self.section.title}\0{self.section.text}" if self.section else self.about
        return hashlib.sha256(f"{self.topic}\0{text}".encode()).hexdigest()[:16]


@dataclass
class Run:
    """Questions written by a model, as they come."""

    points: Sequence[Point]
    each: int
    """Questions wanted about a point."""
    source: str
    seed: int = 0
    kept: list[Row] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._index = Index(threshold=NEAR)
        self._by_key = {point.key: point for point in self.points}

    def questions(self) -> Iterator[Question]:
        """What the model is asked, a point at a time."""
        for point in self.points:
            yield Question(point.key, (Message("user", self._prompt(point)),), SCHEMA)

    def take(self, answer: Answer) -> int:
        """Keeps the questions in an answer that are new, clear and without personal data; how many."""
        point, before = self._by_key[answer.key], len(self.kept)
        for text in read(answer.text)[: self.each]:
            if why := objection(text) or ("nearly the same was asked before" if self._index.near(text) else ""):
                self.dropped.append(why)
                continue
            self._index.add(text)
            section = point.section
            self.kept.append(
                Row(text, point.topic, self.source, section.title if section else "", section.text if section else "")
            )
        return len(self.kept) - before

    def _prompt(self, point: Point) -> str:
        chance = random.Random(f"{self.seed} {point.key}")  # noqa: S311  (reproducible, no secret)
        draws = {name: chance.choice(choices) for name, choices in variety("askers").items()}
        known = [f"- {row.text}" for row in self.kept if row.topic == point.topic][-SHOWN:]
        section = point.section
        filled = {
            "count": str(self.each), "topic": point.topic, "about": point.about,
            "known": "\n".join(known) or "- (none)",
            "title": section.title if section else "", "text": section.text[:SECTION_CHARACTERS] if section else "",
            **draws,
        }  # fmt: skip
        template = prompt("questions_document" if section else "questions")
        return _PLACE.sub(lambda found: filled[found[1]], template)


SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}


def points(outline: Path) -> list[Point]:
    """The points of an outline in Markdown: `## topic`, below it `- what about`. Raises `DataError`."""
    try:
        text = outline.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(outline), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    topic, found = "", []
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            topic = heading[1]
        elif (item := _ITEM.match(line)) and topic:
            found.append(Point(topic, item[1]))
    if not found:
        raise DataError(str(outline), "holds no outline: a topic is '## training', what about it '- long runs'")
    return found


def about(sections: Sequence[Section], topic: str) -> list[Point]:
    """The sections that say enough to be asked about."""
    return [Point(topic, section=each) for each in sections if len(each.text.split()) >= SHORT_SECTION_WORDS]


def parted(sections: Sequence[Section], share: float) -> tuple[list[Section], list[Section]]:
    """Sections for training, and for the test: about that share of them, one at least where there are two. Which ones
    depends on their text alone."""
    if not share or len(sections) < 2:
        return list(sections), []
    drawn = sorted(sections, key=lambda each: hashlib.sha256(f"{each.title}\0{each.text}".encode()).digest())
    count = min(len(sections) - 1, max(1, round(share * len(sections))))
    test = {each.place for each in drawn[:count]}
    return [each for each in sections if each.place not in test], [each for each in sections if each.place in test]


def offline(several: Sequence[Point], source: str) -> list[Row]:
    """A plain question about each point, without a model."""
    found = []
    for point in several:
        section = point.section
        text = (
            f"What should I know about {section.title.rpartition(' › ')[2]}?"
            if section
            else f"What should a runner know about this: {point.about}?"
        )
        found.append(Row(text, point.topic, source, section.title if section else "", section.text if section else ""))
    return found


def fits(question: Question, text: str) -> str:
    """For `ask`: what is wrong with an answer."""
    try:
        return "" if read(text) else "there is no question in it"
    except ValueError as error:
        return str(error)


def read(text: str) -> list[str]:
    """The questions in a model's answer. Raises `ValueError`."""
    content = json.loads(text)
    several = content.get("questions") if isinstance(content, Mapping) else None
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        raise ValueError('expected {"questions": ["…"]}')
    return [" ".join(each.split()) for each in several if each.strip()]


def objection(text: str) -> str:
    """Why a text is no question for a set; empty when it is one."""
    count = len(text.split())
    if not LEAST_WORDS <= count <= LONGEST_WORDS:
        return f"{count} words; {LEAST_WORDS} to {LONGEST_WORDS} make a question"
    if found := scan(text):
        return f"holds a {found[0].kind}"
    return "" if re.search(r"[a-zA-ZÀ-ÿ]{2}", text) else "holds no words"


def from_people(path: Path, column: str = "", topic: str = "", near: float = NEAR) -> tuple[list[Row], list[Dropped]]:
    """Questions of a form's CSV. `column`: which holds them; else the one whose name says so, else the wordiest.

    Raises `DataError` where the file is no table or has no such column.
    """
    table = _table(path)
    chosen = _column(path, table, column)
    index, kept, dropped = Index(threshold=near), [], []
    for number, line in enumerate(table, 2):
        origin, written = Origin(str(path), number), line.get(chosen) or ""
        personal = [value for name, value in line.items() if name != chosen and _PERSONAL.search(name or "") and value]
        text = cleaned(written, personal)
        if why := objection(text) or ("nearly the same was asked before" if index.near(text) else ""):
            dropped.append(Dropped(origin, why))
            continue
        index.add(text)
        said = next((value for name, value in line.items() if name and normalised(name) in ("topic", "thema")), topic)
        kept.append(Row(text, said or topic, "people"))
    return kept, dropped


def cleaned(text: str, personal: Sequence[str] = ()) -> str:
    """What somebody wrote, without greeting, closing, links, and what names a person. `personal`: values of the same
    person's other columns."""
    text = _NAME.sub("", _GREETING.sub("", _LINK.sub("", text)))
    for value in personal:
        for part in [value, *value.split()]:
            if len(part) > 2:
                text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "", text, flags=re.IGNORECASE)
    text = " ".join(redacted(_CLOSING.sub("", text)).split()).strip(" ,;")
    return text[:1].upper() + text[1:]


def lines(several: Sequence[Row]) -> str:
    """The content of a question set."""
    return "".join(row.line() for row in several)


def _table(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        found = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise DataError(str(path), f"is no table: {error}") from error
    if not found:
        raise DataError(str(path), "holds no row under its head")
    return found


def _column(path: Path, table: Sequence[Mapping[str, str]], wanted: str) -> str:
    names = [name for name in table[0] if name]
    if wanted:
        if wanted not in names:
            raise DataError(str(path), f"has no column {wanted!r}; it has: {', '.join(names)}")
        return wanted
    open_to_public = [name for name in names if not _PERSONAL.search(name)] or names
    named = [name for name in open_to_public if _QUESTION.search(name)]
    return max(named or open_to_public, key=lambda name: sum(len((row.get(name) or "").split()) for row in table))
