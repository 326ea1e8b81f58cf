"""Trains what finds the arguments: from examples to one `Arguments` a skill."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otto.call import Call, Scalar
from otto.encoder import Encoder
from otto.example import Example
from otto.routers import softmax, swap, tagger
from otto.routers.alignment import NOW, Aligned, align, decided_by_sentence
from otto.routers.arguments import Arguments, Decider, kinds, trust_in_names
from otto.routers.features import mark, observe, place_kinds
from otto.routers.sentence import Projection, Sentence, sentences
from otto.routers.swap import Row
from otto.routers.tagger import Field, Tagged, Tagger
from otto.skill import Skill, to_json

SWAPS = ((700, 12), (1500, 4), (4000, 1))
"""Up to so many sentences with values: how often their values are swapped."""
ENCODED = 1500
"""Up to so many sentences, those with swapped values are encoded anew."""
FEW_TIMES = 12
"""A skill among others counts as a set of so many times its own sentences, for the two numbers above."""
QUICK_SWAPS = 4
ITERATIONS = 60
POOLED_ITERATIONS = 40
POOLED_WORK = 2e9
"""Words × labels² up to which a field is trained for all skills together."""
SHARED = 1 / 3
"""Share of text parameters that several skills must have in common for that."""
ON_THE_MAP = 0.3
"""Share of a text parameter's values in the gazetteer from which on places are marked for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Examples, encoded."""

    examples: Sequence[Example]
    """Each with exactly one call."""
    sentences: Sequence[Sentence]
    """Of the examples, in their order."""
    design: softmax.Design
    """Of the examples, in their order."""


def train_arguments(
    skills: Mapping[str, Skill],
    material: Material,
    encoder: Encoder,
    projection: Projection,
    previous: Mapping[str, Arguments],
    seed: int,
    progress: Callable[[float], None],
) -> dict[str, Arguments]:
    """What finds the arguments of each skill that has parameters and examples.

    What `previous` holds for a skill is kept where schema and examples are still the same.
    """
    plans = {name: _plan(skill, material) for name, skill in skills.items() if skill.parameters}
    plans = {name: plan for name, plan in plans.items() if plan.places}
    pool = swap.values([row for plan in plans.values() for row in plan.rows])
    on_map = [name for name, found in pool.items() if _mostly_places(found)]
    count = sum(len(plan.rows) for plan in plans.values())
    trained: dict[str, Arguments] = {}
    rows: dict[str, list[Tagged]] = {}
    for done, (name, plan) in enumerate(plans.items()):
        # A value may come from another skill's examples, so those with its parameters belong to the key.
        key = _key(plan, pool, on_map)
        if name in previous and previous[name].trained_on == key:
            trained[name] = previous[name]
            continue
        marked = kinds(plan.skill, plan.tagged, on_map)
        # A skill with a few examples needs them multiplied also among skills that have hundreds.
        size = min(count, FEW_TIMES * len(plan.rows))
        rows[name] = _tagged(plan, pool, marked, size, seed, encoder, projection)
        field = None
        if rows[name] and plan.tagged:
            own = tagger.train(rows[name], ITERATIONS)
            field = Field(own, frozenset(each.name for each in plan.skill.parameters if each.repeats))
        deciders = tuple(_decider(parameter, plan, material) for parameter in plan.decided)
        trained[name] = Arguments(plan.skill, marked, field, tuple(each for each in deciders if each), key)
        progress((done + 1) / len(plans))
    if not previous and (shared := _pooled(plans, rows)):
        trained = {name: _with(each, shared) for name, each in trained.items()}
    return trained


