"""What people say about what went before: again, undo, no, "make it …", "and …".

>>> lead_in("no, make it ten please")
LeadIn(kind='correct', rest='ten')
>>> lead_in("and in Paris?")
LeadIn(kind='add', rest='in Paris')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from otto.routers.joints import MARKS, words

Kind = Literal["", "add", "correct"]
"""`add`: something more of that kind; `correct`: in its place."""


@dataclass(frozen=True, slots=True)
class LeadIn:
    """A sentence without the words that say how it hangs together with the one before."""

    kind: Kind
    rest: str


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


AGAIN = _phrases(
    """again | once again | once more | one more time | same again | the same again | do it again | do that again | and
    again | another one | one more | more | a bit more | a little more | some more | even more | bit more | further |
    keep going | repeat that command | and once more | do the same again | same thing again | yet again"""
)
UNDO = _phrases(
    """undo | undo that | undo it | undo this | undo the last one | undo the last command | never mind undo | no undo |
    nevermind undo | no undo that | never mind undo that | take that back | take it back | revert that | revert it |
    revert | undo last | roll that back | roll back | i take that back | undo what you did | undo what you just did"""
)
TAKE_BACK = _phrases(
    """cancel that | cancel it | cancel this | delete that | delete it | delete that again | scrap that | scrap it |
    scratch that | never mind | nevermind | never mind that | forget it | forget that | forget about it | no | no no |
    no don't | don't | no don't do that | don't do that | no cancel that | no cancel it | no never mind | remove it |
    remove that | remove that again | drop that | drop it | not that | no not that | that was wrong | that's wrong |
    i changed my mind | that was a mistake | wrong | actually don't | actually never mind | actually cancel that |
    stop that | cancel | oh no | no stop | wait no | no wait | leave it"""
)
DISMISS = TAKE_BACK | _phrases(
    """nothing | no thanks | no thank you | stop | not now | neither | neither of them | none | none of them | none of
    those | neither one | nope | neither of those | don't bother | forget about that | doesn't matter | quit | abort"""
)
ALL = _phrases(
    """all | all of them | both | both of them | every one | everyone | every one of them | all of those | the lot |
    them all | everything | cancel all of them | cancel both | cancel them all | all please | both please"""
)
_POLITE = re.compile(
    r"^(?:(?:please|um+|uh+|er+|erm|hm+|well|so|okay|ok|oh|like|hey|otto|yes|yeah|just)\b[\s,.]*)+"
    r"|(?:[\s,]+(?:please|thanks|thank you|then|otto|okay|ok))+$",
    re.IGNORECASE,
)
_CORRECTS = re.compile(
    r"^(?:(?:no|nope|wait|sorry|actually|rather|i mean(?:t)?|i said|i wanted|make (?:it|that|this)"
    r"|(?:change|move|set|switch|put|push) (?:it|that|this)(?: to| for)?|let's say|let's make it|let us say|better|oh"
    r"|um+|uh+|er+|please|well|not that|that should be|it should be|should be|hang on|hold on)\b[\s,.!]*)+",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"^(?:(?:and|also|what about|how about|what's with|plus|or|then|okay|ok|oh|um+|uh+|now|same for|the same for"
    r"|anything about|another(?: one)?(?: for)?|one more(?: for)?)\b[\s,]*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(r"[\s,]+(?:please|thanks|thank you)$", re.IGNORECASE)
_BEHIND_CORRECTS = re.compile(r"[\s,]+(?:instead|rather)$", re.IGNORECASE)
_BEHIND_ADDS = re.compile(r"[\s,]+(?:too|as well|also)$", re.IGNORECASE)


def polite(text: str) -> str:
    """Without hesitation and politeness at both ends."""
    before = None
    while before != text:
        before, text = text, _POLITE.sub("", text.strip(MARKS)).strip(MARKS)
    return text


def said(text: str) -> str:
    """In small letters, without signs and politeness: to be looked up among the phrases above."""
    return " ".join(words(polite(text))) or " ".join(words(text))


def lead_in(text: str) -> LeadIn:
    """How a sentence hangs together with the one before, and what it says beyond that."""
    kind: Kind = ""
    rest = _THANKS.sub("", text.strip(MARKS))
    behind: tuple[tuple[re.Pattern[str], Kind], ...] = ((_BEHIND_CORRECTS, "correct"), (_BEHIND_ADDS, "add"))
    for pattern, means in behind:
        if found := pattern.search(rest):
            rest, kind = rest[: found.start()].strip(MARKS), means
    before: tuple[tuple[re.Pattern[str], Kind], ...] = ((_CORRECTS, "correct"), (_ADDS, kind or "add"))
    for pattern, means in before:
        if (found := pattern.match(rest)) and polite(found.group()) and (shorter := rest[found.end() :].strip(MARKS)):
            return LeadIn(means, shorter)
    return LeadIn(kind, rest)
