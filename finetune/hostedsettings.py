"""The section `[hosted]` of a recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finetune.provider import Provider
from finetune.recipe import Recipe
from otto.errors import ConfigError


class Hosted(BaseModel):
    """The section `[hosted]` of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = Field(min_length=1)
    """The base's name at the service."""
    suffix: str = ""
    """Part of the tuned model's name; the recipe's name unless given."""
    epochs: Annotated[float, Field(ge=0, le=50)] = 0.0
    """0: the service chooses; so for all that follow."""
    steps: Annotated[int, Field(ge=0, le=10_000)] = 0
    learning_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    learning_rate_multiplier: Annotated[float, Field(ge=0, le=100)] = 0.0
    batch_size: Annotated[int, Field(ge=0, le=256)] = 0
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    valid_rows: Annotated[int, Field(ge=0)] = 0
    """At most so many rows to validate with; 0: all."""
    address: str = ""
    """Another server with the same API."""
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 20.0


def settings(recipe: Recipe, provider: Provider) -> Hosted:
    """The recipe's `[hosted]`, checked. Raises `ConfigError` naming the key."""
    try:
        wanted = Hosted.model_validate(recipe.hosted)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in ("hosted", *first["loc"]))
        known = f"; known: {', '.join(Hosted.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise ConfigError(f"recipe {recipe.name}: {key}: {first['msg']}{known}") from None
    foreign = {"mistral": ("learning_rate_multiplier", "batch_size"),
               "openai": ("learning_rate", "steps", "weight_decay", "warmup_fraction")}[provider.name]  # fmt: skip
    for name in foreign:
        if getattr(wanted, name):
            raise ConfigError(f"recipe {recipe.name}: hosted.{name}: {provider.name} has no such setting")
    if len(wanted.suffix) > provider.longest_suffix:
        raise ConfigError(f"recipe {recipe.name}: hosted.suffix: {provider.longest_suffix} characters at most")
    if provider.name == "openai" and wanted.epochs != int(wanted.epochs):
        raise ConfigError(f"recipe {recipe.name}: hosted.epochs: {provider.name} trains whole epochs")
    return wanted