def held_out_arguments(skills: Mapping[str, Skill], material: Material, seed: int) -> tuple[list[float], list[bool]]:
    """Log probabilities of arguments that taggers found in a quarter of the sentences, having seen the others; and
    which of them were right. The taggers are quick ones: no sentence is encoded again."""
    order = np.random.default_rng(seed).permutation(len(material.examples))
    tested, seen = order[::4].tolist(), np.delete(order, np.s_[::4])
    part = Material(
        [material.examples[place] for place in seen.tolist()],
        [material.sentences[place] for place in seen.tolist()],
        material.design.rows(seen),
    )
    quick = {name: _plan(skill, part) for name, skill in skills.items() if skill.parameters}
    pool = swap.values([row for plan in quick.values() for row in plan.rows])
    likely: list[float] = []
    right: list[bool] = []
    for name, plan in quick.items():
        if not plan.rows or not plan.tagged:
            continue
        made = swap.swapped(plan.rows, pool, QUICK_SWAPS, seed)
        marked = kinds(plan.skill, plan.tagged, ())
        rows = [_observed(row, marked) for row in (*plan.rows, *made)]
        repeating = frozenset(each.name for each in plan.skill.parameters if each.repeats)
        deciders = tuple(_decider(parameter, plan, part) for parameter in plan.decided)
        found = Arguments(
            plan.skill,
            marked,
            Field(tagger.train(rows, ITERATIONS), repeating),
            tuple(each for each in deciders if each),
        )
        for place in tested:
            example = material.examples[place]
            if example.calls[0].name == name:
                call, log_probability = found.call(material.sentences[place], material.design.row(place), NOW)
                likely.append(log_probability)
                right.append(call == example.calls[0])
    return likely, right


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What there is to learn for one skill."""

    skill: Skill
    places: Sequence[int]
    """Its examples in the material."""
    calls: Sequence[Call]
    decided: tuple[str, ...]
    """Parameters that the whole sentence decides."""
    tagged: tuple[str, ...]
    """Parameters that have words."""
    rows: Sequence[Row]
    """The examples in which every tagged argument has its words."""


def _plan(skill: Skill, material: Material) -> _Plan:
    places = [place for place, each in enumerate(material.examples) if each.calls[0].name == skill.name]
    calls = [material.examples[place].calls[0] for place in places]
    found: list[Aligned] = []
    for place, call in zip(places, calls, strict=True):
        sentence = material.sentences[place]
        found.append(align(sentence.text, sentence.spans, call, skill))
    decided = decided_by_sentence(skill, list(zip(calls, found, strict=True)))
    found = [each.without(decided) for each in found]
    rows = [
        Row(skill.name, material.sentences[place], each.tags)
        for place, each in zip(places, found, strict=True)
        if not each.lost and each.tags
    ]
    tagged = sorted({tag[2:] for row in rows for tag in row.tags} - {""})
    return _Plan(skill, places, calls, decided, tuple(tagged), rows)


def _mostly_places(found: Sequence[tuple[Row, tuple[str, int, int]]]) -> bool:
    """Whether enough of a parameter's values are on the map; a hundred of them tell."""
    chosen = found[:: max(1, len(found) // 100)]
    named = 0
    for row, (_, first, end) in chosen:
        text = row.sentence.text[row.sentence.spans[first][0] : row.sentence.spans[end - 1][1]]
        named += bool(text[:1].isalpha() and place_kinds(text))
    return named >= ON_THE_MAP * len(chosen)


def _key(plan: _Plan, pool: swap.Values, on_map: Sequence[str]) -> str:
    digest = hashlib.sha256(json.dumps(to_json(plan.skill), sort_keys=True).encode())
    for row in plan.rows:
        digest.update(f"{row.sentence.text}\n{' '.join(row.tags)}\n".encode(errors="surrogatepass"))
    for call in plan.calls:
        digest.update(f"{call}\n".encode(errors="surrogatepass"))
    for name in plan.tagged:
        others = sorted({row.skill for row, _ in pool[name]})
        digest.update(f"{name} {name in on_map} {others}\n".encode())
    return digest.hexdigest()[:16]


def _tagged(
    plan: _Plan,
    pool: swap.Values,
    marked: Sequence[str],
    count: int,
    seed: int,
    encoder: Encoder,
    projection: Projection,
) -> list[Tagged]:
    times = next((times for most, times in SWAPS if count <= most), 0)
    # What a typed value looks like, the value table knows; only texts need more examples.
    free = any(_type(plan.skill, name) == "text" for name in plan.tagged)
    made = swap.swapped(plan.rows, pool, times, seed) if free else []
    if made and count <= ENCODED:
        texts, cut = [row.sentence.text for row in made], [row.sentence.spans for row in made]
        encoded, _ = sentences(encoder, projection, texts, cut)
        made = [Row(row.skill, sentence, row.tags) for row, sentence in zip(made, encoded, strict=True)]
    return [_observed(row, marked) for row in (*plan.rows, *made)]


def _observed(row: Row, marked: Sequence[str]) -> Tagged:
    marks = mark(row.sentence.text, row.sentence.spans, marked, NOW)
    return Tagged(observe(row.sentence, marks), row.tags)


def _pooled(plans: Mapping[str, _Plan], rows: Mapping[str, Sequence[Tagged]]) -> Tagger | None:
    """A field for all skills together, where they have enough in common and it is not too much work."""
    names = [name for plan in plans.values() for name in plan.tagged]
    # The words of a typed value are found by the value table, whatever the skill.
    texts = [name for plan in plans.values() for name in plan.tagged if _type(plan.skill, name) == "text"]
    common = sum(texts.count(name) > 1 for name in texts)
    every = [row for part in rows.values() for row in part]
    work = sum(len(row.tags) for row in every) * (2 * len(set(names)) + 1) ** 2
    if not texts or common < SHARED * len(texts) or work > POOLED_WORK:
        return None
    return tagger.train(every, POOLED_ITERATIONS)


def _type(skill: Skill, name: str) -> str:
    parameter = skill.parameter(name)
    return parameter.type if parameter else ""


def _with(arguments: Arguments, pooled: Tagger) -> Arguments:
    if not arguments.field:
        return arguments
    field = Field(arguments.field.own, arguments.field.repeating, pooled)
    return Arguments(arguments.skill, arguments.kinds, field, arguments.deciders, arguments.trained_on)


def _decider(parameter: str, plan: _Plan, material: Material) -> Decider | None:
    """None where no example gives the parameter."""
    schema = plan.skill.parameter(parameter)
    assert schema is not None
    given = [_scalar(call, parameter) for call in plan.calls]
    options: list[Scalar | None] = sorted({value for value in given if value is not None}, key=str)
    if not options:
        return None
    if None in given:
        options.append(None)
    chosen = material.design.rows(np.array(plan.places, np.int64))
    columns = np.unique(chosen.columns)
    narrow = softmax.Design(
        chosen.values,
        np.searchsorted(columns, chosen.columns).astype(np.int32),
        chosen.starts,
        len(columns),
        chosen.dense,
    )
    targets = np.array([options.index(value) for value in given], np.int64)
    weights = softmax.fit(narrow, targets, len(options), strength=30.0, iterations=40)
    said = [material.sentences[place].text for place in plan.places]
    return Decider(parameter, tuple(options), columns, weights, trust_in_names(said, targets.tolist(), options))


def _scalar(call: Call, parameter: str) -> Scalar | None:
    value = call.arguments.get(parameter)
    return value[0] if isinstance(value, tuple) else value
