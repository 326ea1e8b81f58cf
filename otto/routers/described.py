"""Skills that nobody has given example sentences: found by what they say of themselves.

    >>> described = Described.of(descriptions, router.trained, router.encoder)
    >>> str(replace(router, described=described).route("cut the grass", Context(now)))
    'mow_lawn()'

The router that learns from examples is trained as if these skills did not exist, so it knows the others exactly as
well as before, and a new skill needs no training: its phrases are encoded, which takes milliseconds each. It wins a
sentence where there is more for it than for what has been taught: the sentence is more like its phrases than sentences
are on average, few examples of other skills and of `other()` are nearer, the words by which another skill is known are
missing, and a question goes to a skill that answers. How much each counts was fitted (docs/experiments.md). How much
it takes to win depends on the skills at hand: of the examples that mean nothing, only a few may reach them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from otto.call import OTHER
from otto.encoder import SIZE, Encoder
from otto.example import Example
from otto.route import Alternative, Context, Route
from otto.routers.leftover import filled, known_words
from otto.routers.ngrams import levelled
from otto.routers.saved import recall
from otto.routers.sentence import Floats, Sentence, sentences
from otto.routers.trained import Memory, Trained, readable
from otto.skill import Skill

MEANING, NEARER, TAUGHT_WORDS, LENGTH, ANSWERS, ACTS, BIAS = 6.7, -0.73, -0.81, 1.6, 1.85, -1.44, -2.6
"""Log-odds that the likeliest described skill is meant: by the likeness of meaning above the usual one, by how many
examples are nearer, by the words of the best taught skill, by the sentence's length, for a question to a skill that
answers and for one to a skill that acts. The numbers of examples and of words count by their logarithm."""
MOST_NEARER = 100
LONGEST = 20
OWN, OWN_TAUGHT, OWN_REFUSED, OWN_WORDS, OWN_BIAS = 12.4, -6.3, -0.7, -0.5, -1.7
"""Log-odds from the likeness to the nearest sentence that the user has taught for it, to the nearest taught for another
skill and to the nearest that means nothing, and from the words of the best taught skill."""
UNWANTED = -2.1
"""By the likeness to the nearest sentence of which the user has said that no described skill is meant."""
LEAST = 1.5
"""Log-odds from which on it wins."""
MISTAKEN = 0.0125
"""Share of the examples that mean nothing which may reach described skills."""
CLOSEST = 300
"""So many of these are looked at, the likeliest to do so."""
EXPECTED = math.log(3.0)
"""What it is worth to be the skill that just asked a question."""
ALTERNATIVE_LEAST = 0.2
"""Probability from which on it is an alternative."""
ALTERNATIVES = 2
_QUESTIONS = frozenset(
    [
        "what", "what's", "whats", "which", "who", "who's", "whose", "where", "when", "why", "how", "how's", "is",
        "are", "am", "was", "were", "do", "does", "did", "has", "have", "had", "will",
    ]
)  # fmt: skip
_ANSWERING = frozenset(
    [
        "get", "fetch", "find", "show", "list", "search", "retrieve", "check", "query", "read", "return", "look",
        "lookup", "tell", "give", "see", "suggest", "convert",
    ]
)  # fmt: skip
"""What a skill that answers says it does."""


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
    usual: Floats
    """How like each is to what has been taught, on average."""
    phrases: Floats
    """Phrases × 384."""
    starts: tuple[int, ...]
    """The first phrase of each skill."""
    answers: tuple[bool, ...]
    """Whether each tells something, rather than does it."""
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
    unwanted: Floats
    """Sentences of which the user has said that none of these skills is meant × 384."""
    caution: float = 0.0
    """Log-odds that it takes more to win than it would beside other sentences."""
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
        written = [
            (vectors[readable(e.text)], place, e) for place, each in enumerate(descriptions) for e in each.examples
        ]
        own = [(vector, place) for vector, place, e in written if e.calls[0].name == descriptions[place].skill.name]
        memory = recall(trained)
        taught, refused = _of_examples(examples, memory)
        spoken = [np.array([vectors[text] for text in each.phrases], np.float32) for each in descriptions]
        meaning = np.array([each.mean(axis=0) for each in spoken], np.float32)
        every = _stacked([each.vector for each in (*taught, *refused)])
        found = Described(
            tuple(each.skill for each in descriptions),
            meaning,
            meaning @ every.mean(axis=0) if len(every) else np.zeros(len(meaning), np.float32),
            np.concatenate(spoken),
            tuple(np.cumsum([0, *(len(each) for each in spoken)])[:-1].tolist()),
            tuple(_answering(each.phrases) for each in descriptions),
            tuple(known_words(each.skill, each.phrases) for each in descriptions),
            _stacked([vector for vector, _ in own]),
            tuple(place for _, place in own),
            trained,
            _stacked([each.vector for each in taught]),
            _stacked([each.vector for each in refused]),
            _stacked([vector for vector, _, e in written if e.calls[0].name == OTHER]),
            vectors=vectors,
        )
        return replace(found, caution=found._caution(refused, memory))

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
        taught, refused = self.taught @ vector, self.refused @ vector
        known = self._taught_words(sentence, best)
        nearest = np.concatenate([taught, refused])
        if len(nearest) > MOST_NEARER:
            nearest = np.partition(nearest, -MOST_NEARER)[-MOST_NEARER:]
        near = np.maximum.reduceat(self.phrases @ vector, self.starts)
        likeness = self._likeness(sentence.text, vector)
        against = NEARER * np.log1p((nearest[:, None] > near).sum(axis=0)) + TAUGHT_WORDS * known - self.caution
        unwanted = _most(self.unwanted @ vector)
        found: Floats = (likeness + against + UNWANTED * unwanted).astype(np.float32)
        if len(self.own):
            unlike = OWN_TAUGHT * _most(taught) + OWN_REFUSED * max(_most(refused), unwanted)
            alike = OWN * (self.own @ vector) + (unlike + OWN_WORDS * known + OWN_BIAS)
            np.maximum.at(found, list(self.owners), alike.astype(np.float32))
        return found

    def _likeness(self, text: str, vector: Floats) -> Floats:
        """What speaks for each skill, whatever has been taught."""
        words = levelled(text)
        length = LENGTH * math.log1p(min(LONGEST, len(words)))
        asked = np.where(self.answers, ANSWERS, ACTS) if words and words[0] in _QUESTIONS else 0.0
        found: Floats = (MEANING * (self.meaning @ vector - self.usual) + asked + length + BIAS).astype(np.float32)
        return found

    def _taught_words(self, sentence: Sentence, best: str) -> float:
        """How much the words of a sentence speak for the best taught skill, as log-odds over the average one."""
        classifier = self.trained.classifier
        assert classifier is not None
        columns, values = classifier.ngrams.vector(sentence.text)
        votes = values @ classifier.weights[columns]
        return float(votes[classifier.labels.index(best)] - votes.mean()) if best in classifier.labels else 0.0

    def _caution(self, refused: Sequence[Sentence], memory: Memory) -> float:
        """How much more it must take to win, so that few of these sentences would, if they were new."""
        if not refused:
            return 0.0
        alike = (self.refused @ self.meaning.T - self.usual).max(axis=1)
        closest = np.argsort(-alike, kind="stable")[:CLOSEST]
        likeness = np.array([self._likeness(refused[place].text, refused[place].vector) for place in closest.tolist()])
        vectors = self.refused[closest]
        near = np.maximum.reduceat(vectors @ self.phrases.T, self.starts, axis=1)
        nearest = np.concatenate([vectors @ self.taught.T, vectors @ self.refused.T], axis=1)
        if nearest.shape[1] > MOST_NEARER + 1:
            nearest = np.partition(nearest, -MOST_NEARER - 1, axis=1)[:, -MOST_NEARER - 1 :]
        # Each is among its own neighbours, nearer than any phrase.
        counts = (nearest[:, :, None] > near[:, None, :]).sum(axis=1) - 1
        known = np.array([self._best_words(refused[place].text, memory) for place in closest.tolist()])
        found = (likeness + NEARER * np.log1p(counts.clip(0))).max(axis=1) + TAUGHT_WORDS * known
        place = int(MISTAKEN * len(refused))
        return max(0.0, float(np.sort(found)[::-1][place]) - LEAST) if place < len(found) else 0.0

    def _best_words(self, text: str, memory: Memory) -> float:
        """`_taught_words` of a training sentence, for the skill that its words speak for."""
        classifier = self.trained.classifier
        assert classifier is not None
        columns, values = memory.grams[text]
        votes = values @ classifier.weights[columns]
        skills = [place for place, label in enumerate(classifier.labels) if label != OTHER]
        return float(votes[skills].max() - votes.mean()) if skills else 0.0


def _of_examples(examples: Iterable[Example], memory: Memory) -> tuple[list[Sentence], list[Sentence]]:
    """The sentences that mean something, and those that do not."""
    meant: list[Sentence] = []
    nothing: list[Sentence] = []
    for example in examples:
        if (sentence := memory.sentences.get(readable(example.text))) is not None:
            (nothing if example.calls[0].name == OTHER else meant).append(sentence)
    return meant, nothing


def _answering(phrases: Iterable[str]) -> bool:
    return not _ANSWERING.isdisjoint(word for phrase in phrases for word in phrase.lower().split()[:1])


def _stacked(vectors: Sequence[Floats]) -> Floats:
    return np.array(vectors, np.float32) if vectors else np.zeros((0, SIZE), np.float32)


def _most(likeness: Floats) -> float:
    return float(likeness.max()) if len(likeness) else 0.0
