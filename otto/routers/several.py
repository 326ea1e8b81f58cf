"""Several commands in one sentence, for a router that takes one at a time.

    >>> router = SeveralRouter(fewshot, skills, openers(examples))
    >>> str(router.route("turn the volume down and set a timer for five minutes", Context(now)))
    'volume(action="down"); timer(duration="5 minutes")'

The sentence is cut at its joints (`joints.py`) in every way that could make sense, and the router judges: each part
has to be a command of which it is sure, and together they have to explain the sentence better than one command does.
What a part leaves out it takes from its neighbour: "turn the volume down and the music off", "five and ten minutes".
A sentence without a joint costs nothing more. Language models write several calls themselves and need none of this.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from otto.call import Argument, Call
from otto.route import Alternative, Context, Route, Router
from otto.routers.anaphora import resolved
from otto.routers.coordination import mended
from otto.routers.joints import MARKS, Joint, joints, words
from otto.skill import Skill
from otto.values import Limits
from otto.values.span import spans
from otto.values.spoken import cardinal_at

MOST_CALLS = 6
"""Commands in a sentence."""
SURE, SURE_INCOMPLETE = 0.5, 0.15
"""Confidence from which a part counts as a command; and where a needed argument is missing, which Otto will ask for."""
ENOUGH = 0.9
"""Confidence of a part that took words over from which on no more words are tried."""
BEAM = 3
"""Ways to read the beginning of a sentence that are followed."""
BORROWED_WORDS = 7
"""Words of its neighbour that a part may take over at most."""
WHOLE_REFUSED = 0.0
"""What a sentence counts as that is no command as a whole, in logarithms of confidence."""
COMMA, WEAK, STRONG = -0.5, -0.1, 0.3
"""What cutting at a comma or at "and" costs, and what cutting at "then" earns, in the same measure."""
PAUSE = -0.3
"""What it costs beside that to cut at a comma before words that open no command: "timer, twenty minutes"."""
BORROWING = 0.05
"""The same where words are taken over."""
SPANNING = -2.0
"""The same where the whole command has a text that goes over the joint: "remind me to buy bread and milk"."""
OPENING = 2.1
"""What it earns there that the next part begins as commands do, and calls another skill."""
SAME = -5.0
"""What it costs to understand the same command twice in a row: "louder and louder"."""
LESS = -1.5
"""The same where one of two commands only leaves out an argument of the other: "is it wet and windy in Glasgow"."""
UNEXPLAINED = 0.7
"""What it earns where the command as a whole leaves out what a part says."""
_IT = frozenset(["it", "that", "them", "this"])
FEW_WORDS = 3
"""Words before a command that may say nothing: "hurry up and …"."""
_ALSO = re.compile(r"\b(?:also|as well|too)\b(?!\s+(?:loud|quiet|much|high|low))", re.IGNORECASE)
_SPANNED = ("duration", "datetime", "date", "time", "expression", "place", "number")
"""Types whose values hold an "and": "an hour and a half", "Trinidad and Tobago"."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some words, read as one command."""

    text: str
    """With what was taken over from the neighbour."""
    route: Route
    score: float
    borrowed: bool = False

    @property
    def call(self) -> Call:
        """What it means."""
        return self.route.calls[0]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The sentence up to a joint, as commands in a row."""

    parts: tuple[_Part, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, eq=False)
class SeveralRouter:
    """Wraps a router that hands over one call a sentence. Pure as that one is."""

    router: Router
    skills: Mapping[str, Skill]
    openers: Collection[str] = field(default=frozenset())
    """Words with which commands begin."""

    @property
    def name(self) -> str:
        return self.router.name

    def route(self, text: str, context: Context) -> Route:
        """What `text` means; several calls where it says several commands."""
        whole = self.router.route(text, context)
        if not (found := joints(text)):
            return whole
        sentence = _Sentence(self, text, context, whole)
        best = max(sentence.readings(sentence.free(found)), key=lambda reading: reading.score, default=None)
        alone = WHOLE_REFUSED if whole.rejected else math.log(max(whole.confidence, 1e-3))
        if best is not None and best.score > alone and not (whole.rejected and self._risky(best)):
            return _joined(best, whole, self.skills)
        if whole.rejected and (meant := sentence.behind(found[0])) is not None:
            return meant
        calls = [mended(call, text, found, self.skills, sentence.routed, context.now) for call in whole.calls]
        return replace(whole, calls=tuple(calls))

    def _risky(self, reading: _Reading) -> bool:
        """Whether a part asks first and not all are beyond doubt: such a command hides in no sentence that is none."""
        risky = [
            skill for part in reading.parts if (skill := self.skills.get(part.call.name)) and skill.risk == "confirm"
        ]
        return bool(risky) and min(part.route.confidence for part in reading.parts) < ENOUGH


@dataclass(eq=False)
class _Sentence:
    """One sentence while it is being cut."""

    owner: SeveralRouter
    text: str
    context: Context
    whole: Route
    known: dict[str, Route] = field(default_factory=dict)

    def free(self, found: Sequence[Joint]) -> tuple[Joint, ...]:
        """The joints that are not inside of one value."""
        kinds = {each.type for skill in self._meant() for each in skill.parameters}
        covered = [
            (span.start, span.end)
            for kind in _SPANNED
            if kind in kinds
            for skill in self._meant()
            for each in skill.parameters
            if each.type == kind
            for span in spans(self.text, kind, each.limits, self.context.now)
        ]
        return tuple(
            joint for joint in found if not any(start < joint.start and joint.end < end for start, end in covered)
        )

    def _meant(self) -> Iterator[Skill]:
        for call in self.whole.calls:
            if call.name in self.owner.skills:
                yield self.owner.skills[call.name]

    def readings(self, found: Sequence[Joint]) -> list[_Reading]:
        """The best ways to read the sentence as at least two commands."""
        if not found:
            return []
        starts, ends = [0, *(joint.end for joint in found)], [*(joint.start for joint in found), len(self.text)]
        best: list[list[_Reading]] = [[_Reading()], *([] for _ in ends)]
        for end in range(1, len(ends) + 1):
            following = self.text[starts[end] : ends[end]] if end < len(ends) else ""
            reached: list[_Reading] = []
            for start in range(end):
                if end - start < len(ends):
                    cut = found[start - 1] if start else None
                    said = self.text[starts[start] : ends[end - 1]].strip(MARKS)
                    for before in best[start]:
                        reached += self._continued(before, said, following, cut)
            best[end] = sorted(reached, key=lambda reading: -reading.score)[:BEAM]
        return best[-1]

    def behind(self, cut: Joint) -> Route | None:
        """The command after a few words that are none: "be a dear and lock the screen"."""
        route = self.routed(self.text[cut.end :])
        short = len(words(self.text[: cut.start])) <= FEW_WORDS
        plain = not route.rejected and route.confidence >= ENOUGH and self._opens(self.text[cut.end :])
        return route if short and plain and self.routed(self.text[: cut.start]).rejected else None

    def _continued(self, before: _Reading, said: str, following: str, cut: Joint | None) -> Iterator[_Reading]:
        """`before` and one part more."""
        last = before.parts[-1] if before.parts else None
        if len(before.parts) == MOST_CALLS:
            return
        for part in self._parts(said, following, last):
            score = before.score + part.score
            if cut and last:
                score += self._cost(cut, last, part, said)
            yield _Reading((*before.parts, part), score)

    def _parts(self, said: str, following: str, last: _Part | None) -> Iterator[_Part]:
        """Ways to read `said` as one command."""
        said = " ".join(_ALSO.sub(" ", said).split())
        texts = [said, *_with_unit(said, following)]
        for text in texts if last is None or not self._bare(said) else ():
            if (route := self._sure(text)) is not None:
                yield _Part(text, route, math.log(route.confidence))
        if last is None or self._opens(said):
            return
        for text in texts:
            for borrowed in _beginnings(last.text, text):
                route = self._sure(borrowed)
                if route is not None and self._parallel(last, route.calls[0], text):
                    yield _Part(borrowed, route, math.log(route.confidence) + BORROWING, borrowed=True)
                    if route.confidence >= ENOUGH:
                        break

    def _sure(self, text: str) -> Route | None:
        """The route of a text that is a command beyond doubt; one that only lacks an argument counts as a sure one."""
        route = self.routed(text)
        if not route.rejected and SURE > route.confidence >= SURE_INCOMPLETE and self._opens(text):
            skill = self.owner.skills.get(route.calls[0].name)
            if skill and any(each.required and each.name not in route.calls[0].arguments for each in skill.parameters):
                return replace(route, confidence=SURE)
        return None if route.rejected or route.confidence < SURE else route

    def routed(self, text: str) -> Route:
        """What a text means as one command; asked once."""
        if text not in self.known:
            self.known[text] = self.owner.router.route(text, self.context)
        return self.known[text]

    def _bare(self, text: str) -> bool:
        """Whether a text is a day and nothing else: no command beside another."""
        return any(span.text == text for span in spans(text, "date", Limits(), self.context.now))

    def _opens(self, text: str) -> bool:
        """Whether a text begins as commands do."""
        return words(text)[:1] != [] and words(text)[0] in self.owner.openers

    def _cost(self, cut: Joint, last: _Part, part: _Part, said: str) -> float:
        """What it costs, or earns, to end a command at this joint."""
        if last.call == part.call:
            return SAME
        opens = self._opens(said)
        cost = STRONG if cut.strong else WEAK if any(map(str.isalpha, self.text[cut.start : cut.end])) else COMMA
        if cost == COMMA and not opens:
            cost += PAUSE
        if last.call.name == part.call.name and self._says(last.call) and not set(words(said)).isdisjoint(_IT):
            cost += SAME
        if not opens and _says_less(last.call, part.call):
            cost += LESS
        if any(_holds(value, self.text, cut) for call in self.whole.calls for value in call.arguments.values()):
            cost += SPANNING + (OPENING if opens and last.call.name != part.call.name else 0.0)
        elif any(each not in self.whole.calls for each in (last.call, part.call)):
            cost += UNEXPLAINED
        return cost

    def _says(self, call: Call) -> bool:
        """Whether a call holds something that "it" could stand for: more than a choice."""
        skill = self.owner.skills.get(call.name)
        return skill is not None and any(
            each.type != "choice" for each in skill.parameters if each.name in call.arguments
        )

    def _parallel(self, last: _Part, call: Call, said: str) -> bool:
        """Whether a command that took words over says something of its own beside its neighbour: another action, or
        another value where the neighbour has one. Texts do not count: "salt and pepper" may be one thing."""
        skill = self.owner.skills.get(call.name)
        if skill is None:
            return False
        types = {each.name: each.type for each in skill.parameters}
        texts = {name for name in call.arguments if types.get(name) == "text"}
        if call.name != last.call.name:
            return not texts
        own = {name for name in call.arguments if call.arguments[name] != last.call.arguments.get(name)}
        typed = {name for name in own if name not in texts and name in last.call.arguments}
        return bool(typed) and (not texts or texts <= own)


def _says_less(one: Call, other: Call) -> bool:
    """Whether one of two calls holds all that the other does."""
    (less, more) = sorted((one, other), key=lambda call: len(call.arguments))
    return less.name == more.name and less.arguments.items() <= more.arguments.items()


def _with_unit(said: str, following: str) -> Iterator[str]:
    """A part that ends in a number, with the unit that follows the next number: "five and ten minutes"."""
    here, there = words(said), words(following)
    if here and there and cardinal_at(tuple(here), len(here) - 1) and (number := cardinal_at(tuple(there), 0)):
        for unit in there[number[1] : number[1] + 1]:
            yield f"{said} {unit}"


def _beginnings(neighbour: str, said: str) -> Iterator[str]:
    """`said` behind the first words of its neighbour, few of them first."""
    taken = neighbour.split()
    for count in range(1, min(len(taken), BORROWED_WORDS + 1)):
        yield f"{' '.join(taken[:count])} {said}"


def _holds(value: Argument, text: str, cut: Joint) -> bool:
    """Whether a value's own words in the sentence go over the joint."""
    if isinstance(value, tuple):
        return any(_holds(item, text, cut) for item in value)
    if not isinstance(value, str) or not value:
        return False
    start = text.lower().find(value.lower())
    return start >= 0 and start < cut.start and start + len(value) > cut.end


def _joined(reading: _Reading, whole: Route, skills: Mapping[str, Skill]) -> Route:
    """One route of all parts; the sentence as one command is an alternative to it."""
    calls: list[Call] = []
    for part in reading.parts:
        calls += [resolved(part.text, call, calls, skills) for call in part.route.calls]
    confidence = math.prod(part.route.confidence for part in reading.parts)
    alone = Alternative(whole.calls, min(whole.confidence, 1 - confidence))
    trace: dict[str, str | float] = {f"part {place}": part.text for place, part in enumerate(reading.parts, 1)}
    trace |= {
        "parts together": round(reading.score, 4),
        "as one": str(whole),
        "as one, sure": round(whole.confidence, 4),
    }
    return Route(tuple(calls), confidence, whole.router, (alone,), trace)
