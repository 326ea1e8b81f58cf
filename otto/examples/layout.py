"""How the lines of an example file are laid out: sections, and the turns in them. Nothing here knows what a call is.

    #### Prompt:                 what the skill is
    #### Prompt Examples:        turns that also belong into a language model's prompt
    #### Examples:               turns
    #### Action:                 how it is carried out
    #### Not:                    sentences that must not reach the skill

A turn is `User: …` and `Assistant: …`, with or without `### ` before them; what follows without a blank line in between
continues it. Lines that begin with one or two `#`, or with five or more, are comments. Sections may be missing and come
in any order, also more than once. What stands before the first section is prompt until a turn begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from otto.errors import shorten
from otto.example import Origin, Problem

Section = Literal["", "prompt", "prompt examples", "examples", "action", "not", "unknown"]

TITLES: dict[str, Section] = {
    "prompt": "prompt",
    "prompt examples": "prompt examples",
    "examples": "examples",
    "action": "action",
    "not": "not",
}
"""Sections by title, in small letters."""

MAX_TURN = 4000
"""Characters in a sentence or in an answer over several lines: a longer one is no command."""
MAX_PROBLEMS = 200
"""Problems that are listed for one file: one with more is something else."""

BOM = "\ufeff"
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_TITLE = re.compile(r"####(?!#)[ \t]*([^:]*?)[ \t]*(?::[ \t]*(.*))?")
_SPEAKER = re.compile(r"(?:###[ \t]*)?(User|Assistant)[ \t]*:[ \t]*(.*)", re.IGNORECASE)
_MARKED = re.compile(r"###[ \t]*([A-Za-z]+)[ \t]*:.*")
_MISSPELT = re.compile(r"([A-Za-z]+)[ \t]*:[ \t]*[A-Za-z_][A-Za-z0-9_]*\(.*")


@dataclass(frozen=True, slots=True)
class Turn:
    """A sentence and what was written as the answer to it. Lines count from 1."""

    section: Section
    text: str
    """The sentence in one line, white space collapsed."""
    line: int
    """Of `User:`, or of `Assistant:` when there is no `User:`."""
    answer: str = ""
    """Lines joined by newlines."""
    answer_line: int = 0
    """Of `Assistant:`; 0 when there is none."""
    end: int = 0
    """The last line."""


@dataclass(frozen=True)
class Layout:
    """A file taken apart, with every line kept."""

    lines: tuple[str, ...]
    """With their line ends; joined they are the file."""
    turns: tuple[Turn, ...] = ()
    prompt: tuple[tuple[int, str], ...] = ()
    """(line, text) of what describes the skill."""
    action: tuple[tuple[int, str], ...] = ()
    """(line, text) of `#### Action:`, blank lines and comments included."""
    sections: tuple[tuple[int, Section], ...] = ()
    """(line, section), in order."""
    problems: tuple[Problem, ...] = ()

    @property
    def line_end(self) -> str:
        """As in the first line that has one."""
        first = self.lines[0] if self.lines else ""
        return next((end for end in ("\r\n", "\n", "\r") if first.endswith(end)), "\n")


def split(text: str) -> tuple[str, ...]:
    """The lines of a text with their line ends, whichever kind; joined they are the text again."""
    return tuple(_LINES.findall(text))


def lay_out(text: str, file: str = "") -> Layout:
    """The layout of a whole file. `file` is for messages."""
    return _Scanner(file).scan(split(text))


@dataclass
class _Scanner:
    file: str
    section: Section = ""
    open: Turn | None = None
    """The turn that the next line may continue."""
    turns: list[Turn] = field(default_factory=list)
    prompt: list[tuple[int, str]] = field(default_factory=list)
    action: list[tuple[int, str]] = field(default_factory=list)
    sections: list[tuple[int, Section]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    continues: bool = False
    """Whether the line before was part of a turn."""

    def scan(self, lines: tuple[str, ...]) -> Layout:
        for number, line in enumerate(lines, 1):
            text = (line.removeprefix(BOM) if number == 1 else line).strip()
            if not text:
                self.continues = False
                if self.section == "action":
                    self.action.append((number, ""))
            elif text[0] == "#":
                self._marked(number, text)
            elif self.section == "action":
                self.action.append((number, line.rstrip("\r\n")))
            elif self.section != "unknown":
                self._plain(number, text)
        self._close()
        parts = (self.turns, self.prompt, self.action, self.sections, self.problems)
        return Layout(lines, *map(tuple, parts))  # type: ignore[arg-type]

    def _marked(self, number: int, text: str) -> None:
        if found := _TITLE.fullmatch(text):
            self._title(number, found[1], found[2] or "")
        elif not text.startswith("###") or text.startswith("#####"):
            return
        elif found := _SPEAKER.fullmatch(text):
            self._spoken(number, found[1], found[2])
        elif (found := _MARKED.fullmatch(text)) and self.section != "unknown":
            self._problem(number, f"expected '### User:' or '### Assistant:', not {found[1]!r}")
            if self.open is not None and not self.open.answer_line:
                self.open = None
            self._close()

    def _title(self, number: int, title: str, rest: str) -> None:
        self._close()
        title = title.rstrip("# \t")
        self.section = TITLES.get(" ".join(title.lower().split()), "unknown")
        self.sections.append((number, self.section))
        if self.section == "unknown":
            known = ", ".join(known.title() for known in TITLES)
            self._problem(number, f"there is no section {shorten(title)!r}; known: {known}")
        elif rest and self.section == "action":
            self.action.append((number, rest))
        elif rest:
            self._plain(number, rest)

    def _plain(self, number: int, text: str) -> None:
        # Looking at the first letters spares most lines the pattern: a file has thousands of them.
        if text[0] in "UuAa" and (found := _SPEAKER.fullmatch(text)):
            self._spoken(number, found[1], found[2])
        elif self.section == "not":
            self._close()
            self.turns.append(Turn("not", " ".join(text.split()), number, end=number))
        elif self.continues and self.open is not None:
            self._continued(number, text)
        elif self.section == "prompt" or (not self.section and not self.turns and self.open is None):
            self.prompt.append((number, text))
        else:
            self._problem(number, f"expected 'User:' or 'Assistant:' before {shorten(text, 40)!r}")

    def _spoken(self, number: int, speaker: str, text: str) -> None:
        if self.section in ("unknown", "action"):
            if self.section == "action":
                self._problem(number, "examples do not belong into the action; begin a section '#### Examples:'")
            return
        if speaker[0] in "Uu":
            self._close()
            self.open = Turn(self.section, " ".join(text.split()), number, end=number)
        elif self.open is None or self.open.answer_line:
            self._close()
            self._problem(number, "this 'Assistant:' has no 'User:' before it")
            return
        else:
            begun = self.open
            self.open = Turn(begun.section, begun.text, begun.line, text, number, number)
        self.continues = True

    def _continued(self, number: int, text: str) -> None:
        turn = self.open
        assert turn is not None
        if len(turn.text) + len(turn.answer) + len(text) > MAX_TURN:
            self._problem(turn.line, f"this example is longer than {MAX_TURN:,} characters")
            self.open = None
            self.continues = False
        elif turn.answer_line:
            self.open = replace(turn, answer=f"{turn.answer}\n{text}", end=number)
        elif found := _MISSPELT.fullmatch(text):
            self._problem(number, f"expected 'Assistant:', not {found[1]!r}")
            self.open = None
            self.continues = False
        else:
            self.open = replace(turn, text=f"{turn.text} {' '.join(text.split())}".strip(), end=number)

    def _close(self) -> None:
        if self.open is not None:
            self.turns.append(self.open)
        self.open = None
        self.continues = False

    def _problem(self, line: int, message: str) -> None:
        if len(self.problems) == MAX_PROBLEMS:
            message = "there is more wrong from here on, which is not listed"
        if len(self.problems) <= MAX_PROBLEMS:
            self.problems.append(Problem(Origin(self.file, line), message))


def insert(layout: Layout, section: Section, text: str, answer: str) -> str:
    """The file with one more turn at the end of a section, which is begun where it is missing. An empty `answer`
    writes the sentence alone."""
    lines, end = list(layout.lines), layout.line_end
    like = next((turn for turn in reversed(layout.turns) if turn.section == section), None)
    at = _end_of(layout, section)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    new = _turn(lines, like or (layout.turns[-1] if layout.turns else None), text, answer)
    if at is None:
        new = [f"#### {section.title()}:", "", *new]
        at = len(lines)
    if at and lines[at - 1].strip():
        new = ["", *new]
    if at < len(lines) and lines[at].strip():
        new.append("")
    lines[at:at] = [line + end for line in new]
    return "".join(lines)


def replace_answer(layout: Layout, turn: Turn, answer: str) -> str:
    """The file with another answer in one of its turns; a sentence without an answer gets one."""
    lines, end = list(layout.lines), layout.line_end
    if not turn.answer_line:
        if not lines[turn.end - 1].endswith(("\n", "\r")):
            lines[turn.end - 1] += end
        lines[turn.end : turn.end] = [f"{_marks(lines[turn.line - 1])}Assistant: {answer}{end}"]
        return "".join(lines)
    first = lines[turn.answer_line - 1]
    head = first[: first.index(":") + 1]
    last = lines[turn.end - 1]
    comments = [line for line in lines[turn.answer_line : turn.end] if line.lstrip().startswith("#")]
    ending = last[len(last.rstrip("\r\n")) :] if not comments else end
    lines[turn.answer_line - 1 : turn.end] = [f"{head} {answer}{ending}", *comments]
    return "".join(lines)


def remove(layout: Layout, turn: Turn) -> str:
    """The file without one of its turns. Comments inside it stay, a blank line behind it goes."""
    lines = list(layout.lines)
    comments = [
        line
        for number, line in enumerate(lines[turn.line - 1 : turn.end], turn.line)
        if line.lstrip().startswith("#") and number not in (turn.line, turn.answer_line)
    ]
    end = turn.end + (not comments and turn.end < len(lines) and not lines[turn.end].strip())
    lines[turn.line - 1 : end] = comments
    return "".join(lines)


def _end_of(layout: Layout, section: Section) -> int | None:
    """Index of the line before which a turn of this section goes; None when there is no such section."""
    inside = [turn.end for turn in layout.turns if turn.section == section]
    titles = [line for line, name in layout.sections if name == section]
    if not inside and not titles:
        # A file without sections is all examples.
        bare = [turn.end for turn in layout.turns if not turn.section] if section == "examples" else []
        return bare[-1] if bare and not layout.sections else None
    return max(inside + titles)


def _turn(lines: list[str], like: Turn | None, text: str, answer: str) -> list[str]:
    marks = _marks(lines[like.line - 1]) if like else ""
    return [f"{marks}User: {text}", *([f"{marks}Assistant: {answer}"] if answer else [])]


def _marks(line: str) -> str:
    return "### " if line.removeprefix(BOM).lstrip().startswith("###") else ""
