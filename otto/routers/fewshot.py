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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from otto.call import FORBIDDEN, OTHER, Call
from otto.encoder import Encoder, shared
from otto.example import Example
from otto.route import Alternative, Context, Route
from otto.routers import calibration as calibrate
from otto.routers import classifier as classify
from otto.routers import saved
from otto.routers.arguments import Arguments
from otto.routers.calibration import Calibration
from otto.routers.classifier import Classifier
from otto.routers.ngrams import Ngrams
from otto.routers.sentence import MAX_CHARACTERS, Floats, Projection, Sentence, fit_projection, sentences
from otto.routers.training import Material, train_arguments
from otto.skill import OTHER_SKILL, Skill

SEED = 0
EXPECTED_WEIGHT = 3.0
"""How much likelier the skill is that just asked a question."""
ALTERNATIVE_LEAST = 0.05
"""Probability from which on another skill is an alternative."""
ALTERNATIVES = 2
STALE = 0.25
"""Share of examples that may change before everything is trained anew instead of going on from earlier weights."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class _Memory:
    """Training sentences, kept for the next training."""

    sentences: Mapping[str, Sentence]
    """By text."""
    changed: int = 0
    """Examples that came or went since everything was trained anew."""


@dataclass(frozen=True, eq=False)
class FewshotRouter:
    """A trained router. Immutable and safe to use from several threads."""

    skills: Mapping[str, Skill]
    encoder: Encoder
    projection: Projection
    classifier: Classifier | None
    """None: there is nothing to choose from."""
    arguments: Mapping[str, Arguments]
    calibration: Calibration
    memory: _Memory | Path = field(default_factory=lambda: _Memory({}))
    """Training sentences, or the file that holds them."""
    name: str = "fewshot"

    @staticmethod
    def train(
        skills: Sequence[Skill],
        examples: Sequence[Example],
        *,
        development: Sequence[Example] = (),
        cache: Path | None = None,
        previous: FewshotRouter | None = None,
        progress: Progress | None = None,
        encoder: Encoder | None = None,
        seed: int = SEED,
    ) -> FewshotRouter:
        """A router of these skills, or the cached one that was trained on just the same.

        `development`: examples for the rejection threshold and the confidence; without them a part of `examples` is
        held back for that. `cache`: folder for trained routers. `previous`: a router whose vectors and weights are
        taken over where examples are the same; without it the cache's newest. `progress(what, share)`: 0 to 1.
        Raises `ModelFileError` if the encoder is missing or damaged.
        """
        encoder = encoder or shared(cache)
        known = {skill.name: skill for skill in (*skills, OTHER_SKILL)}
        usable = [each for each in examples if each.text.strip() and each.calls[0].name in known]
        path = cache / "fewshot" / f"{_key(known, usable, development, encoder, seed)}.npz" if cache else None
        if path and (loaded := load(path, encoder)):
            return loaded
        if path and previous is None:
            previous = next((found for old in saved.newest(path.parent) if (found := load(old, encoder))), None)
        told = progress or (lambda what, share: None)
        router = _trained(known, usable, development, previous, encoder, seed, told)
        if path:
            # A cache that cannot be written costs a training at the next start, nothing else.
            with suppress(OSError):
                router.save(path)
        told("trained", 1.0)
        return router

    def save(self, path: Path) -> None:
        """Writes the router to one file. Raises `OSError`."""
        entries, arrays = saved.pack_arguments(self.arguments)
        memory = self.remembered()
        header = {
            "code": saved.code_version(),
            "encoder": self.encoder.version,
            "skills": saved.pack_skills(self.skills),
            "arguments": entries,
            "calibration": saved.pack_calibration(self.calibration),
            "classifier": self.classifier is not None,
            "changed": memory.changed,
        }
        if self.classifier:
            arrays |= saved.pack_classifier(self.classifier)
        arrays |= saved.pack_sentences(list(memory.sentences.values()), self.projection)
        saved.write(path, header, arrays)

    def remembered(self) -> _Memory:
        """The sentences it was trained on."""
        if isinstance(self.memory, _Memory):
            return self.memory
        names = ("texts", "spans", "counts", "vectors", "words")
        found = saved.read(self.memory, [f"memory.{name}" for name in names])
        if found is None:
            return _Memory({})
        return _Memory({each.text: each for each in saved.unpack_sentences(found[1])}, int(found[0]["changed"]))

    def route(self, text: str, context: Context) -> Route:
        """What `text` means. Any text is fine; control characters count as blanks."""
        text = FORBIDDEN.sub(" ", text[:MAX_CHARACTERS])
        if not text.strip() or self.classifier is None:
            return Route((Call(OTHER),), 1.0 if not text.strip() else 0.0, self.name)
        (sentence,) = sentences(self.encoder, self.projection, [text])
        shares = self._shares(sentence, context)
        ranked = sorted((label for label in shares if label != OTHER), key=lambda label: -shares[label])
        best = shares[ranked[0]] if ranked else 0.0
        accepted = bool(ranked) and best >= self.calibration.threshold
        answers = self._answers(sentence, shares, ranked, accepted, context)
        chosen, *others = answers
        trace: dict[str, str | float] = {"threshold": self.calibration.threshold, "best": best}
        trace |= {label: round(shares[label], 4) for label in ranked[:3]}
        return Route(chosen.calls, chosen.confidence, self.name, tuple(others), trace)

    def _shares(self, sentence: Sentence, context: Context) -> dict[str, float]:
        assert self.classifier is not None
        found = self.classifier.probabilities(sentence)
        if context.expected in self.classifier.labels:
            found = found.copy()
            found[self.classifier.labels.index(context.expected)] *= EXPECTED_WEIGHT
            found /= found.sum()
        return dict(zip(self.classifier.labels, found.tolist(), strict=True))

    def _answers(
        self, sentence: Sentence, shares: Mapping[str, float], ranked: Sequence[str], accepted: bool, context: Context
    ) -> list[Alternative]:
        """What to do, then what else it could be."""
        likely = [label for label in ranked[: ALTERNATIVES + 1] if shares[label] >= ALTERNATIVE_LEAST]
        if accepted and ranked[0] not in likely:
            likely.insert(0, ranked[0])
        found = []
        for label in likely:
            call, log_probability = self._call(label, sentence, context)
            certain = self.calibration.skill(shares[label]) * np.exp(self.calibration.temperature * log_probability)
            found.append(Alternative((call,), float(certain)))
        refusal = Alternative(
            (Call(OTHER),), self.calibration.refusal(1 - max(shares[label] for label in ranked)) if ranked else 1.0
        )
        if not accepted:
            return [refusal, *found[:ALTERNATIVES]]
        unsure = 1 - self.calibration.skill(shares[ranked[0]])
        if unsure >= ALTERNATIVE_LEAST:
            found.append(Alternative((Call(OTHER),), unsure * shares.get(OTHER, 0.0)))
        return [found[0], *sorted(found[1:], key=lambda each: -each.confidence)[:ALTERNATIVES]]

    def _call(self, skill: str, sentence: Sentence, context: Context) -> tuple[Call, float]:
        """The call, and the logarithm of how likely its arguments are."""
        if skill not in self.arguments:
            return Call(skill), 0.0
        assert self.classifier is not None
        grams = self.classifier.ngrams.vector(sentence.text)
        return self.arguments[skill].call(sentence, grams, context.now)


def load(path: Path, encoder: Encoder) -> FewshotRouter | None:
    """The router of a file; None if there is none, it is damaged, or other code or another encoder made it."""
    found = saved.read(path, without="memory.")
    if found is None:
        return None
    header, arrays = found
    if header.get("code") != saved.code_version() or header.get("encoder") != encoder.version:
        return None
    skills = saved.unpack_skills(header["skills"])
    return FewshotRouter(
        skills,
        encoder,
        Projection(arrays["projection_mean"], arrays["projection_axes"]),
        saved.unpack_classifier(arrays) if header["classifier"] else None,
        saved.unpack_arguments(header["arguments"], arrays, skills),
        saved.unpack_calibration(header["calibration"]),
        path,
    )


def _key(
    skills: Mapping[str, Skill],
    examples: Sequence[Example],
    development: Sequence[Example],
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
    return digest.hexdigest()[:32]


def _trained(
    skills: Mapping[str, Skill],
    examples: Sequence[Example],
    development: Sequence[Example],
    previous: FewshotRouter | None,
    encoder: Encoder,
    seed: int,
    progress: Progress,
) -> FewshotRouter:
    cleaned = [replace(each, text=FORBIDDEN.sub(" ", each.text[:MAX_CHARACTERS])) for each in examples]
    # A sentence may stand in several files; once is enough.
    cleaned = list({(each.text, str(each)): each for each in cleaned}.values())
    texts = sorted({each.text for each in cleaned})
    memory = previous.remembered() if previous else _Memory({})
    new = [text for text in texts if text not in memory.sentences]
    gone = len(memory.sentences.keys() - set(texts))
    changed = memory.changed + len(new) + gone
    if previous is None or previous.classifier is None or changed > STALE * len(texts):
        previous, changed = None, 0
    progress("sentences", 0.0)
    projection = previous.projection if previous else fit_projection(encoder, texts)
    kept = memory.sentences if previous else {}
    encoded = dict(kept) | {
        each.text: each for each in sentences(encoder, projection, [t for t in texts if t not in kept])
    }
    encoded = {text: encoded[text] for text in texts}
    progress("skills", 0.3)
    if not cleaned:
        return FewshotRouter(skills, encoder, projection, None, {}, Calibration(), _Memory({}))
    rows = [encoded[each.text] for each in cleaned]
    labels = [each.calls[0].name for each in cleaned]
    older = previous.classifier if previous else None
    ngrams = Ngrams.fit(texts, older.ngrams if older else None)
    design = classify.design(ngrams, rows)
    classifier = classify.train(rows, labels, design, ngrams, older)
    progress("arguments", 0.5)
    single = [place for place, each in enumerate(cleaned) if len(each.calls) == 1]
    material = Material(
        [cleaned[place] for place in single], [rows[place] for place in single], design.rows(np.array(single, np.int64))
    )
    arguments = train_arguments(
        skills,
        material,
        encoder,
        projection,
        previous.arguments if previous else {},
        seed,
        lambda share: progress("arguments", 0.5 + 0.4 * share),
    )
    router = FewshotRouter(skills, encoder, projection, classifier, arguments, Calibration(), _Memory(encoded, changed))
    progress("confidence", 0.9)
    if development:
        return replace(router, calibration=_on_development(router, development))
    if previous:
        return replace(router, calibration=previous.calibration)
    vectors: Floats = np.array([each.vector for each in rows], np.float32)
    targets = np.array([classifier.labels.index(label) for label in labels], np.int64)
    places, opinions = classify.held_out(design, targets, classifier.labels, vectors, seed)
    return replace(router, calibration=_fitted(opinions, targets[places], classifier.labels))


def _fitted(
    opinions: Floats, targets: np.ndarray[tuple[int, ...], np.dtype[np.int64]], labels: Sequence[str]
) -> Calibration:
    """From what a classifier says of sentences that it has not seen. `targets`: columns of `opinions`, -1 for none."""
    opinions = opinions.copy()
    in_scope = targets >= 0
    if OTHER in labels:
        opinions[:, labels.index(OTHER)] = -1
        in_scope = in_scope & (targets != labels.index(OTHER))
    best = opinions.argmax(axis=1)
    return calibrate.fit(opinions.max(axis=1), best == targets, in_scope)


def _on_development(router: FewshotRouter, development: Sequence[Example]) -> Calibration:
    """Threshold, curves and temperature from sentences that nothing was trained on."""
    classifier = router.classifier
    assert classifier is not None
    texts = [FORBIDDEN.sub(" ", each.text[:MAX_CHARACTERS]) for each in development]
    encoded = sentences(router.encoder, router.projection, texts)
    opinions: Floats = np.array([classifier.probabilities(each) for each in encoded], np.float32)
    labels = classifier.labels
    targets = np.array(
        [labels.index(name) if (name := each.calls[0].name) in labels else -1 for each in development], np.int64
    )
    found = _fitted(opinions, targets, labels)
    if not router.arguments:
        return found
    from otto.routers.alignment import NOW

    surety, likely, right = [], [], []
    for example, sentence, opinion in zip(development, encoded, opinions, strict=True):
        in_scope = [(share, label) for share, label in zip(opinion.tolist(), labels, strict=True) if label != OTHER]
        share, label = max(in_scope)
        if share < found.threshold:
            continue
        call, log_probability = router._call(label, sentence, Context(NOW))
        surety.append(found.skill(share))
        likely.append(log_probability)
        right.append((call,) == example.calls)
    if len(right) < 20:
        return found
    return replace(found, temperature=calibrate.temperature(np.array(surety), np.array(likely), np.array(right)))
