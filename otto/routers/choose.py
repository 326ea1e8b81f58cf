"""Which router the settings mean, and the language models behind it, kept loaded while skills change.

    >>> models = Models(settings)
    >>> router = models.over(fewshot, skills)     # what `router = "…"` says, over the one that is always there
    >>> models.single("llama", skills)            # one alone, to compare

Whatever becomes of a model, `fewshot` has answered before: a model that is late or broken is passed over.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from otto.config import Settings
from otto.errors import ConfigError, ModelError, OttoError
from otto.models import calibration
from otto.models.calibration import Calibration
from otto.models.card import SHIPPED, Card
from otto.models.card import read as read_card
from otto.models.language import LanguageModel, Request, Written
from otto.prompt import RouterPrompt, router_prompt
from otto.route import Router
from otto.routers.cascade import ALWAYS, CascadeRouter, Stage
from otto.routers.model import ModelRouter, Shortlist
from otto.skill import Skill

log = logging.getLogger(__name__)

MODELS = ("llama", "transformers", "openai")
"""Routers over a language model."""
ROUTERS = ("fewshot", *MODELS, "cascade")
"""All that can be compared."""
TINY = SHIPPED / "tiny"
"""The model that Otto brings."""


class Models:
    """The engines of the settings; each is made when first needed, and stays."""

    def __init__(
        self, settings: Settings, *, strict: bool = True, calibrations: Mapping[str, Calibration] | None = None
    ) -> None:
        """`strict`: refuse a model that knows none of the skills. `calibrations`: by router, in place of saved ones."""
        self.settings = settings
        self._strict = strict
        self._calibrations = calibrations
        self._engines: dict[str, LanguageModel] = {}
        self.sentences: Mapping[str, Sequence[str]] = {}
        """Examples by skill: what tells skills apart where a prompt cannot list them all."""

    def fitted(self, calibrations: Mapping[str, Calibration]) -> Models:
        """The same engines with other calibrations, by router. Only one of the two is closed."""
        other = Models(self.settings, strict=self._strict, calibrations=calibrations)
        other._engines, other.sentences = self._engines, self.sentences
        return other

    def over(self, first: Router, skills: Sequence[Skill], router: str | None = None) -> Router:
        """The router of the settings (or `router`), on top of a `first` that always answers.

        Raises `OttoError` where a model is asked for by name and cannot be had; `auto` does without.
        """
        wanted = router or self.settings.router
        if wanted == "fewshot":
            return first
        if wanted in MODELS:
            stages = [Stage(self.single(wanted, skills), ALWAYS)]
        elif wanted == "cascade":
            stages = [self._stage(name, skills) for name in self.stages()]
        else:
            stages = self._helpful(skills)
        name = wanted if wanted in MODELS else "cascade"
        if not stages:
            return first
        risky = [skill.name for skill in skills if skill.risk == "confirm"]
        return CascadeRouter(first, stages, seconds=self.settings.router_seconds, name=name, risky=risky)

    def single(self, name: str, skills: Sequence[Skill], *, later: bool = False) -> ModelRouter:
        """The router over one model alone, as sure as its calibration says. Raises `OttoError` where it cannot be
        had; with `later` the engine is only started when it is first asked, and what is wrong then is a `ModelError`.
        """
        from otto.grammar import grammar

        card, prompt, found = self._card(name), self.prompt(name), self.calibration(name, skills)
        knows = card is None or card.system or any(card.skills.get(skill.name) == skill.hash for skill in skills)
        if self._strict and not knows:
            from otto.models.verify import refuse_other_skills

            # It knows its skills by heart, and these are none of them.
            refuse_other_skills(self._file(name), card, prompt, skills)
        engine = self._engine(name, later)
        router = ModelRouter(
            engine,
            skills,
            prompt,
            name=name,
            card=card,
            grammar=grammar,
            shortlist=self._shortlist(name, prompt, skills),
            confidence=found.sure() if found else None,
            seconds=self.settings.router_seconds,
            hidden=self.settings.hidden,
        )
        from otto.models.llama import Llama

        if isinstance(engine, Llama) and prompt.system:
            engine.prepare(router.request("").prompt)  # or the first sentence waits for the list of skills
        return router

    def stages(self) -> list[str]:
        """What a cascade asks after the first: the model on this machine, then the server, if one is set."""
        given = self._given()
        local = "transformers" if given and given.is_dir() else "llama"
        return [local, *(["openai"] if self.settings.router_endpoint_model else [])]

    def calibration(self, name: str, skills: Sequence[Skill]) -> Calibration | None:
        """What is known of this model with these skills."""
        if self._calibrations is not None:
            return self._calibrations.get(name)
        return calibration.read(self.key(name, skills), self.settings.cache_folder, self.weights(name))

    def key(self, name: str, skills: Sequence[Skill]) -> str:
        """What a calibration of this model with these skills goes by. Raises `OttoError`."""
        return calibration.key(self.identity(name), self.prompt(name), skills)

    def prompt(self, name: str) -> RouterPrompt:
        """How a model is asked: as its card says, or in the framing of the settings."""
        card = self._card(name)
        return card.prompt() if card else router_prompt(self.settings.router_format)

    def identity(self, name: str) -> str:
        """What a calibration of this model goes by."""
        weights = self.weights(name)
        if weights is None:
            return f"{self._server()} {self.settings.router_endpoint_model} {self.settings.router_style}"
        return calibration.identity(weights, self._adapter())

    def close(self) -> None:
        """Ends all engines."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def _stage(self, name: str, skills: Sequence[Skill], *, later: bool = False) -> Stage:
        router, found = self.single(name, skills, later=later), self.calibration(name, skills)
        return Stage(router, found.rule()) if found else Stage(router)

    def _helpful(self, skills: Sequence[Skill]) -> list[Stage]:
        """Of the stages the ones that were measured to help, and can be had."""
        found: list[Stage] = []
        try:
            for name in self.stages():
                known = self.calibration(name, skills)
                if known and known.helps:
                    # Most commands need no model: a single one should not start a process for nothing. One that has to
                    # read a list of skills first would never be in time, though.
                    later = name == "llama" and not self.prompt(name).system
                    found.append(self._stage(name, skills, later=later))
        except OttoError as error:
            log.info("going without a model: %s", error)
        return found

    def _engine(self, name: str, later: bool) -> LanguageModel:
        if name not in self._engines:
            made = {"llama": self._llama, "transformers": self._transformer, "openai": self._endpoint}[name]
            if later:
                self._refuse_missing(name)
            self._engines[name] = _Later(f"{name}:{self._file(name).name}", made) if later else made()
        return self._engines[name]

    def _refuse_missing(self, name: str) -> None:
        """Raises `OttoError` where it is plain that the engine cannot be had."""
        if name == "llama" and find_spec("llama_cpp") is None:
            from otto.models.llama import INSTALL

            raise ConfigError(f"GGUF models need llama.cpp: {INSTALL}")
        self._file(name)

    def _llama(self) -> LanguageModel:
        from otto.models.llama import Llama

        adapter, settings = self._adapter(), self.settings
        return Llama(
            self._file("llama"),
            adapters=[adapter] if adapter else [],
            context=settings.llama_context,
            threads=settings.llama_threads,
            cache=settings.cache_folder,
        )

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

    def _shortlist(self, name: str, prompt: RouterPrompt, skills: Sequence[Skill]) -> Shortlist | None:
        """For a model on this machine whose prompt lists the skills, where they do not all fit its context."""
        if name != "llama" or "{skills}" not in prompt.system:
            return None
        from otto.routers.shortlist import Shortlist as ByLikeness
        from otto.routers.shortlist import fitting

        chosen = ByLikeness(skills, self.sentences, characters=fitting(self.settings.llama_context))
        return None if chosen.all_fit else chosen

    def _file(self, name: str) -> Path:
        weights = self.weights(name)
        assert weights is not None
        if not weights.exists():
            raise ConfigError(f"{weights}: there is no such model; set router_model, or see: otto models list")
        return weights

    def weights(self, name: str) -> Path | None:
        """The file or folder of the model; None for a server."""
        if name == "openai":
            return None
        return self._given() or (TINY / "otto-tiny.gguf" if name == "llama" else TINY)

    def _given(self) -> Path | None:
        """The model of the settings: a path, or the name of one that was pulled. Raises `ModelFileError`."""
        if not self.settings.router_model:
            return None
        from otto.models.shelf import find

        return find(self.settings.router_model, self.settings)

    def _adapter(self) -> Path | None:
        return Path(self.settings.router_adapter).expanduser() if self.settings.router_adapter else None

    def _card(self, name: str) -> Card | None:
        weights, adapter = self.weights(name), self._adapter()
        if weights is None:
            return None
        return (read_card(adapter) if adapter else None) or read_card(weights)

    def _server(self) -> str:
        return self.settings.router_endpoint or os.environ.get("OPENAI_BASE_URL", "")


class _Later:
    """An engine that is started when it is first asked."""

    def __init__(self, name: str, made: Callable[[], LanguageModel]) -> None:
        self.name = name
        self._made = made
        self._engine: LanguageModel | None = None

    def write(self, request: Request) -> Written:
        """Raises `ModelError`, also where the engine cannot be had."""
        if self._engine is None:
            try:
                self._engine = self._made()
            except OttoError as error:
                raise ModelError(str(error)) from error
        return self._engine.write(request)

    def close(self) -> None:
        """Ends the engine, if it was started."""
        if self._engine is not None:
            self._engine.close()
