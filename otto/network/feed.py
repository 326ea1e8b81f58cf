"""Reads the headlines of an RSS or Atom feed.

    >>> headlines(b"<rss><channel><item><title>Rain at last</title></item></channel></rss>")
    ['Rain at last']

A feed comes from a stranger: entities of its own making are refused (the "billion laughs"), nothing outside of it is
loaded, and nesting is bounded.
"""

from __future__ import annotations

import html
import re
from xml.parsers import expat

from otto.errors import SkillError

MAX_DEPTH = 64
LONGEST = 300
"""Characters kept of a headline."""

_TAG = re.compile(r"<[^<>]*>")


class _Refused(Exception):
    """The feed holds what no honest feed does."""


def headlines(feed: bytes) -> list[str]:
    """The titles of the entries, in order, each once, without markup. Raises `SkillError` for what is no feed."""
    reader = _Reader()
    try:
        reader.parser.Parse(feed, True)
    except (expat.ExpatError, _Refused, ValueError, LookupError) as error:
        raise SkillError("The news came in a form that I can't read.") from error
    if not reader.is_feed:
        raise SkillError("The news came in a form that I can't read.")
    return list(dict.fromkeys(title for title in map(_said, reader.titles) if title))


def _said(title: str) -> str:
    return " ".join(_TAG.sub(" ", html.unescape(_TAG.sub(" ", title))).split())[:LONGEST]


class _Reader:
    """Collects the text of each `title` that is a child of an `item` (RSS) or `entry` (Atom)."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.titles: list[str] = []
        self.title_depth = 0  # how deep the title is that is being read; 0 outside of one
        self.is_feed = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.path) >= MAX_DEPTH:
            raise _Refused
        self.path.append(name)
        self.is_feed = self.is_feed or name.rpartition(" ")[2] in ("rss", "RDF", "feed")
        if not self.title_depth and self._at_title():
            self.title_depth = len(self.path)
            self.titles.append("")

    def _end(self, name: str) -> None:
        if len(self.path) == self.title_depth:
            self.title_depth = 0
        self.path.pop()

    def _text(self, text: str) -> None:
        if self.title_depth and len(self.titles[-1]) < 4 * LONGEST:
            self.titles[-1] += text

    def _refuse(self, *_: object) -> None:
        raise _Refused

    def _at_title(self) -> bool:
        if len(self.path) < 2:
            return False
        (parent_space, _, parent), (space, _, name) = (each.rpartition(" ") for each in self.path[-2:])
        return name == "title" and parent in ("item", "entry") and space == parent_space  # not `media:title`
