"""Reads documents: Markdown, plain text, HTML and PDF, as sections of text that know their heading or page.

>>> [section.text for section in read(Path("plan.md"))]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from otto.errors import OttoError

MOST_BYTES = 50_000_000
"""Largest file that is read."""
INSTALL = "pip install 'otto-assistant[library]'"
_MARKDOWN, _TEXT, _HTML, _PDF = (".md", ".markdown"), (".txt", ".text"), (".html", ".htm"), (".pdf",)
ENDINGS = (*_MARKDOWN, *_TEXT, *_HTML, *_PDF)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s*(?:```|~~~)")


class DocumentError(OttoError):
    """A document that cannot be read; the message names the file."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document."""

    text: str
    """Paragraphs with an empty line between them."""
    heading: str = ""
    page: int = 0
    """From 1; 0: it has none."""


def read(path: Path) -> list[Section]:
    """The sections of a file, empty ones left out. Raises `DocumentError`."""
    ending = path.suffix.lower()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DocumentError(f"{path}: is larger than {MOST_BYTES // 1_000_000} MB")
        if ending in _PDF:
            found = _pdf(path)
        else:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            found = list(
                _html(text) if ending in _HTML else _markdown(text) if ending in _MARKDOWN else [Section(text)]
            )
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from error
    return [section for section in found if section.text.strip()]


def _markdown(text: str) -> Iterator[Section]:
    heading, lines, fenced = "", list[str](), False
    for line in text.splitlines():
        fenced ^= bool(_FENCE.match(line))
        if not fenced and (found := _HEADING.match(line)):
            yield Section("\n".join(lines), heading)
            heading, lines = found[1], []
        else:
            lines.append(line)
    yield Section("\n".join(lines), heading)


def _html(text: str) -> Iterator[Section]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.section()
    yield from reader.sections


class _Reader(HTMLParser):
    """What a page shows, section by section."""

    _UNSEEN = frozenset(["script", "style", "head", "template", "noscript", "nav", "svg"])
    _HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
    _PARTS = frozenset(["p", "div", "li", "br"])
    _BLOCKS = _HEADINGS | _PARTS | {"tr", "section", "article", "table", "ul", "ol", "blockquote", "pre", "dt", "dd"}

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[Section] = []
        self._heading = ""
        self._said: list[str] = []
        self._title: list[str] | None = None
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._unseen += 1
        if tag in self._HEADINGS:
            self.section()
            self._title = []
        elif tag in self._BLOCKS:
            self._said.append("\n\n" if tag in self._PARTS else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag in self._HEADINGS and self._title is not None:
            self._heading, self._title = " ".join("".join(self._title).split()), None

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            (self._said if self._title is None else self._title).append(data)

    def section(self) -> None:
        """Ends the one that is being read."""
        paragraphs = (" ".join(part.split()) for part in "".join(self._said).split("\n\n"))
        self.sections.append(Section("\n\n".join(part for part in paragraphs if part), self._heading))
        self._said = []


def _pdf(path: Path) -> list[Section]:
    try:
        import pypdf
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise DocumentError(f"{path}: reading PDF needs a package that is not installed: {INSTALL}") from error
    try:
        with path.open("rb") as file:
            pages = pypdf.PdfReader(file).pages
            return [Section(page.extract_text(), page=number) for number, page in enumerate(pages, 1)]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # What pypdf raises for damaged files is not always its own.
        raise DocumentError(f"{path}: is no PDF that can be read ({type(error).__name__})") from error
