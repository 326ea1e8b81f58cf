"""Sentences that hang on the ones before: "and in Paris?", "make it ten", "again", "undo", and answers to questions.

    >>> router = FollowUpRouter(fewshot, skills)
    >>> str(router.route("and in Paris?", Context(now, last=parse('weather(location="Berlin")'), until=later)))
    'weather(location="Paris")'

Wraps any router and is as pure as that: all it knows of what went before is in the `Context`, which a front end's
`Conversation` keeps. What is a command by itself stays one. A correction of something that can be undone undoes it
first: `undo(); timer(duration="10 minutes")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from otto.call import OTHER, Call
from otto.route import Context, Question, Route, Router
from otto.routers import answers, phrases
from otto.routers.anaphora import points_there, resolved
from otto.routers.phrases import LeadIn
from otto.routers.replacement import placed, replaced
from otto.skill import Skill
from otto.undo import UNDO

NAME = "followup"
"""What `Route.router` says where the sentence alone would not have meant it."""
SURE = 0.9
"""Confidence of a follow-up."""
OWN = 0.8
"""Confidence from which a sentence is a command of its own, whatever went before."""
OWN_WORDS = 3
"""Words from which on what follows "and" may be a command of another skill."""
MOST_WORDS = 6
"""Words in a text that takes the place of another."""


@dataclass(frozen=True, eq=False)
class FollowUpRouter:
    """Any router, for whole conversations."""

    router: Router
    skills: Mapping[str, Skill] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.router.name

    def route(self, text: str, context: Context) -> Route:
        """What `text` means after what went before."""
        said = phrases.said(text)
        if said in phrases.UNDO:
            return _route((Call(UNDO),), "undo")
        if not context.fresh:
            return self._alone(text, context)
        if context.asked is not None:
            answer = self._answer(text, context.asked, context)
            return answer if answer is not None else self._alone(text, context)
        if said in phrases.AGAIN and context.last:
            return _route(context.last, "again")
        if said in phrases.TAKE_BACK and context.undoable:
            return _route((Call(UNDO),), "take back")
        return self._after(text, context) if context.last else self._alone(text, context)

    def _alone(self, text: str, context: Context) -> Route:
        """What `text` means by itself; "there" may still be a place named before."""
        expected = context.asked.calls[0].name if context.fresh and context.asked and context.asked.calls else ""
        route = self.router.route(text, Context(context.now, expected or context.expected))
        if not context.fresh or not context.last:
            return route
        calls = tuple(resolved(text, call, context.last, self.skills) for call in route.calls)
        return route if calls == route.calls else replace(route, calls=calls)

    def _answer(self, text: str, asked: Question, context: Context) -> Route | None:
        """What `text` means as an answer; None where it is none."""
        if asked.options:
            chosen = answers.choice(text, asked.options)
            own = self._alone(phrases.lead_in(text).rest, context) if chosen == () else None
            if own is not None and self._command(own):
                return own  # "no, what time is it"
            return None if chosen is None else _route(chosen, "choice")
        if phrases.said(text) in phrases.DISMISS:
            return _route((), "dropped")
        found = answers.argument(text, asked, self.skills, context.now)
        if found is not None:
            return _route(found, "answer")
        own = self._alone(text, context)
        if not own.rejected and own.confidence >= OWN:
            return own
        found = answers.text_argument(text, asked, self.skills)
        return None if found is None else _route(found, "answer")

    def _after(self, text: str, context: Context) -> Route:
        """What `text` means where something was done before."""
        lead = phrases.lead_in(text)
        changed = self._replaced(lead, context)
        if changed is not None and lead.kind and not (lead.kind == "add" and len(lead.rest.split()) >= OWN_WORDS):
            return self._changed(changed, lead, context)
        heard = self._alone(lead.rest if lead.kind else text, context)
        if changed is not None and (not self._command(heard) or heard.calls[0].name == changed.name) and lead.kind:
            return self._changed(changed, lead, context)
        if self._command(heard):
            return heard
        if changed is not None:
            return self._changed(changed, lead, context)
        for call in reversed(context.last) if lead.kind else ():
            if (named := self._with_text(call, lead, context)) is not None:
                return self._changed(named, lead, context)
        return self._alone(text, context) if lead.kind and heard.rejected else heard

    def _replaced(self, lead: LeadIn, context: Context) -> Call | None:
        """The last call that takes the value which the sentence says, with it."""
        if points_there(lead.rest):
            return None
        for call in reversed(context.last):
            skill = self.skills.get(call.name)
            if skill is not None:
                said, now = context.said, context.now
                changed = replaced(call, skill, lead.rest, now, certain=bool(lead.kind), heard=said)
                if changed is not None:
                    return changed
        return None

    def _command(self, route: Route) -> bool:
        """Whether a route is a command of its own."""
        return not route.rejected and route.confidence >= OWN

    def _changed(self, changed: Call, lead: LeadIn, context: Context) -> Route:
        """The changed call; what it corrects is undone first."""
        correct = lead.kind != "add" and context.undoable
        return _route((Call(UNDO), changed) if correct else (changed,), "corrected" if correct else "more of that")

    def _with_text(self, call: Call, lead: LeadIn, context: Context) -> Call | None:
        """`call` with the words of `lead` in place of its text, understood as the sentence before was."""
        skill = self.skills.get(call.name)
        names = [each.name for each in skill.parameters if each.type == "text"] if skill else []
        name = next((name for name in names if name in call.arguments), names[0] if names else None)
        if skill is None or name is None or len(lead.rest.split()) > MOST_WORDS:
            return None
        old = call.arguments.get(name)
        if isinstance(old, str) and (start := context.said.lower().find(old.lower())) >= 0:
            sentence = context.said[:start] + _bare(lead.rest, context.said[:start]) + context.said[start + len(old) :]
            again = self.router.route(sentence, Context(context.now))
            for each in again.calls:
                value = each.arguments.get(name)
                if each.name == call.name and isinstance(value, str) and value.lower() in lead.rest.lower():
                    return placed(call, skill, name, value)
        return placed(call, skill, name, _bare(lead.rest, "the"))


def _bare(words: str, before: str) -> str:
    """`words` without a preposition or article that stands before them already."""
    first, _, rest = words.partition(" ")
    ahead = before.split()[-2:]
    if rest and (first in ahead or ("the" in ahead and first in ("the", "some", "my"))):
        return _bare(rest, before)
    for preposition in ("about", "on", "of"):
        if rest and first == preposition:
            return rest
    return words


def _route(calls: tuple[Call, ...], how: str) -> Route:
    """A follow-up; without calls there is nothing to do."""
    return Route(calls or (Call(OTHER),), SURE, NAME, trace={"follow-up": how})
