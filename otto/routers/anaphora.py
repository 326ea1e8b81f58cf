"""Words that point back: "what time is it in Tokyo, and what's the weather there".

>>> str(resolved("what's the weather there", weather, [timecheck_in_tokyo], skills))
'weather(location="Tokyo")'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otto.call import Call
from otto.routers.joints import words
from otto.skill import Skill

_THERE = frozenset(["there"])
_NOT_THERE = frozenset(["is", "are", "was", "isn't", "aren't"])
"""Words before or behind "there" that make it no place: "is there any news"."""


def resolved(text: str, call: Call, earlier: Sequence[Call], skills: Mapping[str, Skill]) -> Call:
    """`call`, which `text` means, with the place that "there" stands for: the last one of `earlier` calls."""
    skill = skills.get(call.name)
    if skill is None or not points_there(text):
        return call
    open_places = [each.name for each in skill.parameters if each.type == "place" and each.name not in call.arguments]
    if not open_places:
        return call
    for before in reversed(earlier):
        known = skills.get(before.name)
        for each in known.parameters if known else ():
            if each.type == "place" and each.name in before.arguments:
                return Call(call.name, {**call.arguments, open_places[0]: before.arguments[each.name]})
    return call


def points_there(text: str) -> bool:
    """Whether a "there" in `text` is a place that was named before."""
    said = words(text)
    return any(
        word in _THERE
        and not (place + 1 < len(said) and said[place + 1] in _NOT_THERE)
        and not (place == 1 and said[0] in _NOT_THERE)
        for place, word in enumerate(said)
    )
