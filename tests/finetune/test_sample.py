"""Sampled sentences: what the tiny model learns from must itself be right."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from finetune.material import WORDINGS, gather, known, unseen, wordings
from finetune.recipe import load
from finetune.sample import Sampler
from finetune.shapes import from_example
from finetune.slips import framed, slipped
from finetune.split import leaks, split_of
from finetune.template import template
from finetune.unseen import common_words, made_up, varied
from otto.call import OTHER, parse, write
from otto.config import bundled
from otto.evidence import supported
from otto.example import Example
from otto.examples.file import NOON, plain, read, read_text
from otto.skill import Parameter, Skill

ROWS = 1500


@pytest.fixture(scope="module")
def bundled_examples() -> tuple[dict[str, Skill], list[Example]]:
    return known(bundled("examples"))


def lights() -> tuple[dict[str, Skill], list[Example]]:
    file = read_text(
        "#### Prompt:\n"
        'lights(state="on|off", room="[room]") switches lights.\n\n'
        "#### Examples:\n\n"
        'User: switch the lamp in the greenhouse on\nAssistant: lights(state="on", room="greenhouse")\n\n'
        'User: make it dark in the attic\nAssistant: lights(state="off", room="attic")\n\n'
        'User: lamp off in the winter garden\nAssistant: lights(state="off", room="winter garden")\n',
        Path("lights_examples.txt"),
    )
    return {skill.name: skill for skill in file.skills}, list(file.examples)


def test_every_row_can_be_learned_from(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    skills, examples = bundled_examples
    for row in Sampler(skills, examples, seed=3).sample(ROWS):
        assert parse(write(row.calls)) == row.calls
        for call in row.calls:
            if call.name == OTHER:
                continue
            skills[call.name].check(call, NOON)
            for name, value in call.arguments.items():
                parameter = skills[call.name].parameter(name)
                assert parameter
                assert supported(value, parameter, row.text, NOON), row


def test_no_row_is_held_out(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    skills, examples = bundled_examples
    assert {split_of(row.text) for row in Sampler(skills, examples, seed=4).sample(ROWS)} == {"train"}


def test_values_are_mostly_unseen(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    """A model that knew every value of the examples by heart must not get far."""
    skills, examples = bundled_examples
    seen = {str(value) for each in examples for call in each.calls for value in call.arguments.values()}
    sampler = Sampler(skills, examples, seed=5)
    texts = [
        str(value)
        for row in islice(sampler.of_skill("todo"), 300)
        for name, value in row.calls[0].arguments.items()
        if name == "item"
    ]
    assert len(texts) > 100
    assert sum(text not in seen for text in texts) > len(texts) / 2


def test_every_skill_and_several_commands_appear(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    skills, examples = bundled_examples
    rows = Sampler(skills, examples, seed=6).sample(ROWS)
    counts = Counter(row.calls[0].name for row in rows)
    assert counts.keys() == skills.keys()
    several = [row for row in rows if len(row.calls) > 1]
    assert 0.02 < len(several) / len(rows) < 0.12


def test_other_keeps_its_measured_share(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    skills, examples = bundled_examples
    measured = sum(each.calls[0].name == OTHER for each in examples) / len(examples)
    sampler = Sampler(skills, examples, seed=7)
    share = sum(row.calls[0].name == OTHER for row in sampler.sample(ROWS)) / ROWS
    assert abs(share - measured) < 0.06
    assert all(row.calls[0].name != OTHER for row in Sampler(skills, examples, other_share=0.0).sample(200))


def test_skills_that_the_base_was_never_taught_get_their_share(
    bundled_examples: tuple[dict[str, Skill], list[Example]],
) -> None:
    skills, examples = bundled_examples
    drawn = Sampler(skills, examples, seed=8, other_share=0.0, joined=0.0, unseen={"lock"}, unseen_share=0.5).sample(
        400
    )
    assert 0.4 < sum(row.calls[0].name == "lock" for row in drawn) / 400 < 0.65
    strange = Sampler(skills, examples, seed=1, unseen={"nobody"}, unseen_share=0.5)
    assert strange.sample(50) == Sampler(skills, examples, seed=1).sample(50)


def test_what_a_base_was_taught_is_on_its_card(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    skills, _ = bundled_examples
    lights = Skill("lights", (Parameter("room"),))
    changed = replace(skills["timer"], description="Does something else.")
    known = {**skills, "lights": lights, "timer": changed}
    assert unseen(load("tiny-qlora"), known) == {"lights", "timer"}
    assert unseen(load("qwen-0.5b"), known) == frozenset(), "no card says what it was taught"


def test_wordings_are_right_and_near_nothing_that_is_held_out(
    bundled_examples: tuple[dict[str, Skill], list[Example]],
) -> None:
    skills, examples = bundled_examples
    found = wordings(skills)
    assert len(found) == sum(len(read(path).layout.turns) for path in WORDINGS.glob("*")) > 2900  # none is refused
    assert {call.name for each in found for call in each.calls} == {*skills, OTHER}
    assert not {plain(each.text) for each in found} & {plain(each.text) for each in examples}
    held = [from_example(each, "held out") for each in examples if split_of(each.text) != "train"]
    assert not leaks([from_example(each, "wordings") for each in found], held)


def test_wordings_are_sampled_where_a_recipe_wants_them_and_validate_nothing() -> None:
    recipe = load("tiny-base")
    alone = recipe.model_copy(update={"data": recipe.data.model_copy(update={"wordings": False})})
    several, without = gather(recipe), gather(alone)
    assert len(several.examples) - len(without.examples) > 2900
    assert several.valid == without.valid


def test_a_wording_gives_way_to_the_users_own_sentence(
    bundled_examples: tuple[dict[str, Skill], list[Example]],
) -> None:
    skills, _ = bundled_examples
    first, second = wordings(skills)[:2]
    mine = replace(first, text=f"{first.text.upper()}.", calls=parse("other()"))
    assert [each.text for each in wordings(skills, [mine])[:1]] == [second.text]


def test_equal_seeds_give_equal_streams(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    assert Sampler(*bundled_examples, seed=1).sample(50) == Sampler(*bundled_examples, seed=1).sample(50)
    assert Sampler(*bundled_examples, seed=1).sample(50) != Sampler(*bundled_examples, seed=2).sample(50)


def test_rehearsal_copies_whole_sentences(bundled_examples: tuple[dict[str, Skill], list[Example]]) -> None:
    rows = list(islice(Sampler(*bundled_examples, seed=8).rehearsal(), 100))
    assert all(list(row.calls[0].arguments.values()) == [row.text] for row in rows)
    assert len({row.text for row in rows}) == 100
    assert not list(islice(Sampler(*lights(), seed=8).rehearsal(), 1))


def test_a_folder_of_three_sentences_is_enough() -> None:
    rows = Sampler(*lights(), seed=0).sample(200)
    assert {call.name for row in rows for call in row.calls} == {"lights"}
    rooms = {str(call.arguments["room"]) for row in rows for call in row.calls}
    assert len(rooms) > 30
    assert all(str(call.arguments["room"]) in row.text for row in rows for call in row.calls)


def test_what_is_decided_by_the_sentence_stays_as_it_is() -> None:
    skills, examples = lights()
    found = template(examples[1], skills)
    assert found
    assert [slot.parameter.name for slot in found.slots] == ["room"]
    assert dict(found.fixed) == {"state": "off"}
    assert write((found.call({"room": "hall"}),)) == 'lights(state="off", room="hall")'


def test_numbers_and_weekdays_become_others_of_their_kind() -> None:
    chance = random.Random(0)
    results = {varied("half past six on friday", chance, share=1.0) for _ in range(50)}
    assert len(results) > 20
    assert all(result.startswith("half past ") and result.endswith("day") for result in results)


def test_words_that_do_not_exist_are_new() -> None:
    chance = random.Random(0)
    words = [made_up(chance) for _ in range(200)]
    assert all(word.isalpha() for word in words)
    assert len(set(words) - set(common_words())) > 150


def test_slips_stay_rare_and_small() -> None:
    chance = random.Random(0)
    sentence = "set the timer for "
    changed = [text for text in (slipped(sentence, chance) for _ in range(1000)) if text != sentence]
    assert 40 < len(changed) < 250
    assert {framed("what time is it", chance) for _ in range(200)} >= {"what time is it", "What time is it?"}
