"""The router over any language model: it asks, reads, checks, has one fault mended, and says how sure it is.

    >>> router = ModelRouter(Llama(path), skills, card.prompt(), name="llama", card=card)
    >>> str(router.route("set a timer for ten minutes", Context(now)))
    'timer(duration="10 minutes")'

The engine only writes (`otto/models/`). What it wrote becomes a `Route` only if it can be read (`otto/call.py`) and
every call is allowed (`Skill.check`); otherwise the route is `other()` with confidence 0 and the reason in its trace.
Skills may change while the weights stay loaded: make another router over the same engine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from otto.call import OTHER, Call, parse
from otto.errors import CallError, CallSyntaxError, ModelError
from otto.evidence import supported
from otto.models.card import Card, differences
from otto.models.language import LanguageModel, Request, Written
from otto.prompt import Message, RouterPrompt, prompt
from otto.route import Context, Route
from otto.routers.confidence import Confidence, Signs
from otto.routers.trained import readable
from otto.skill import OTHER_SKILL, Skill

log = logging.getLogger(__name__)

SECONDS = 20.0
"""What one sentence may take, mending included, where nobody says otherwise."""
LEAST_SECONDS = 0.05
"""With less left, nothing is asked any more."""

Shortlist = Callable[[str], Sequence[Skill]]
"""The skills that a sentence could mean, where there are too many for a prompt."""
Grammar = Callable[[Sequence[Skill], str], str]
"""GBNF of everything that a sentence may call: `otto.grammar.grammar`."""

_told: set[str] = set()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model's text turned out to be."""

    calls: tuple[Call, ...] = ()
    """Canonical, as every router hands them over: what means the same is written the same."""
    said: tuple[Call, ...] = ()
    """The same as the model wrote them."""
    problem: str = ""
    """Why it cannot be carried out; empty: it can."""


