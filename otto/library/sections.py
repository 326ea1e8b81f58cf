"""The sections of a document: PDF, Markdown, HTML or plain text, cut where their authors did.

    sections = read(Path("guide.pdf"))          by the PDF's outline where it has one, else by pages
    sections = read(Path("guide.md"))           by headings
    sections[3].title, sections[3].text, sections[3].place

Text only: no script is run, no picture is read, nothing is fetched. PDF needs pypdf.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

from otto.errors import ConfigError, OttoError

By = Literal["sections", "pages"]
_HTML = (".html", ".htm", ".xhtml")
LARGEST_BYTES = 100_000_000
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_BROKEN_WORD = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")
_SILENT = frozenset(["script", "style", "head", "nav", "template", "noscript", "svg", "footer"])
_BLOCKS = frozenset(
    ["p", "div", "li", "ul", "ol", "tr", "table", "br", "section", "article", "pre", "blockquote", "dt", "dd"]
)
_DEEPEST = 500
_MARK = "\x01"
"""Before a heading of HTML, as often as its level says."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a document."""

    title: str
    """With the titles above it: `Recovery › Sleep`; of a page `page 7`."""
    text: str
    place: int
    """From 0, in reading order."""


def read(path: Path, by: By = "sections") -> list[Section]:
    """The sections that hold text. `by="pages"`: of a PDF its pages, whatever its outline says.

    Raises `OttoError` where the file cannot be read or holds no text (a scan), `ConfigError` where pypdf is missing.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise OttoError(f"{path}: more than {LARGEST_BYTES // 1_000_000} MB; cut it into parts")
        if path.suffix.lower() == ".pdf":
            parts = _pdf(path, by)
        else:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            parts = list(_cut(_html(text) if path.suffix.lower() in _HTML else _markdown(text)))
    except OSError as error:
        raise OttoError(f"{path}: cannot be read: {error.strerror}") from error
    kept = [(title, body) for title, text in parts if (body := _tidy(text))]
    if not kept:
        raise OttoError(f"{path}: holds no text; a scanned document needs text recognition first")
    return [Section(title or path.stem, body, place) for place, (title, body) in enumerate(kept)]


def _cut(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """(titles, text) from lines with their level: 1 to 6 for headings, 0 for text."""
    titles: list[str] = []
    body: list[str] = []
    for level, line in lines:
        if level:
            yield " › ".join(filter(None, titles)), "\n".join(body)
            titles, body = [*(titles + [""] * level)[: level - 1], line], []
        else:
            body.append(line)
    yield " › ".join(filter(None, titles)), "\n".join(body)


def _markdown(text: str) -> Iterator[tuple[int, str]]:
    fenced, lines = False, text.splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading:
            yield len(heading[1]), heading[2]
        elif not fenced and line.strip() and not _UNDERLINE.match(line) and _UNDERLINE.match(after):
            yield 1 if after.strip()[0] == "=" else 2, line.strip()
        elif fenced or not _UNDERLINE.match(line):
            yield 0, line


def _html(text: str) -> Iterator[tuple[int, str]]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    for line in "".join(reader.written).split("\n"):
        marks = len(line) - len(line.lstrip(_MARK))
        yield marks, line[marks:].strip()


class _Reader(HTMLParser):
    """Writes the text, a block a line, headings behind their marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT and len(self._silent) < _DEEPEST:
            self._silent.append(tag)
        elif re.fullmatch("h[1-6]", tag):
            self.written.append(f"\n\n{_MARK * int(tag[1])}")
        elif tag in _BLOCKS:
            self.written.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass
        elif tag in _BLOCKS or re.fullmatch("h[1-6]", tag):
            self.written.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            # A line that happens to begin with # is no heading.
            self.written.append(re.sub(r"\s+", " ", data.replace(_MARK, "")))


def _pdf(path: Path, by: By) -> list[tuple[str, str]]:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        raise ConfigError("reading PDF needs pypdf; install: pip install 'otto-assistant[library]'") from error
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise OttoError(f"{path}: is protected by a password; save it without one")
        pages = [page.extract_text() for page in reader.pages]
        outline = _outline(reader) if by == "sections" else []
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        # pypdf raises these on broken files
        raise OttoError(f"{path}: is no PDF that can be read: {error}") from error
    if len(outline) < 2:
        return [(f"page {number}", text) for number, text in enumerate(pages, 1)]
    starts = [(0, ""), *outline] if outline[0][0] > 0 else outline
    ends = [place for place, _ in starts[1:]] + [len(pages)]
    return [
        (title, "\n".join(pages[start:end])) for (start, title), end in zip(starts, ends, strict=True) if start < end
    ]


def _outline(reader: object) -> list[tuple[int, str]]:
    """(first page, title) of the outline's entries, one a page."""
    from pypdf import PdfReader
    from pypdf.generic import Destination

    assert isinstance(reader, PdfReader)
    found: dict[int, str] = {}

    def walk(entries: Sequence[object], depth: int) -> None:
        for entry in entries:
            if isinstance(entry, list) and depth < 8:
                walk(entry, depth + 1)
            elif isinstance(entry, Destination):
                page = reader.get_destination_page_number(entry)
                if page is not None and page >= 0:
                    found.setdefault(page, str(entry.title).strip())

    walk(reader.outline, 0)
    return sorted(found.items())


def _tidy(text: str) -> str:
    """One blank line at most, no blanks at ends of lines, words mended that were broken over two lines."""
    text = _BROKEN_WORD.sub("", text.replace("\r\n", "\n").replace("\xa0", " ").replace("\x00", ""))
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
