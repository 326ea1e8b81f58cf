"""The card beside a model's weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otto.errors import ModelFileError
from otto.models.card import Card, differences, digest, place, read, taught, verify, write
from otto.prompt import router_prompt
from otto.skill import Parameter, Skill

LIGHTS = Skill("lights", (Parameter("room"),), "Switches the lights.")
BELL = Skill("bell", (), "Rings.")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def a_card(weights: Path) -> Card:
    return Card(name="small", kind="gguf", sha256={weights.name: digest(weights)}, metrics={"exact": 0.9}, size=13)


def test_a_card_is_read_as_it_was_written(weights: Path) -> None:
    path = write(weights, a_card(weights))
    assert path == place(weights) == weights.with_name("small.gguf.card.json")
    assert read(weights) == a_card(weights)


def test_the_card_of_a_folder_lies_inside(tmp_path: Path) -> None:
    assert place(tmp_path) == tmp_path / "otto.card.json"
    assert read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', "\xff", '{"name": '])
def test_a_damaged_card_is_refused_by_name(weights: Path, text: str) -> None:
    place(weights).write_text(text, encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"small\.gguf\.card\.json"):
        read(weights)


def test_weights_that_are_not_the_cards_are_refused_with_what_to_do(weights: Path) -> None:
    card = a_card(weights)
    verify(weights, card)
    weights.write_bytes(b"GGUF and other")
    with pytest.raises(ModelFileError, match="otto models pull small"):
        verify(weights, card)
    weights.unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        verify(weights, card)


def test_what_differs_from_when_the_model_was_taught_is_named(weights: Path) -> None:
    prompt = router_prompt("plain", system="")
    card = replace(a_card(weights), **taught(prompt, [LIGHTS, BELL]))
    assert differences(card, prompt, [BELL, LIGHTS]) == []
    assert differences(card, prompt, [LIGHTS]) == ["skills gone: bell"]
    assert differences(card, prompt, [LIGHTS], hidden=["bell"]) == []
    grown = replace(LIGHTS, parameters=(Parameter("room"), Parameter("state")))
    assert differences(card, prompt, [grown, BELL]) == ["changed skills: lights"]
    assert differences(card, prompt, [LIGHTS, BELL, Skill("door")]) == ["unknown to the model: door"]
    assert differences(card, router_prompt("plain"), [LIGHTS, BELL]) == ["system text"]
    assert card.prompt() == prompt
