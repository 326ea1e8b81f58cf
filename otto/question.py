"""What Otto asks: for an argument that is missing, whether something risky may be done, and what was meant where two
skills are close.

>>> for_argument(timer, timer.parameter("duration"))
'For how long?'
>>> did_you_mean((alarm_at_seven, timer_for_seven_minutes))
'Did you mean alarm, 7:00, or timer, 7 minutes?'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otto.call import OTHER, Call
from otto.route import Question, Route
from otto.skill import Parameter, Skill
from otto.speech import listing
from otto.undo import UNDO

UNSURE = 0.6
"""Confidence of a route under which Otto may ask what was meant."""
CLOSE = 0.6
"""Share of that confidence which something else has to have, to be asked about."""
_BY_TYPE = {
    "duration": "For how long?",
    "time": "At what time?",
    "date": "On which day?",
    "datetime": "When?",
    "place": "In which place?",
    "integer": "What number?",
    "number": "What number?",
    "expression": "What shall I calculate?",
    "boolean": "Yes or no?",
}
_ASKING = frozenset(
    ["what", "which", "who", "whom", "whose", "when", "where", "how", "why", "at", "for", "in", "on", "to"]
)


def for_argument(skill: Skill, parameter: Parameter) -> str:
    """The question for a parameter: its description where that is one ("Which room?"), else made from name and type."""
    name = parameter.name.replace("_", " ")
    description = parameter.description.strip().rstrip(".")
    if description:
        if description.endswith("?"):
            return description
        if description.split()[0].lower() in _ASKING:
            return f"{description[:1].upper()}{description[1:]}?"
    if parameter.type == "choice":
        return f"Which {name}: {' or '.join(listing(parameter.limits.choices).rsplit(' and ', 1))}?"
    asked = _BY_TYPE.get(parameter.type) or f"Which {name}?"
    same = [each for each in skill.parameters if each.type == parameter.type]
    if len(same) > 1 and parameter.type != "text":
        asked = f"Which {name}?"
    return f"{asked[:-1]} ({description})?" if description else asked


def missing(skill: Skill, call: Call) -> Parameter | None:
    """The first needed parameter that a call leaves out."""
    return next((each for each in skill.parameters if each.required and each.name not in call.arguments), None)


def unsure(route: Route, skills: Mapping[str, Skill]) -> Question | None:
    """ "Did you mean …?", where one command was meant and another skill's is nearly as likely."""
    if route.rejected or len(route.calls) > 1 or route.confidence >= UNSURE or not route.alternatives:
        return None
    other = route.alternatives[0]
    calls = (*route.calls, *other.calls)
    if len(calls) > 2 or other.confidence < CLOSE * route.confidence or calls[0].name == calls[1].name:
        return None
    for call in calls:
        skill = skills.get(call.name)
        if call.name in (OTHER, UNDO) or skill is None or missing(skill, call):
            return None
    return Question(options=(route.calls, other.calls))


def did_you_mean(options: Sequence[Sequence[Call]]) -> str:
    """The sentence that asks which of several things was meant."""
    named = ", or ".join(listing([described(call) for call in calls]) for calls in options)
    return f"Did you mean {named}?"


def for_permission(call: Call) -> str:
    """Whether something risky may be done: "Shall I run runapp, Firefox?"."""
    return f"Shall I run {described(call)}?"


def described(call: Call) -> str:
    """A call as it is read out: "runapp, Firefox"."""
    values = ", ".join(str(value) for value in call.arguments.values())
    return f"{call.name.replace('_', ' ')}{', ' if values else ''}{values}"
