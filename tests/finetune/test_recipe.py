"""Recipes: what comes with Otto reads, and what is wrong names its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.recipe import load, names
from otto.errors import ConfigError
from otto.prompt import chat_format


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", names())
def test_every_recipe_that_comes_with_otto_reads(name: str) -> None:
    recipe = load(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.licence
    chat_format(recipe.prompt.format)


def test_the_families_of_the_issue_are_there() -> None:
    bases = " ".join(load(name).model.base for name in names())
    for family in ("mistralai/Mistral-7B-Instruct", "Qwen2.5-0.5B", "Qwen2.5-1.5B", "Qwen2.5-7B", "Llama", "270m"):
        assert family in bases
    assert load("tiny-base").model.base == ""
    assert load("tiny-qlora").model.base == "otto-tiny"


@pytest.mark.parametrize(
    ("text", "names_it"),
    [
        ("[training]\nstpes = 3", "training.stpes: unknown key; known here: accumulation"),
        ('[training]\nsteps = "many"', "training.steps: Input should be a valid integer"),
        ("[training]\nlearning_rate = 3.0", "training.learning_rate: Input should be less than 1"),
        ('[method]\nkind = "dora"', "method.kind: Input should be 'qlora', 'lora' or 'full'"),
        ('provider = "acme"', "provider: Input should be 'local', 'mistral' or 'openai'"),
        ('[method]\nkind = "lora"', "model.base: a model from scratch"),
        ('[method]\nkind = "full"\n[data]\nsample = true', "training.steps: sampled sentences never end"),
        ('[model]\nbase = "x"\n[training]\nearly_stopping = 2', "needs training.evaluate_every"),
        ("[model.shape]\nhidden = 30\nheads = 4", "model.shape: hidden (30) must be an even multiple of heads (4)"),
        ("steps = 3 steps", "not valid TOML"),
        ('extends = "nowhere"', "there is no recipe 'nowhere'"),
    ],
)
def test_a_wrong_recipe_names_file_and_key(tmp_path: Path, text: str, names_it: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert names_it in str(error.value)
    if "nowhere" not in text:
        assert str(path) in str(error.value)


def test_a_recipe_changes_the_one_it_extends(tmp_path: Path) -> None:
    written(tmp_path, '[model]\nbase = "big"\n[training]\nsteps = 7\nseed = 3', "base.toml")
    recipe = load(written(tmp_path, 'extends = "base"\n[training]\nsteps = 9'))
    assert (recipe.model.base, recipe.training.steps, recipe.training.seed, recipe.name) == ("big", 9, 3, "mine")


def test_recipes_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "other"', "one.toml")
    written(tmp_path, 'extends = "one"', "other.toml")
    with pytest.raises(ConfigError, match="in a circle"):
        load(tmp_path / "one.toml")


def test_keys_can_be_set_from_outside() -> None:
    recipe = load("qwen-0.5b", {"training.steps": "20", "model.base": "some/where", "data.packing": "true"})
    assert (recipe.training.steps, recipe.model.base, recipe.data.packing) == (20, "some/where", True)
    with pytest.raises(ConfigError, match=r"training\.nothing: unknown key"):
        load("tiny-qlora", {"training.nothing": "1"})


def test_rows_that_would_not_be_read_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.train: .*reads no rows.*data\.sample=false"):
        load("tiny-qlora", {"data.train": "mine.jsonl"})
    assert load("tiny-qlora", {"data.train": "mine.jsonl", "data.sample": "false"}).data.train.name == "mine.jsonl"


def test_an_unknown_recipe_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="mistral-7b"):
        load("mistral")
