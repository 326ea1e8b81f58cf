"""The arguments of one skill: found as words by a tagger, or decided by the whole sentence; then typed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from otto.call import Argument, Call, Scalar
from otto.errors import ValueReadError
from otto.routers import softmax
from otto.routers.alignment import SCATTERED, chunks
from otto.routers.classifier import VECTOR_WEIGHT
from otto.routers.features import PLACE, SPAN_TYPES, Observed, mark, observe
from otto.routers.ngrams import Columns, Values, levelled
from otto.routers.sentence import Floats, Sentence
from otto.routers.tagger import Field
from otto.skill import Parameter, Skill
from otto.values import Typed
from otto.values.span import spans

INCOMPLETE = math.log(0.1)
"""What a required argument that nobody finds does to the logarithm of the arguments' probability."""


@dataclass(frozen=True, eq=False)
class Decider:
    """A parameter whose value the whole sentence tells: logistic regression over its n-grams and vector."""

    parameter: str
    options: tuple[Scalar | None, ...]
    """The values that training saw; None: not given."""
    columns: Columns
    """Of the n-grams that count, ascending."""
    weights: Floats
    """(columns + 384 + 1) × options."""
    named: float = 0.0
    """What it adds to a value's log-odds that it is the only one which the sentence names: "lights off"."""

    def decide(self, text: str, grams: tuple[Columns, Values], vector: Floats) -> tuple[Scalar | None, float]:
        """The likeliest value and its probability."""
        columns, values = grams
        places = np.searchsorted(self.columns, columns)
        known = places < len(self.columns)
        known[known] = self.columns[places[known]] == columns[known]
        count = len(self.columns)
        logits = values[known] @ self.weights[places[known]] + VECTOR_WEIGHT * vector @ self.weights[count:-1]
        logits = logits + self.weights[-1]
        only = only_named(text, self.options)
        if only is not None:
            logits[only] += self.named
        shares = softmax.probabilities(logits)
        best = int(shares.argmax())
        return self.options[best], float(shares[best])


def only_named(text: str, options: Sequence[Scalar | None]) -> int | None:
    """Which option's own words stand in the sentence, if those of exactly one do."""
    padded = f" {' '.join(levelled(text))} "
    found = [
        place
        for place, option in enumerate(options)
        if isinstance(option, str) and f" {' '.join(levelled(option))} " in padded
    ]
    return found[0] if len(found) == 1 else None


def trust_in_names(texts: Sequence[str], targets: Sequence[int], options: Sequence[Scalar | None]) -> float:
    """How far to trust that a named option is meant: the log-odds of that in training, with one doubt added to both
    sides; never below 0."""
    named = [(only_named(text, options), target) for text, target in zip(texts, targets, strict=True)]
    right = sum(only == target for only, target in named if only is not None)
    wrong = sum(only != target for only, target in named if only is not None)
    return max(0.0, math.log((right + 1) / (wrong + 1)))


@dataclass(frozen=True, eq=False)
class Arguments:
    """All that is known of one skill's arguments."""

    skill: Skill
    kinds: tuple[str, ...]
    """What the value table and the gazetteer mark in its sentences."""
    field: Field | None
    """None: no parameter of this skill has words of its own."""
    deciders: tuple[Decider, ...]
    trained_on: str = ""
    """Hash of schema and examples: equal where nothing has to be trained again."""

    def observe(self, sentence: Sentence, now: datetime) -> Observed:
        """What the tagger reads."""
        return observe(sentence, mark(sentence.text, sentence.spans, self.kinds, now))

    def call(
        self, sentence: Sentence, grams: tuple[Columns, Values], now: datetime, pooled: Floats | None = None
    ) -> tuple[Call, float]:
        """The call that a sentence means, and the logarithm of how likely these arguments are.

        `grams`: the sentence's n-grams; `pooled`: scores of the field that all skills share, if they are known.
        """
        found: dict[str, Argument] = {}
        likely = 0.0
        if self.field:
            needed = frozenset(each.name for each in self.skill.parameters if each.required and each.type == "text")
            tags = self.field.tag(self.observe(sentence, now), pooled, needed)
            found.update(_values(sentence, tags.tags, self.skill, now))
            likely += tags.log_probability
        for decider in self.deciders:
            value, share = decider.decide(sentence.text, grams, sentence.vector)
            likely += float(np.log(share))
            if value is not None:
                found[decider.parameter] = value
        for parameter in self.skill.parameters:
            if parameter.required and parameter.name not in found:
                missing = _anywhere(sentence.text, parameter, now)
                if missing is not None:
                    found[parameter.name] = missing
                else:  # it will be refused, so something else is likelier
                    likely += INCOMPLETE
        ordered = {each.name: found[each.name] for each in self.skill.parameters if each.name in found}
        return Call(self.skill.name, ordered), likely


def kinds(skill: Skill, tagged: Sequence[str], places: Sequence[str]) -> tuple[str, ...]:
    """What to mark for the parameters that have words. `places`: those whose values are on the map."""
    types = {parameter.type for parameter in skill.parameters if parameter.name in tagged}
    found = [kind for kind in SPAN_TYPES if kind in types]
    if PLACE in types or any(name in tagged for name in places):
        found.append(PLACE)
    return tuple(found)


def _values(sentence: Sentence, tags: Sequence[str], skill: Skill, now: datetime) -> Mapping[str, Argument]:
    """What the tagged words mean, by parameter."""
    said: dict[str, list[str]] = {}
    for name, first, end in chunks(tags):
        said.setdefault(name, []).append(sentence.text[sentence.spans[first][0] : sentence.spans[end - 1][1]])
    found: dict[str, Argument] = {}
    for name, texts in said.items():
        parameter = skill.parameter(name)
        if parameter is None:
            continue
        if parameter.type in SCATTERED:
            texts = [" ".join(texts)]
        read = [value for text in texts if (value := canonical(text, parameter, now)) is not None]
        if not read and (other := _anywhere(sentence.text, parameter, now)) is not None:
            read = [other]
        if read:
            found[name] = tuple(read) if len(read) > 1 and parameter.repeats else read[0]
    return found


def canonical(text: str, parameter: Parameter, now: datetime) -> Scalar | None:
    """As it is written in calls: a text as it was said, anything else in its type's canonical form."""
    if parameter.type == "text":
        return text
    try:
        typed: Typed = parameter.read(text, now)
    except ValueReadError:
        return None
    written = parameter.write(typed)
    return None if isinstance(written, tuple) else written


def _anywhere(text: str, parameter: Parameter, now: datetime) -> Scalar | None:
    """A value that the tagger has missed: the longest that reads as the type; a text is the whole sentence."""
    if parameter.type == "text":
        return text.strip() or None
    if parameter.type not in SPAN_TYPES:
        return None
    found = spans(text, parameter.type, parameter.limits, now)
    return canonical(found[0].text, parameter, now) if found else None
