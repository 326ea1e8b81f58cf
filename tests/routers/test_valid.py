"""Whatever is said, a model's route can be carried out: its calls parse and pass their skills' checks.

Uses the model that Otto brings, and where it is not there one with random weights, which writes better nonsense."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pytest

from otto.call import OTHER, parse
from otto.config import Folders, bundled
from otto.grammar import grammar
from otto.models.language import LanguageModel
from otto.prompt import router_prompt
from otto.registry.registry import Registry
from otto.route import Context
from otto.routers.choose import TINY
from otto.routers.model import ModelRouter
from otto.skill import Skill
from tests.utterances import utterances

pytestmark = pytest.mark.heavy
SHIPPED = TINY / "otto-tiny.gguf"
COUNTS = [48, pytest.param(2000, marks=pytest.mark.nightly)]


@lru_cache
def skills(cache: Path) -> tuple[Skill, ...]:
    registry = Registry(Folders((bundled("examples"),), (bundled("skills"),)), cache=cache)
    registry.close()
    return tuple(entry.skill for entry in registry.snapshot.skills.values())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file; beside it, or in `<stem>-hf`, the same as safetensors."""
    pytest.importorskip("torch")
    if SHIPPED.is_file():
        return SHIPPED
    from tests.tinymodels import random_gguf

    return random_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


def all_valid(model: LanguageModel, count: int, now: datetime, tmp_path: Path) -> list[str]:
    known = {skill.name: skill for skill in skills(tmp_path)}
    router = ModelRouter(model, skills(tmp_path), router_prompt("plain", ""), name="model", grammar=grammar, seconds=60)
    refused = []
    for text in utterances(count):
        route = router.route(text, Context(now))
        assert parse(str(route), max_length=None) == route.calls, text
        for call in route.calls:
            if call.name != OTHER:
                known[call.name].check(call, now)
        if "refused" in route.trace:
            refused.append(str(route.trace["refused"]))
    return refused


@pytest.mark.parametrize("count", COUNTS)
def test_through_llama(weights: Path, count: int, now: datetime, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    from otto.models.llama import Llama

    model = Llama(weights)
    try:
        model.wait_loaded()
        refused = all_valid(model, count, now, tmp_path)
    finally:
        model.close()
    if weights == SHIPPED:
        assert len(refused) <= 0.1 * count, refused[:5]


@pytest.mark.parametrize("count", COUNTS)
def test_through_transformers(weights: Path, count: int, now: datetime, tmp_path: Path) -> None:
    from otto.models.transformer import TransformerModel

    folder = TINY if weights == SHIPPED else weights.with_name(f"{weights.stem}-hf")
    refused = all_valid(TransformerModel(folder, device="cpu"), count, now, tmp_path)
    if weights == SHIPPED:
        assert len(refused) <= 0.1 * count, refused[:5]
