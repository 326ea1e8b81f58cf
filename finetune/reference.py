"""Cheap figures of a text and of how near it is to another: no model judges, nothing leaves the machine.

    rouge_l("run easy today", "run easy and short today")     0.75
    reading_ease("Run slowly. Rest well.")                    higher is easier; 60 to 70 is plain English
    markdown_faults("**bold")                                 ['** is opened and not closed']
    semantic(answer, reference, encoder)                      BERTScore with the embedded encoder

ROUGE-L: Lin, ROUGE: a package for automatic evaluation of summaries (2004). Reading ease: Flesch, A new readability
yardstick (1948). BERTScore: Zhang et al. (2020), greedy matching, without weights by rarity and without rescaling. They
tell a broken answer from a usable one and a near one from a far one; they do not tell a good one from a bad one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from otto.encoder import Encoder

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)|\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)")
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)", re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_BARE_HEADING = re.compile(r"^\s{0,3}#{1,6}[^#\s]", re.MULTILINE)
_BARE_ITEM = re.compile(r"^\s{0,3}(?:[-+]|\d{1,3}[.)])(?=[^\W\d_])", re.MULTILINE)
_EMPTY_ITEM = re.compile(r"^\s{0,3}(?:[-+*]|\d{1,3}[.)])[ \t]*$", re.MULTILINE)
_EMPTY_LINK = re.compile(r"\[[^\]\n]*\]\(\s*\)|\[[^\]\n]*\]\([^)\n]*$", re.MULTILINE)
_ROW = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)
_RULE = re.compile(r"^\s*\|(?:\s*:?-{1,}:?\s*\|)+\s*$")


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be counted about one answer."""

    words: int
    faults: int
    """Of its Markdown."""
    ease: float
    """Flesch reading ease: about 0 (hard) to 100 (easy)."""
    rouge_l: float
    """Against the reference, 0 to 1; 0 without one."""
    semantic: float
    """Likewise."""


def figures(answer: str, reference: str, encoder: Encoder | None = None) -> Figures:
    """All of them. Without an encoder `semantic` is 0."""
    near = semantic(answer, reference, encoder) if encoder and answer.strip() and reference.strip() else 0.0
    return Figures(
        len(words(answer)), len(markdown_faults(answer)), reading_ease(answer), rouge_l(answer, reference), near
    )


def words(text: str) -> list[str]:
    """In small letters, without marks of punctuation and of Markdown."""
    return [found.group().lower().replace("’", "'") for found in _WORD.finditer(text)]


def rouge_l(answer: str, reference: str) -> float:
    """F1 over the longest common subsequence of words, 0 to 1."""
    one, other = words(answer), words(reference)
    common = _longest_common(one, other)
    return 2 * common / (len(one) + len(other)) if common else 0.0


def overlap(answer: str, reference: str) -> float:
    """F1 over words in any order, 0 to 1 (as SQuAD counts answers)."""
    one, other = Counter(words(answer)), Counter(words(reference))
    common = (one & other).total()
    return 2 * common / (one.total() + other.total()) if common else 0.0


def reading_ease(text: str) -> float:
    """206.835 - 1.015 words a sentence - 84.6 syllables a word; 0 for a text without words."""
    said = words(text)
    if not said:
        return 0.0
    sentences = sum(1 for part in _SENTENCE_END.split(text) if _WORD.search(part))
    return 206.835 - 1.015 * len(said) / max(1, sentences) - 84.6 * sum(map(syllables, said)) / len(said)


def syllables(word: str) -> int:
    """Of an English word, about: groups of vowels, without a silent e at the end."""
    groups = len(re.findall(r"[aeiouyàâäéèêëïîöôùûü]+", word.lower()))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouy]es$|[^aeiouydt]ed$", word.lower())
    return max(1, groups - bool(silent and groups > 1))


def markdown_faults(text: str) -> list[str]:
    """What a reader of the rendered text would stumble over. CommonMark takes any text for Markdown, so this looks for
    what was meant as markup and is none."""
    faults = []
    if len(_FENCE.findall(text)) % 2:
        faults.append("a block of code is opened and not closed")
    bare = _CODE.sub("", _without_fences(text))
    if bare.count("`"):
        faults.append("` is opened and not closed")
    if any(line.count("**") % 2 for line in re.split(r"\n\s*\n|\n(?=\s*[-*+]\s)", bare)):
        faults.append("** is opened and not closed")
    for pattern, fault in (
        (_BARE_HEADING, "a heading has no blank after #"),
        (_BARE_ITEM, "a list item has no blank after its mark"),
        (_EMPTY_ITEM, "a list item is empty"),
        (_EMPTY_LINK, "a link leads nowhere"),
    ):
        if pattern.search(bare):
            faults.append(fault)
    return faults + _table_faults(bare)


def semantic(answer: str, reference: str, encoder: Encoder) -> float:
    """BERTScore F1: each word piece is matched with the most similar one of the other text. The encoder reads the
    first 200 pieces of each."""
    one, other = (encoded.pieces[1:-1] for encoded in encoder([answer, reference]))
    if not len(one) or not len(other):
        return 0.0
    one, other = (pieces / np.maximum(np.linalg.norm(pieces, axis=1, keepdims=True), 1e-9) for pieces in (one, other))
    alike = one @ other.T
    precision, recall = float(alike.max(1).mean()), float(alike.max(0).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, wanted in enumerate(other, 1):
            row[place], before = (before + 1 if word == wanted else max(row[place], row[place - 1])), row[place]
    return row[-1]


def _without_fences(text: str) -> str:
    parts = _FENCE.split(text)
    # split keeps the fences at odd places: outside, fence, inside, fence, outside …
    return "".join(part for place, part in enumerate(parts) if place % 4 == 0)


def _table_faults(text: str) -> list[str]:
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _ROW.match(line):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    faults = []
    for block in filter(None, blocks):
        if len(block) < 2 or not _RULE.match(block[1]):
            faults.append("a table has no line under its head")
        elif len({line.strip().count("|") for line in block}) > 1:
            faults.append("the rows of a table differ in length")
    return faults