class ModelRouter:
    """A `Router`. For one thread at a time, as its engine is."""

    def __init__(
        self,
        model: LanguageModel,
        skills: Sequence[Skill],
        prompt: RouterPrompt,
        *,
        name: str = "model",
        card: Card | None = None,
        grammar: Grammar | None = None,
        shortlist: Shortlist | None = None,
        confidence: Confidence | None = None,
        seconds: float = SECONDS,
        hidden: Collection[str] = (),
    ) -> None:
        """`card`: of the model, to say what has changed since it was taught, but for `hidden` skills. `grammar`: keeps
        the answer to what may be called, for engines that can; without it any text is written, and checked afterwards
        alike."""
        self.model = model
        self.prompt = prompt
        self.confidence = confidence or Confidence()
        self.seconds = seconds
        self._skills = tuple(skill for skill in skills if skill.name != OTHER)
        self._known = {skill.name: skill for skill in (*self._skills, OTHER_SKILL)}
        self._name = name
        self._grammar = grammar
        self._shortlist = shortlist
        self._tells = False  # whether the engine has ever told a probability
        self.differs = tuple(differences(card, prompt, self._skills, hidden)) if card else ()
        _tell_differences(model.name, self.differs)

    @property
    def name(self) -> str:
        """What `Route.router` says: `llama`, `transformers`, `openai`."""
        return self._name

    def route(self, text: str, context: Context, *, seconds: float | None = None) -> Route:
        """What `text` means; `seconds` replaces the router's own limit. Raises `ModelError` where nothing was written
        in time."""
        text = readable(text).strip()
        if not text:
            return Route((Call(OTHER),), 1.0, self._name)
        deadline = time.monotonic() + (self.seconds if seconds is None else seconds)
        request = self.request(text)
        written = self.model.write(replace(request, deadline_seconds=_left(deadline)))
        reading = self.read(written.text, context.now)
        faults = []
        if reading.problem:
            faults.append(reading.problem)
            again, mended = self._mended(request, written, reading, deadline, context.now)
            if again is not None:
                reading, written = mended, _summed(written, again)
                faults += [mended.problem] if mended.problem else []
        return self.routed(text, written, reading, faults, context)

    def request(self, text: str) -> Request:
        """The question about one sentence, without its deadline."""
        skills = tuple(self._shortlist(text)) if self._shortlist else self._skills
        messages = self.prompt.messages(text, skills)
        gbnf = self._grammar(skills, text) if self._grammar else ""
        return Request(self.prompt.format.opening(messages), messages, self.prompt.format.end, gbnf, skills)

    def read(self, text: str, now: datetime) -> Reading:
        """The calls in what a model wrote, or what is wrong with it."""
        try:
            written = parse(_bare(text, self.prompt.format.end))
            for call in written:
                if call.name not in self._known:
                    raise CallError(f"there is no {call.name}", skill=call.name)
            said = tuple(call for call in written if call.name != OTHER) or written[:1]
            return Reading(tuple(self._known[call.name].canonical(call, now) for call in said), said)
        except (CallSyntaxError, CallError) as error:
            return Reading(problem=str(error))

    def routed(self, text: str, written: Written, reading: Reading, faults: Sequence[str], context: Context) -> Route:
        """The route of a text that was read; `faults`: what was wrong with what the model wrote, in order."""
        trace = self._trace(written)
        if faults:
            trace["fault"] = faults[0]
        if reading.problem:
            trace["refused"] = reading.problem
            return Route((Call(OTHER),), 0.0, self._name, (), trace)
        missing = self._unsupported(reading.said, text, context.now)
        if missing:
            trace["not said"] = ", ".join(missing)
        self._tells = self._tells or written.log_probability != 0
        signs = Signs(
            written.log_probability if self._tells else None,
            len(missing),
            bool(faults),
            all(call.name == OTHER for call in reading.calls),
        )
        return Route(reading.calls, self.confidence(signs), self._name, (), trace | _signs(signs))

    def _mended(
        self, request: Request, written: Written, reading: Reading, deadline: float, now: datetime
    ) -> tuple[Written | None, Reading]:
        """A second answer, after the fault was told; None where there was no time, or none came."""
        if _left(deadline) < LEAST_SECONDS:
            return None, reading
        told = prompt("repair").replace("{problem}", reading.problem)
        messages = (*request.messages, Message("assistant", written.text), Message("user", told))
        again = replace(
            request,
            prompt=self.prompt.format.opening(messages),
            messages=messages,
            deadline_seconds=_left(deadline),
        )
        try:
            answer = self.model.write(again)
        except ModelError as error:
            log.info("%s: nothing mended: %s", self.model.name, error)
            return None, reading
        return answer, self.read(answer.text, now)

    def _unsupported(self, calls: Sequence[Call], text: str, now: datetime) -> list[str]:
        """Arguments that the sentence does not hold: `timer.duration`."""
        found = []
        for call in calls:
            for name, value in call.arguments.items():
                parameter = self._known[call.name].parameter(name)
                if parameter is not None and not supported(value, parameter, text, now):
                    found.append(f"{call.name}.{name}")
        return found

    def _trace(self, written: Written) -> dict[str, str | float]:
        trace: dict[str, str | float] = {
            "model": self.model.name,
            "milliseconds": round(written.milliseconds, 1),
            "tokens": written.tokens,
            "prompt_tokens": written.prompt_tokens,
            "reused_tokens": written.reused_tokens,
        }
        if written.cost:
            trace["cost"] = written.cost
        if self.differs:
            trace["differs from training"] = "; ".join(self.differs)
        return trace


def signs_of(route: Route) -> Signs:
    """What a route of a `ModelRouter` tells of its answer."""
    told, missing = route.trace.get("log_probability"), str(route.trace.get("not said", ""))
    return Signs(
        None if told is None else float(told),
        missing.count(", ") + 1 if missing else 0,
        "fault" in route.trace,
        route.rejected,
    )


def _signs(signs: Signs) -> dict[str, str | float]:
    return {} if signs.log_probability is None else {"log_probability": round(signs.log_probability, 6)}


def _bare(text: str, end: str) -> str:
    """The calls without what models put around them: the end token, a code fence, blanks."""
    text = text.strip().removesuffix(end).strip() if end else text.strip()
    if text.startswith("```"):
        text = text.strip("`").strip()
        first, _, rest = text.partition("\n")
        text = rest if rest and "(" not in first else text
    return text.strip("`").strip()


def _summed(first: Written, second: Written) -> Written:
    """The second answer, with what both took."""
    return replace(
        second,
        tokens=first.tokens + second.tokens,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        reused_tokens=first.reused_tokens + second.reused_tokens,
        milliseconds=first.milliseconds + second.milliseconds,
        cost=first.cost + second.cost,
    )


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _tell_differences(model: str, found: Sequence[str]) -> None:
    """In the log, once a process for the same ones."""
    sentence = f"{model} was taught something else than it is asked: {'; '.join(found)}"
    if found and sentence not in _told:
        _told.add(sentence)
        log.warning("%s", sentence)
