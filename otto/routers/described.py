"""Skills that nobody has given example sentences: found by what they say of themselves.

    >>> described = Described.of(descriptions, router.trained, router.encoder)
    >>> str(replace(router, described=described).route("cut the grass", Context(now)))
    'mow_lawn()'

The router that learns from examples is trained as if these skills did not exist, so it knows the others exactly as
well as before, and a new skill needs no training: its phrases are encoded, which takes milliseconds each. It wins a
sentence where there is more for it than for what has been taught: the sentence is like its phrases, in meaning and in
rare words, and not like any example of another skill, nor made of the words by which such a skill is known. How much
each counts was fitted on sentences of skills whose examples were hidden (docs/experiments.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from otto.call import OTHER
from otto.encoder import SIZE, Encoder
from otto.example import Example
from otto.route import Alternative, Context, Route
from otto.routers.leftover import filled, known_words
from otto.routers.ngrams import Ngrams
from otto.routers.saved import recall
from otto.routers.sentence import Floats, Sentence, sentences
from otto.routers.trained import Trained, readable
from otto.skill import Skill

MEANING, WORDS, TAUGHT, REFUSED, TAUGHT_WORDS, BIAS = 11.8, 4.3, -6.5, -2.1, -0.4, -0.6
"""Log-odds that the likeliest described skill is meant: by the likeness of meaning and of rare words, by the likeness
to the nearest sentence that has been taught and to the nearest that means nothing, and by the words of the best taught
skill."""
OWN, OWN_TAUGHT, OWN_REFUSED, OWN_WORDS, OWN_BIAS = 12.4, -6.3, -0.7, -0.5, -1.7
"""The same from the likeness to the nearest sentence that the user has taught for it."""
LEAST = 1.5
"""Log-odds from which on it wins."""
EXPECTED = math.log(3.0)
"""What it is worth to be the skill that just asked a question."""
ALTERNATIVE_LEAST = 0.2
"""Probability from which on it is an alternative."""
ALTERNATIVES = 2


@dataclass(frozen=True, slots=True)
class Description:
    """A skill that nobody has given enough examples."""

    skill: Skill
    phrases: tuple[str, ...]
    """What it does, in its own words; never empty."""
    examples: tuple[Example, ...] = ()
    """Sentences that the user has taught for it after all, and such as must not reach it: `other()`."""


@dataclass(frozen=True, eq=False)
class Described:
    """All of them beside one trained router. Immutable and safe to use from several threads."""

    skills: tuple[Skill, ...]
    meaning: Floats
    """Skills × 384: the mean of the vectors of a skill's phrases."""
    ngrams: Ngrams
    """Of the taught sentences and of the phrases: what is common in the former says little."""
    places: Mapping[int, int]
    """Rows of `words` by column of the n-grams."""
    words: Floats
    """N-grams that stand in phrases × skills."""
    known: tuple[frozenset[str], ...]
    """Words by which each describes itself."""
    own: Floats
    """Sentences taught for these skills × 384."""
    owners: tuple[int, ...]
    """The skill of each."""
    trained: Trained
    taught: Floats
    """Sentences taught for other skills × 384."""
    refused: Floats
    """Sentences that mean nothing × 384."""
    vectors: Mapping[str, Floats] = field(default_factory=dict)
    """Of all phrases and own sentences: what need not be encoded again."""

    @staticmethod
    def of(
        descriptions: Sequence[Description],
        examples: Iterable[Example],
        trained: Trained,
        encoder: Encoder,
        previous: Described | None = None,
    ) -> Described | None:
        """`examples`: what `trained` was trained on. `previous`: what was encoded before. None where there is no
        description, or nothing that has been taught."""
        if not descriptions or trained.classifier is None:
            return None
        texts = {text for each in descriptions for text in each.phrases}
        texts |= {readable(example.text) for each in descriptions for example in each.examples}
        vectors = {text: vector for text, vector in (previous.vectors.items() if previous else ()) if text in texts}
        fresh, _ = sentences(encoder, trained.projection, sorted(texts - vectors.keys()))
        vectors |= {each.text: each.vector for each in fresh}
        said = [" ".join(each.phrases) for each in descriptions]
        ngrams = Ngrams.fit(
            said, trained.classifier.ngrams, total=len(trained.classifier.neighbours.labels) + len(said)
        )
        rows = [ngrams.vector(text) for text in said]
        columns = sorted({int(column) for found, _ in rows for column in found})
        places = {column: row for row, column in enumerate(columns)}
        words = np.zeros((len(columns), len(said)), np.float32)
        for skill, (found, values) in enumerate(rows):
            words[[places[int(column)] for column in found], skill] = values
        written = [
            (vectors[readable(e.text)], place, e) for place, each in enumerate(descriptions) for e in each.examples
        ]
        own = [(vector, place) for vector, place, e in written if e.calls[0].name == descriptions[place].skill.name]
        taught, refused = _of_examples(examples, trained)
        refused += [vector for vector, _, e in written if e.calls[0].name == OTHER]
        return Described(
            tuple(each.skill for each in descriptions),
            np.array([np.mean([vectors[text] for text in each.phrases], axis=0) for each in descriptions], np.float32),
            ngrams,
            places,
            words,
            tuple(known_words(each.skill, each.phrases) for each in descriptions),
            _stacked([vector for vector, _ in own]),
            tuple(place for _, place in own),
            trained,
            _stacked(taught),
            _stacked(refused),
            vectors,
        )

    def over(self, route: Route, sentence: Sentence, ranked: Sequence[str], context: Context) -> Route:
        """The route of the skills that were taught, or that of a described one, if there is more for it. `ranked`: the
        taught skills, the likeliest first."""
        log_odds = self.log_odds(sentence, ranked[0] if ranked else OTHER)
        names = [skill.name for skill in self.skills]
        if context.expected in names:
            log_odds[names.index(context.expected)] += EXPECTED
        elif context.expected:
            log_odds -= EXPECTED
        best = int(log_odds.argmax())
        skill = self.skills[best]
        sure = 1 / (1 + math.exp(-float(np.clip(log_odds[best], -30, 30))))
        trace = {**route.trace, f"described {skill.name}": round(sure, 4)}
        if log_odds[best] < LEAST and sure < ALTERNATIVE_LEAST:
            return Route(route.calls, route.confidence, route.router, route.alternatives, trace)
        calls = (filled(skill, self.known[best], sentence.text, context.now),)
        if log_odds[best] >= LEAST:
            others = (Alternative(route.calls, (1 - sure) * route.confidence), *route.alternatives)
            return Route(calls, sure, route.router, others[:ALTERNATIVES], trace)
        others = (*route.alternatives, Alternative(calls, (1 - route.confidence) * sure))
        likeliest = sorted(others, key=lambda each: -each.confidence)
        return Route(route.calls, route.confidence, route.router, tuple(likeliest[:ALTERNATIVES]), trace)

    def log_odds(self, sentence: Sentence, best: str) -> Floats:
        """Of each skill: that the sentence means it rather than `best`, which was taught, or nothing."""
        vector = sentence.vector
        taught, refused, known = (
            _nearest(self.taught, vector),
            _nearest(self.refused, vector),
            self._taught_words(sentence, best),
        )
        against = TAUGHT * taught + REFUSED * refused + TAUGHT_WORDS * known + BIAS
        likeness = MEANING * (self.meaning @ vector) + WORDS * self._rare_words(sentence.text)
        found: Floats = (likeness + against).astype(np.float32)
        if len(self.own):
            against = OWN_TAUGHT * taught + OWN_REFUSED * refused + OWN_WORDS * known + OWN_BIAS
            np.maximum.at(found, list(self.owners), (OWN * (self.own @ vector) + against).astype(np.float32))
        return found

    def _rare_words(self, text: str) -> Floats:
        """How much of a sentence's words stands in the phrases of each skill, 0 to 1."""
        columns, values = self.ngrams.vector(text)
        here = [place for place, column in enumerate(columns.tolist()) if column in self.places]
        rows = [self.places[int(column)] for column in columns[here]]
        found: Floats = (values[here] @ self.words[rows] / 2).astype(
            np.float32
        )  # two kinds of n-grams, each of length 1
        return found

    def _taught_words(self, sentence: Sentence, best: str) -> float:
        """How much the words of a sentence speak for the best taught skill, as log-odds over the average one."""
        classifier = self.trained.classifier
        assert classifier is not None
        columns, values = classifier.ngrams.vector(sentence.text)
        votes = values @ classifier.weights[columns]
        return float(votes[classifier.labels.index(best)] - votes.mean()) if best in classifier.labels else 0.0


def _of_examples(examples: Iterable[Example], trained: Trained) -> tuple[list[Floats], list[Floats]]:
    """Vectors of the sentences that mean something, and of those that do not."""
    known = recall(trained).sentences
    meant: list[Floats] = []
    nothing: list[Floats] = []
    for example in examples:
        if (sentence := known.get(readable(example.text))) is not None:
            (nothing if example.calls[0].name == OTHER else meant).append(sentence.vector)
    return meant, nothing


def _stacked(vectors: Sequence[Floats]) -> Floats:
    return np.array(vectors, np.float32) if vectors else np.zeros((0, SIZE), np.float32)


def _nearest(vectors: Floats, vector: Floats) -> float:
    return float((vectors @ vector).max()) if len(vectors) else 0.0
