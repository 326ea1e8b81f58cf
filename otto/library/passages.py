"""Cuts the sections of a document into passages: short enough for the encoder and for citing, whole sentences, a little
of the one before in each.

>>> cut([Section("Taper", "One sentence. Another one.", 0)])[0].text
'One sentence. Another one.'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otto.library.sections import Section

WORDS = 110
"""In a passage, at most; about 150 word pieces, of which the encoder sees 200."""
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^a-z\s])|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is found."""

    text: str
    heading: str
    page: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One that was found."""

    number: int
    """From 1, the best first: how it is cited."""
    file: str
    """The document's name."""
    path: str
    page: int
    """From 1; 0: it has none."""
    heading: str
    text: str
    score: float
    """For comparing within one search."""


def cut(sections: Sequence[Section], name: str = "", words: int = WORDS) -> list[Piece]:
    """The passages of a document, in their order. `name`: what sections without a title are called."""
    return [
        Piece(text, "" if page or section.title == name else section.title, page)
        for section in sections
        for page in [_page(section.title)]
        for text in _texts(section.text, words)
    ]


def _page(title: str) -> int:
    """From 1; 0: it is no page of a PDF."""
    found = re.fullmatch(r"page (\d+)", title)
    return int(found[1]) if found else 0


def sentences(text: str) -> list[str]:
    """The sentences and list entries of a text, with their spaces tidied."""
    parts = (" ".join(part.split()) for part in _SENTENCE.split(text))
    return [part for part in parts if any(letter.isalnum() for letter in part)]


def _texts(text: str, words: int) -> Iterator[str]:
    kept: list[str] = []
    count = 0
    fresh = False
    for sentence in (part for whole in sentences(text) for part in _short(whole, words)):
        size = len(sentence.split())
        if kept and count + size > words:
            yield " ".join(kept)
            last = kept[-1]
            kept = [last] if len(last.split()) <= words // 4 else []
            count = len(last.split()) if kept else 0
            fresh = False
        kept.append(sentence)
        count += size
        fresh = True
    if fresh:
        yield " ".join(kept)


def _short(sentence: str, words: int) -> Iterator[str]:
    """What has no end of a sentence for long (a table, a list without marks) is cut by words."""
    said = sentence.split(" ")
    for start in range(0, len(said), words):
        yield " ".join(said[start : start + words])
