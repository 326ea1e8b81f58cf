"""Which questions a coach must not answer, or not without saying that a doctor comes first.

    >>> care("my chest hurts and my arm is numb", encoder).kind
    'emergency'

Two looks at a question: unmistakable words, and its meaning, by a ridge regression over the sentence vectors of the
examples in `otto/data/coach/care.txt` (every kind weighs the same), solved when it is first needed. It looks at what is
asked, not at what is answered, and it errs: docs/coach.md has the figures. The prompt asks the model for the same
care a second time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from otto.encoder import Encode
from otto.errors import ModelFileError

Kind = Literal["", "medical", "harm", "crisis", "emergency"]

ORDINARY = "ordinary"
_REFUSED = ("emergency", "crisis", "harm")
SENTENCES = Path(__file__).parent.parent / "data" / "coach" / "care.txt"
RIDGE = 0.3
"""Of the regression; of 0.1, 0.3, 1 and 3 the best where each example sentence is held out once."""
SURE = 0.2
"""How far a refusal must be ahead of an answer; what is nearer is answered, with the warning."""

_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "crisis",
        re.compile(r"\b(?:suicid\w*|kill(?:ing)? myself|end(?:ing)? my (?:own )?life|self[- ]?harm\w*)\b", re.I),
    ),
    (
        "emergency",
        re.compile(
            r"\b(?:chest (?:pain|pressure)|pain in (?:my|his|her|the) chest|(?:my|his|her) chest hurts"
            r"|(?:i|he|she) (?:just )?(?:fainted|collapsed|passed out|blacked out)|unconscious|lost consciousness"
            r"|(?:can'?t|cannot|can not) breathe|cough\w* (?:up )?blood|slurred speech"
            r"|speech is slurred|heat ?stroke)\b",
            re.I,
        ),
    ),
    ("harm", re.compile(r"\b(?:inject\w* (?:epo|testosterone|steroids)|beat (?:a|the) doping test)\b", re.I)),
    ("medical", re.compile(r"\b(?:pregnan\w+|stress fracture|diabet\w+|ibuprofen|antibiotic\w*|diagnos\w+)\b", re.I)),
)
_ASKS_ABOUT = re.compile(
    r"^\s*(?:what (?:is|are|causes)|how (?:do|can) (?:i|we|you) (?:prevent|avoid|recogni[sz]e))\b", re.I
)
"""Somebody wants to know about a thing, and does not have it."""

SAID: dict[Kind, str] = {
    "emergency": (
        "This can be an emergency. Stop, and call an ambulance now: 112 in Europe, 911 in North America, or the number"
        " of your country. Do not wait to see whether it passes, and do not stay alone. I am a program that coaches"
        " runners, and I don't answer this."
    ),
    "crisis": (
        "I am sorry that it is this hard. Please talk to somebody now: a person you trust, a crisis line (988 in the"
        " USA and Canada, 116 123 in much of Europe, or see findahelpline.com), or 112 or 911 if you are in danger."
        " I am a program that coaches runners, and not the right one for this."
    ),
    "harm": (
        "I don't help with that: it can do lasting harm. A doctor, or a dietitian for sport, can say what helps you"
        " instead, and nobody there will judge you for asking."
    ),
    "medical": (
        "I am a program and no doctor, and this cannot replace an examination. Ask a doctor before you run on with"
        " pain, illness, medicines or a known disease."
    ),
}
"""What is said, by kind."""


@dataclass(frozen=True, slots=True)
class Care:
    """What a question calls for."""

    kind: Kind = ""

    @property
    def refuses(self) -> bool:
        """Whether no model is asked."""
        return self.kind in _REFUSED

    @property
    def text(self) -> str:
        """What is said in place of an answer, or beside it; empty for an ordinary question."""
        return SAID.get(self.kind, "")


def care(question: str, encode: Encode) -> Care:
    """What `question` calls for. Raises `ModelFileError` where the sentences or the encoder are missing."""
    named = next((kind for kind, words in _WORDS if words.search(question)), None)
    if named and not (_ASKS_ABOUT.search(question) and named != "crisis"):
        return Care(named)
    scores = _scores(question, encode)
    best = max(scores, key=lambda kind: scores[kind])
    if best == ORDINARY:
        return Care("medical" if named else "")
    return Care(best if _ahead(scores) >= SURE else "medical")  # type: ignore[arg-type]


def _ahead(scores: Mapping[str, float]) -> float:
    """How far what must be refused is ahead of what may be answered."""
    refused = max(score for kind, score in scores.items() if kind in _REFUSED)
    return refused - max(score for kind, score in scores.items() if kind not in _REFUSED)


def sentences(path: Path = SENTENCES) -> dict[str, list[str]]:
    """The example sentences by kind. Raises `ModelFileError`."""
    found: dict[str, list[str]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}; install Otto again") from error
    kind = ""
    for line in lines:
        if line.startswith("## "):
            kind = line[3:].strip()
        elif line.strip() and not line.startswith("# "):
            found.setdefault(kind, []).append(line.strip())
    return found


def _scores(question: str, encode: Encode) -> dict[str, float]:
    """By kind, about 1 where it fits. Of a long question each sentence is looked at, for whatever must be refused."""
    parts = [part for part in re.split(r"(?<=[.!?])\s+|\n+", question) if part.strip()][:12]
    kinds, weights = _regression(encode)
    rows = _vectors([question, *(parts if len(parts) > 1 else ())], encode) @ weights
    scores = [dict(zip(kinds, map(float, row), strict=True)) for row in rows]
    worst = max(scores, key=_ahead)
    return worst if _ahead(worst) >= SURE else scores[0]


@lru_cache(maxsize=2)
def _regression(encode: Encode) -> tuple[list[str], NDArray[np.float64]]:
    """The kinds, and a weight for each number of a vector and each kind."""
    shown = sentences()
    kinds = list(shown)
    vectors = _vectors([said for several in shown.values() for said in several], encode)
    label = np.repeat(np.arange(len(kinds)), [len(several) for several in shown.values()])
    weight = (1 / np.bincount(label))[label]
    weighted = vectors * (weight / weight.mean())[:, None]
    wanted = np.eye(len(kinds))[label]
    return kinds, np.linalg.solve(weighted.T @ vectors + RIDGE * np.eye(vectors.shape[1]), weighted.T @ wanted)


def _vectors(texts: Sequence[str], encode: Encode) -> NDArray[np.float64]:
    """One row a text, with a 1 at its end."""
    rows = np.array([each.sentence for each in encode(texts)], np.float64)
    return np.hstack([rows, np.ones((len(rows), 1))])
