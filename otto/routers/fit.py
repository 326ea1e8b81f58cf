"""Trains the `fewshot` router: from skills and examples to `Trained`.

Sentences are encoded; the classifier and the arguments are trained on them side by side; sentences that were held back
tell when to refuse and how sure to be. With an earlier `Trained`, only what has changed is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otto.call import OTHER
from otto.encoder import Encoder
from otto.example import Example
from otto.progress import Progress
from otto.routers import calibration as calibrate
from otto.routers import claims, softmax
from otto.routers import classifier as classify
from otto.routers.alignment import NOW
from otto.routers.calibration import Calibration
from otto.routers.classifier import Classifier, Opinions
from otto.routers.ngrams import Ngrams
from otto.routers.saved import recall
from otto.routers.sentence import Projection, sentences
from otto.routers.trained import Memory, Trained, readable
from otto.routers.training import Material, held_out_arguments, train_arguments
from otto.skill import Skill

STALE = 0.25
"""Share of examples that may change before everything is trained anew instead of going on from earlier weights."""

MANY = 1000
"""Sentences from which on an n-gram must occur twice to count."""


def fit(
    skills: Mapping[str, Skill],
    examples: Sequence[Example],
    development: Sequence[Example],
    previous: Trained | None,
    encoder: Encoder,
    newcomers: Collection[str],
    seed: int,
    progress: Progress,
) -> Trained:
    """Arguments as in `FewshotRouter.train`."""
    import scipy.optimize  # noqa: F401  (brings a BLAS of its own, which can only be limited once it is loaded)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    cleaned = [replace(each, text=readable(each.text)) for each in examples]
    # A sentence may stand in several files; once is enough.
    cleaned = list({(each.text, str(each)): each for each in cleaned}.values())
    progress("sentences", 0.0)
    known = _known(sorted({each.text for each in cleaned}), previous, encoder)
    cleaned = claims.settled(cleaned, known.memory.sentences, newcomers)
    if not cleaned:
        return Trained(skills, known.projection, None, {}, Calibration())
    labels = [each.calls[0].name for each in cleaned]
    rows = [known.memory.sentences[each.text] for each in cleaned]
    design = classify.design(known.ngrams, rows, known.memory.grams)
    single = [place for place, each in enumerate(cleaned) if len(each.calls) == 1]
    chosen = np.array(single, np.int64)
    material = Material([cleaned[place] for place in single], [rows[place] for place in single], design.rows(chosen))
    progress("skills", 0.3)
    # Matrices and CRFsuite keep two cores busy; BLAS threads beside them would only wait in each other's way.
    with ThreadPoolExecutor(1) as pool, threadpool_limits(1, "blas"):
        going = pool.submit(_classifier, labels, design, known, bool(development), newcomers, seed)
        arguments = train_arguments(
            skills,
            material,
            encoder,
            known.projection,
            known.previous.arguments if known.previous else {},
            seed,
            lambda share: progress("arguments", 0.3 + 0.6 * share),
        )
        classifier, calibration = going.result()
    progress("confidence", 0.9)
    trained = Trained(skills, known.projection, classifier, arguments, calibration, known.memory)
    if development:
        return _on_development(trained, encoder, development)
    if not known.previous and len(cleaned) < classify.LARGE:
        return replace(trained, calibration=_tempered(calibration, held_out_arguments(skills, material, seed)))
    return trained


def changes(texts: Collection[str], known: Set[str], before: int) -> int:
    """Sentences that came or went since everything was trained anew: `before`, and those from `known` to `texts`."""
    return before + len(known ^ set(texts))


def stale(changed: int, texts: Collection[str]) -> bool:
    """Whether so many changes are too many to go on from what was trained earlier."""
    return changed > STALE * len(texts)


@dataclass(frozen=True, eq=False)
class _Known:
    """What is known of all training sentences before anything is trained."""

    previous: Trained | None
    """None: everything is trained anew."""
    projection: Projection
    ngrams: Ngrams
    memory: Memory


def _known(texts: Sequence[str], previous: Trained | None, encoder: Encoder) -> _Known:
    memory = recall(previous) if previous else Memory()
    new = [text for text in texts if text not in memory.sentences]
    changed = changes(texts, memory.sentences.keys(), memory.changed)
    if previous is None or previous.classifier is None or stale(changed, texts):
        previous, memory, changed, new = None, Memory(), 0, list(texts)
    fresh, projection = sentences(encoder, previous.projection if previous else None, new)
    older = previous.classifier.ngrams if previous and previous.classifier else None
    ngrams = Ngrams.fit(new, older, total=len(texts), least=2 if len(texts) > MANY else 1)
    encoded = dict(memory.sentences) | {each.text: each for each in fresh}
    grams = dict(memory.grams) | {text: ngrams.vector(text) for text in new}
    kept = Memory({text: encoded[text] for text in texts}, {text: grams[text] for text in texts}, changed)
    return _Known(previous, projection, ngrams, kept)


def _classifier(
    labels: Sequence[str],
    design: softmax.Design,
    known: _Known,
    developed: bool,
    newcomers: Collection[str],
    seed: int,
) -> tuple[Classifier, Calibration]:
    """The classifier and, unless a development set tells better, its calibration."""
    if known.previous:
        older = known.previous.classifier
        trained = classify.train(labels, design, known.ngrams, older, newcomers=newcomers)
        return trained, known.previous.calibration
    if developed or len(labels) == 1:  # nothing can be held back of one sentence
        return classify.train(labels, design, known.ngrams, newcomers=newcomers), Calibration()
    names = tuple(sorted(set(labels)))
    targets = np.array([names.index(label) for label in labels], np.int64)
    held = classify.held_out(design, targets, names, seed)
    share = classify.best_share(held.opinions, targets[held.places], names)
    calibration = _fitted(held.opinions, targets[held.places], names, share)
    trained = classify.train(labels, design, known.ngrams, start=held.weights, share=share, newcomers=newcomers)
    return trained, calibration


def _fitted(opinions: Opinions, targets: NDArray[np.int64], labels: Sequence[str], share: float) -> Calibration:
    """From what a classifier says of sentences that it has not seen. `targets`: columns of labels, -1 for none."""
    in_scope = targets >= 0
    if OTHER in labels:
        in_scope &= targets != labels.index(OTHER)
    decisions = classify.decide(opinions, labels, share)
    return calibrate.fit(decisions.scores, decisions.skills == targets, in_scope)


def _on_development(trained: Trained, encoder: Encoder, development: Sequence[Example]) -> Trained:
    """With the neighbours' share, threshold, curves and temperature that suit sentences nothing was trained on."""
    classifier = trained.classifier
    assert classifier is not None
    encoded, _ = sentences(encoder, trained.projection, [readable(each.text) for each in development])
    opinions = classify.gathered([classifier.opinions(each) for each in encoded])
    labels = classifier.labels
    names = [each.calls[0].name for each in development]
    targets = np.array([labels.index(name) if name in labels else -1 for name in names], np.int64)
    share = classify.best_share(opinions, targets, labels)
    found = _fitted(opinions, targets, labels, share)
    trained = replace(trained, classifier=replace(classifier, share=share), calibration=found)
    if not trained.arguments:
        return trained
    decisions = classify.decide(opinions, labels, share)
    surety, likely, right = [], [], []
    for example, sentence, skill, score in zip(
        development, encoded, decisions.skills.tolist(), decisions.scores.tolist(), strict=True
    ):
        if score >= found.threshold:
            call, log_probability = trained.call(labels[skill], sentence, NOW)
            surety.append(found.skill(score))
            likely.append(log_probability)
            right.append((call,) == example.calls)
    if len(right) < calibrate.FEWEST:
        return trained
    exponent = calibrate.temperature(np.array(surety, np.float32), np.array(likely, np.float32), np.array(right))
    return replace(trained, calibration=replace(found, temperature=exponent))


def _tempered(calibration: Calibration, arguments: tuple[Sequence[float], Sequence[bool]]) -> Calibration:
    """With the temperature that suits held-back arguments: their log probabilities, and which were right."""
    likely, right = arguments
    if len(right) < calibrate.FEWEST:
        return calibration
    certain = np.ones(len(right), np.float32)
    exponent = calibrate.temperature(certain, np.array(likely, np.float32), np.array(right))
    return replace(calibration, temperature=exponent)
