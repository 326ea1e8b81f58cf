"""Which router the settings mean, and the language models behind it, kept loaded while skills change.

    >>> models = Models(settings)
    >>> router = models.over(fewshot, skills)     # what `router = "…"` says, over the one that is always there
    >>> models.single("llama", skills)            # one alone, to compare

Whatever becomes of a model, `fewshot` has answered before: a model that is late or broken is passed over.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from otto.config import Settings
from otto.errors import ConfigError, OttoError
from otto.models import calibration
from otto.models.calibration import Calibration
from otto.models.card import Card
from otto.models.card import read as read_card
from otto.models.language import LanguageModel
from otto.prompt import RouterPrompt, router_prompt
from otto.route import Router
from otto.routers.cascade import ALWAYS, CascadeRouter, Stage
from otto.routers.model import ModelRouter
from otto.skill import Skill

log = logging.getLogger(__name__)

MODELS = ("llama", "transformers", "openai")
"""Routers over a language model."""
ROUTERS = ("fewshot", *MODELS, "cascade")
"""All that can be compared."""
TINY = Path(__file__).resolve().parent.parent / "data" / "tiny"
"""The model that Otto brings."""


class Models:
    """The engines of the settings; each is made when first needed, and stays."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engines: dict[str, LanguageModel] = {}

    def over(self, first: Router, skills: Sequence[Skill], router: str | None = None) -> Router:
        """The router of the settings (or `router`), on top of a `first` that always answers.

        Raises `OttoError` where a model is asked for by name and cannot be had; `auto` does without.
        """
        wanted = router or self.settings.router
        if wanted == "fewshot":
            return first
        if wanted in MODELS:
            stage = Stage(self.single(wanted, skills), ALWAYS)
            return CascadeRouter(first, [stage], seconds=self.settings.router_seconds, name=wanted)
        stages = self._helpful(skills) if wanted == "auto" else self._stages(skills)
        return CascadeRouter(first, stages, seconds=self.settings.router_seconds) if stages else first

    def single(self, name: str, skills: Sequence[Skill], known: Calibration | None = None) -> ModelRouter:
        """The router over one model alone. Raises `OttoError` where it cannot be had."""
        card, prompt = self._card(name), self.prompt(name)
        found = known or calibration.read(
            calibration.key(self.identity(name), prompt, skills), self.settings.cache_folder, self._weights(name)
        )
        from otto.grammar import grammar

        return ModelRouter(
            self._engine(name),
            skills,
            prompt,
            name=name,
            card=card,
            grammar=grammar,
            confidence=found.sure() if found else None,
            seconds=self.settings.router_seconds,
        )

    def prompt(self, name: str) -> RouterPrompt:
        """How a model is asked: as its card says, or in the framing of the settings."""
        card = self._card(name)
        return card.prompt() if card else router_prompt(self.settings.router_format)

    def identity(self, name: str) -> str:
        """What a calibration of this model goes by."""
        weights = self._weights(name)
        if weights is None:
            return f"{self._server()} {self.settings.router_endpoint_model} {self.settings.router_style}"
        return calibration.identity(weights, self._adapter())

    def close(self) -> None:
        """Ends all engines."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def local(self) -> str:
        """`llama` or `transformers`, by what the model of the settings is."""
        path = self.settings.router_model
        return "transformers" if path and Path(path).expanduser().is_dir() else "llama"

    def _stages(self, skills: Sequence[Skill]) -> list[Stage]:
        """What a cascade asks after the first: the model on this machine, then the server, if one is set."""
        names = [self.local(), *(["openai"] if self.settings.router_endpoint_model else [])]
        stages = []
        for name in names:
            router = self.single(name, skills)
            found = self._calibration(name, skills)
            stages.append(Stage(router, found.rule()) if found else Stage(router))
        return stages

    def _helpful(self, skills: Sequence[Skill]) -> list[Stage]:
        """Of these the ones that were measured to help, and can be had."""
        stages = []
        for name in (self.local(), "openai"):
            weights = self._weights(name)
            if weights is not None and not weights.exists():
                continue
            if name == "openai" and not self.settings.router_endpoint_model:
                continue
            found = self._calibration(name, skills)
            if found is None or not found.helps:
                continue
            try:
                stages.append(Stage(self.single(name, skills, found), found.rule()))
            except OttoError as error:
                log.info("going without %s: %s", name, error)
        return stages

    def _calibration(self, name: str, skills: Sequence[Skill]) -> Calibration | None:
        try:
            key = calibration.key(self.identity(name), self.prompt(name), skills)
        except OttoError as error:
            log.info("no calibration for %s: %s", name, error)
            return None
        return calibration.read(key, self.settings.cache_folder, self._weights(name))

    def _engine(self, name: str) -> LanguageModel:
        if name not in self._engines:
            made = {"llama": self._llama, "transformers": self._transformer, "openai": self._endpoint}
            self._engines[name] = made[name]()
        return self._engines[name]

    def _llama(self) -> LanguageModel:
        from otto.models.llama import Llama

        adapter = self._adapter()
        return Llama(self._file("llama"), adapters=[adapter] if adapter else [], cache=self.settings.cache_folder)

    def _transformer(self) -> LanguageModel:
        from otto.models.transformer import TransformerModel

        engine = TransformerModel(self._file("transformers"), self._adapter())
        engine.load()
        return engine

    def _endpoint(self) -> LanguageModel:
        from otto.models.endpoint import EndpointModel

        settings = self.settings
        return EndpointModel(
            settings.router_endpoint_model or settings.openai_model,
            base_url=settings.router_endpoint,
            style=settings.router_style,
            price_in=settings.price_in,
            price_out=settings.price_out,
        )

    def _file(self, name: str) -> Path:
        weights = self._weights(name)
        assert weights is not None
        if not weights.exists():
            raise ConfigError(f"{weights}: there is no such model; set router_model, or see: otto models list")
        return weights

    def _weights(self, name: str) -> Path | None:
        """The file or folder of the model; None for a server."""
        if name == "openai":
            return None
        if self.settings.router_model:
            return Path(self.settings.router_model).expanduser()
        return TINY / "otto-tiny.gguf" if name == "llama" else TINY

    def _adapter(self) -> Path | None:
        return Path(self.settings.router_adapter).expanduser() if self.settings.router_adapter else None

    def _card(self, name: str) -> Card | None:
        weights, adapter = self._weights(name), self._adapter()
        return (read_card(adapter) if adapter else None) or (read_card(weights) if weights else None)

    def _server(self) -> str:
        return self.settings.router_endpoint or os.environ.get("OPENAI_BASE_URL", "")
