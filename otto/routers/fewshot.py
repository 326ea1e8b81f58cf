"""The `fewshot` router: learns from a few examples a skill in seconds and answers in two milliseconds.

    >>> router = FewshotRouter.train(skills, examples, cache=settings.cache_folder)
    >>> str(router.route("what's the weather in Berlin", Context(now)))
    'weather(location="Berlin")'

A sentence encoder and n-grams say which skill is meant (`classifier.py`) or that none is (`calibration.py`); a
conditional random field finds the words of its arguments (`tagger.py`); the value table types them (`arguments.py`).
What was tried on the way, and what each part is worth, is in docs/experiments.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from otto.call import OTHER, Call
from otto.encoder import Encoder, shared
from otto.example import Example
from otto.progress import Progress
from otto.route import Alternative, Context, Route
from otto.routers import saved
from otto.routers.calibration import RISKY_SURETY
from otto.routers.classifier import Opinions, decide
from otto.routers.described import Described, Description
from otto.routers.fit import changes, fit, stale
from otto.routers.sentence import Sentence, sentences
from otto.routers.trained import Trained, readable
from otto.skill import OTHER_SKILL, Skill

SEED = 0
EXPECTED_WEIGHT = 3.0
"""How much likelier the skill is that just asked a question."""
ALTERNATIVE_LEAST = 0.05
"""Probability from which on another skill is an alternative."""
ALTERNATIVES = 2
WELL_KNOWN = 50
"""Examples from which on `RISKY_SURETY` is demanded; of a skill with fewer, held-out sentences say too little."""
TRAINING_THREADS = 2
FEW = 200
"""Examples up to which a second encoder is not worth loading."""


@dataclass(frozen=True, eq=False)
class FewshotRouter:
    """A trained router. Immutable and safe to use from several threads."""

    encoder: Encoder
    trained: Trained
    name: str = "fewshot"
    described: Described | None = None
    """Skills beside those that it was trained on."""

    @staticmethod
    def train(
        skills: Sequence[Skill],
        examples: Sequence[Example],
        *,
        development: Sequence[Example] = (),
        cache: Path | None = None,
        previous: FewshotRouter | None = None,
        newcomers: Collection[str] = (),
        progress: Progress | None = None,
        seed: int = SEED,
    ) -> FewshotRouter:
        """A router of these skills, or the cached one that was trained on just the same.

        `development`: examples for the rejection threshold and the confidence; without them a part of `examples` is
        held back for that. `cache`: folder for trained routers. `previous`: a router whose vectors and weights are
        taken over where examples are the same; without it the cache's likest. `newcomers`: skills that may claim
        sentences which meant `other()` before they came (`claims.py`). `progress(what, share)`: 0 to 1.
        Raises `ModelFileError` if the encoder is missing or damaged.
        """
        encoder = shared(cache)
        known = {skill.name: skill for skill in (*skills, OTHER_SKILL)}
        usable = [each for each in examples if each.text.strip() and each.calls[0].name in known]
        key = _key(known, usable, development, newcomers, encoder, seed)
        path = cache / "fewshot" / f"{key}.npz" if cache else None
        if path and (loaded := saved.load(path, encoder.version)):
            saved.used(path)
            return FewshotRouter(encoder, loaded)
        earlier = previous.trained if previous else _likest(path, encoder, {readable(each.text) for each in usable})
        # A second encoder for as long as training takes: one sentence is fastest on one thread, thousands are not.
        many = Encoder.load(cache, threads=TRAINING_THREADS) if len(usable) > FEW and not earlier else encoder
        trained = fit(known, usable, development, earlier, many, newcomers, seed, progress or _silent)
        if path:
            # A cache that cannot be written costs a training at the next start, nothing else.
            with suppress(OSError):
                saved.save(path, trained, encoder.version)
        if progress:
            progress("trained", 1.0)
        return FewshotRouter(encoder, trained)

    def beside(
        self, descriptions: Sequence[Description], examples: Sequence[Example], known: Described | None = None
    ) -> FewshotRouter:
        """This router with skills that it was not trained on, in place of those that it has so far. `examples`: what it
        was trained on; `known`: earlier ones, whose phrases need not be encoded again."""
        described = Described.of(descriptions, examples, self.trained, self.encoder, known)
        return replace(self, described=described)

    def save(self, path: Path) -> None:
        """Writes the router to one file. Raises `OSError`."""
        saved.save(path, self.trained, self.encoder.version)

    @staticmethod
    def load(path: Path, cache: Path | None = None) -> FewshotRouter | None:
        """The router of a file; None if there is none, it is damaged, or other code or another encoder made it."""
        encoder = shared(cache)
        trained = saved.load(path, encoder.version)
        return FewshotRouter(encoder, trained) if trained else None

    def route(self, text: str, context: Context) -> Route:
        """What `text` means. Any text is fine; control characters count as blanks."""
        text = readable(text)
        if not text.strip() or self.trained.classifier is None:
            return Route((Call(OTHER),), 0.0 if text.strip() else 1.0, self.name)
        (sentence,), _ = sentences(self.encoder, self.trained.projection, [text])
        decision = self._decide(sentence, context)
        chosen, *others = self._answers(sentence, decision, context)
        limit = self.trained.calibration.threshold
        trace: dict[str, str | float] = {"threshold": limit, "score": round(decision.score, 4)}
        trace |= {label: round(decision.shares[label], 4) for label in decision.ranked[:3]}
        route = Route(chosen.calls, chosen.confidence, self.name, tuple(others), trace)
        return self.described.over(route, sentence, decision.ranked, context) if self.described else route

    def _decide(self, sentence: Sentence, context: Context) -> _Decision:
        classifier = self.trained.classifier
        assert classifier is not None
        labels = classifier.labels
        opinions = classifier.opinions(sentence)
        if context.expected in labels:
            opinions = _raised(opinions, labels.index(context.expected))
        shares = dict(zip(labels, opinions.mixed(classifier.share)[0].tolist(), strict=True))
        ranked = sorted((label for label in labels if label != OTHER), key=lambda label: -shares[label])
        score = float(decide(opinions, labels, classifier.share).scores[0]) if ranked else 0.0
        return _Decision(shares, ranked, score)

    def _accepted(self, decision: _Decision, sure: float) -> bool:
        """Whether the likeliest skill is likely enough. `sure`: how likely it is right."""
        if not decision.ranked or decision.score < self.trained.calibration.threshold:
            return False
        best = decision.ranked[0]
        if decision.shares.get(OTHER, 0.0) > decision.shares[best]:
            return False
        return sure >= RISKY_SURETY or self.trained.skills[best].risk != "confirm" or not self._well_known(best)

    def _well_known(self, skill: str) -> bool:
        """Whether there are enough examples to say how sure to be of this skill."""
        classifier = self.trained.classifier
        assert classifier is not None
        return int((classifier.neighbours.labels == classifier.labels.index(skill)).sum()) >= WELL_KNOWN

    def _answers(self, sentence: Sentence, decision: _Decision, context: Context) -> list[Alternative]:
        """What to do, then what else it could be."""
        calibration = self.trained.calibration
        sure = calibration.skill(decision.score)
        accepted = self._accepted(decision, sure)
        found = []
        for place, label in enumerate(decision.ranked[: ALTERNATIVES + 1]):
            share = decision.shares[label]
            if share < ALTERNATIVE_LEAST and (place or not accepted):
                break
            call, log_probability = self.trained.call(label, sentence, context.now)
            # What the best skill leaves is shared out among the others.
            certain = sure if not place else (1 - sure) * share / max(1e-9, 1 - decision.shares[decision.ranked[0]])
            arguments = float(np.exp(calibration.temperature * log_probability))
            found.append(Alternative((call,), certain * arguments))
        if not accepted:
            return [Alternative((Call(OTHER),), calibration.refusal(1 - decision.score)), *found[:ALTERNATIVES]]
        unsure = (1 - sure) * decision.shares.get(OTHER, 0.0)
        if unsure >= ALTERNATIVE_LEAST:
            found.append(Alternative((Call(OTHER),), unsure))
        return [found[0], *sorted(found[1:], key=lambda each: -each.confidence)[:ALTERNATIVES]]


@dataclass(frozen=True, slots=True, eq=False)
class _Decision:
    """What the classifier says of one sentence."""

    shares: Mapping[str, float]
    """Probability by label."""
    ranked: Sequence[str]
    """Skills, the likeliest first, without `other`."""
    score: float
    """How much there is for the first one and against `other`, 0 to 1."""


def _raised(opinions: Opinions, label: int) -> Opinions:
    """With one label made likelier."""
    weights = np.ones(opinions.regression.shape[1], np.float32)
    weights[label] = EXPECTED_WEIGHT
    regression, neighbours = opinions.regression * weights, opinions.neighbours * weights
    return Opinions(regression / regression.sum(), neighbours / neighbours.sum())


def _silent(what: str, share: float) -> None:
    pass


def _likest(path: Path | None, encoder: Encoder, texts: Collection[str]) -> Trained | None:
    """Of what lies beside `path`, what was trained on nearly these sentences; None where nothing is near."""
    older = saved.newest(path.parent) if path else []
    near = ((changes(texts, *saved.remembered(each)), place, each) for place, each in enumerate(older))
    usable = sorted(each for each in near if not stale(each[0], texts))
    return next((found for _, _, each in usable if (found := saved.load(each, encoder.version))), None)


def _key(
    skills: Mapping[str, Skill],
    examples: Sequence[Example],
    development: Sequence[Example],
    newcomers: Collection[str],
    encoder: Encoder,
    seed: int,
) -> str:
    """What a trained router depends on, as 32 hex digits."""
    digest = hashlib.sha256(f"{saved.code_version()} {encoder.version} {seed}\n".encode())
    digest.update(json.dumps(saved.pack_skills(skills)).encode())
    for part in (examples, development):
        digest.update(b"\0")
        for each in part:
            digest.update(f"{each}\n".encode(errors="surrogatepass"))
            if newcomers:  # whether a sentence yields to them depends on where it stands
                digest.update(f"{Path(each.origin.file).parent}\n".encode(errors="surrogatepass"))
    digest.update(f"{sorted(newcomers)}".encode())
    return digest.hexdigest()[:32]
