"""Which models coach: those of the setting `coach_models`, or else `openai_model` at `OPENAI_BASE_URL`.

    coach_models = ["base: mistral-7b @ http://localhost:8000/v1", "tuned: coach-7b @ http://localhost:8001/v1"]

Without a name the model's own is taken, without an address `OPENAI_BASE_URL`. A key is shown only to the server that it
is for: `OPENAI_API_KEY` to that of `OPENAI_BASE_URL` (or to OpenAI), and `OTTO_COACH_KEY_TUNED` to that of `tuned`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from otto.config import Settings
from otto.errors import ConfigError, SkillError
from otto.log import hide
from otto.network.openaiserver import OPENAI, usable
from otto.network.openaiserver import origin as origin_of

_ENTRY = re.compile(r"(?:(?P<name>[\w.-]{1,40}):\s+)?(?P<model>[^@\s]\S*)(?<!:)(?:\s+@\s+(?P<address>\S+))?")


@dataclass(frozen=True, slots=True)
class CoachModel:
    """A model that can be asked."""

    name: str
    """What people call it."""
    model: str
    """What its server calls it."""
    base_url: str
    """With its `/v1`."""
    key: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port of its server."""
        return origin_of(self.base_url)

    def __repr__(self) -> str:
        return f"CoachModel({self.name!r}, {self.model!r}, {self.base_url!r})"  # never the key


def coach_models(settings: Settings, environment: Mapping[str, str] = os.environ) -> tuple[CoachModel, ...]:
    """The models in the order of the settings. Raises `ConfigError` naming the entry, and `SkillError` with a sentence
    where there is none."""
    if not settings.coach_models and not settings.openai_model:
        raise SkillError('I don\'t know which model coaches: set coach_models = ["…"] in otto.toml.')
    entries = settings.coach_models or (settings.openai_model,)
    models = [_read(entry, environment) for entry in entries]
    if len({model.name for model in models}) < len(models):
        raise ConfigError("coach_models: two models have the same name; write them as name: model @ address")
    return tuple(models)


def _read(entry: str, environment: Mapping[str, str]) -> CoachModel:
    found = _ENTRY.fullmatch(entry.strip())
    if found is None:
        raise ConfigError(f"coach_models: {entry!r} should read name: model @ http://localhost:8000/v1")
    name, base = found["name"] or found["model"], environment.get("OPENAI_BASE_URL", "")
    address = found["address"] or base or (OPENAI if environment.get("OPENAI_API_KEY") else "")
    if not address:
        raise SkillError(f"I don't know where {name} runs: set OPENAI_BASE_URL, or its address in coach_models.")
    if not usable(address):
        raise ConfigError(f"coach_models: the address of {name} must be like http://localhost:8000/v1")
    key = environment.get("OTTO_COACH_KEY_" + re.sub(r"\W", "_", name).upper(), "")
    if not key and address == (base or OPENAI):
        key = environment.get("OPENAI_API_KEY", "")
    hide(key)
    return CoachModel(name, found["model"], address, key)
