"""Speech to text with Whisper (faster-whisper, CTranslate2): the best ears, when a model is there.

    >>> engine = Whisper(found("base.en") or fetch("base.en"), hints=hints(skills, examples))
    >>> hearing = engine.listen()

Whisper hears an utterance when it is over. It was trained to always write something, so what it says is believed only
where a second opinion (voice activity) heard speech, and where it is sure enough itself.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk, Utterance
from otto.audio.pronunciation import INSTALL
from otto.audio.stt import Collected, Transcript
from otto.audio.vad import VoiceActivity
from otto.errors import ModelFileError
from otto.example import Example
from otto.skill import Skill

FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
MOST_TOKENS = 96
"""Of a transcript; nobody says more in 15 s."""
HINT_CHARACTERS = 300
"""Of hotwords and of the prompt each: what is longer costs time and crowds out what was said."""
SPEECH = 0.5
"""Voice activity from which a chunk counts as speech."""
SPEECH_CHUNKS = 4
"""Chunks of speech (0.13 s) without which there is nothing to transcribe."""
BEAM = 5


@dataclass(frozen=True, slots=True)
class Guard:
    """From where on a segment is taken for invented."""

    no_speech: float = 0.6
    """Probability of silence, if the words are not likely either."""
    log_probability: float = -1.0
    """Mean of the tokens', with `no_speech`."""
    least_log_probability: float = -1.6
    """Mean of the tokens', whatever else."""
    compression: float = 2.4
    """Text over compressed text: what repeats itself compresses well."""

    def passes(self, segment: Any) -> bool:
        """Whether it was said."""
        silent = segment.no_speech_prob > self.no_speech and segment.avg_logprob < self.log_probability
        wild = segment.compression_ratio > self.compression or segment.avg_logprob < self.least_log_probability
        return not silent and not wild


@dataclass(frozen=True, slots=True)
class Hints:
    """What Whisper may expect to hear."""

    hotwords: str = ""
    """Names and values of the skills."""
    prompt: str = ""
    """A few commands, as if they had been said just before."""


class Activity(Protocol):
    """A second opinion on whether anybody speaks: see `VoiceActivity`."""

    def reset(self) -> None:
        """Forgets what came before."""

    def __call__(self, chunk: AudioChunk) -> float:
        """0 to 1: how likely it is that there is speech in the chunk."""


class Whisper:
    """The engine."""

    name = "whisper"

    def __init__(
        self,
        folder: Path,
        *,
        compute_type: str = "int8",
        language: str = "en",
        hints: Hints | None = None,
        guard: Guard | None = None,
        threads: int = 0,
        snap: Callable[[str], str] = lambda text: text,
        activity: Activity | None = None,
    ) -> None:
        """`folder`: a model in CTranslate2's form. `threads`: 0 for as many as there are cores, 4 at most. `activity`
        is the second opinion. Raises `ModelFileError`."""
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise ModelFileError(f"Whisper needs more packages: {INSTALL}") from error
        try:
            self._model: Any = WhisperModel(
                str(folder),
                device="cpu",
                compute_type=compute_type,
                cpu_threads=threads or min(4, os.cpu_count() or 1),
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelFileError(f"The Whisper model in {folder} cannot be loaded: {_first_line(error)}") from error
        self._language = language
        self._hints = hints or Hints()
        self._guard = guard or Guard()
        self._snap = snap
        self._activity: Activity = activity or VoiceActivity()

    def listen(self) -> Collected:
        return Collected(self.transcribe)

    def transcribe(self, chunks: Sequence[AudioChunk]) -> Transcript:
        """All at once."""
        seconds = len(chunks) * CHUNK_SAMPLES / RATE
        self._activity.reset()
        if sum(self._activity(chunk) >= SPEECH for chunk in chunks) < SPEECH_CHUNKS:
            return Transcript("", self._language, 0.0, seconds)
        segments = [each for each in self._segments(Utterance.of(list(chunks)).samples) if self._guard.passes(each)]
        text = " ".join(" ".join(segment.text for segment in segments).split())
        return Transcript(self._snap(text), self._language, confidence(segments) if text else 0.0, seconds)

    def _segments(self, samples: NDArray[np.float32]) -> Iterable[Any]:
        segments, _ = self._model.transcribe(
            samples,
            language=self._language if self._model.model.is_multilingual else "en",
            beam_size=BEAM,
            temperature=0.0,  # warmer tries are where inventions come from
            condition_on_previous_text=False,
            without_timestamps=True,
            no_speech_threshold=None,  # `Guard` decides
            log_prob_threshold=None,
            compression_ratio_threshold=None,
            initial_prompt=self._hints.prompt or None,
            hotwords=self._hints.hotwords or None,
            max_new_tokens=MOST_TOKENS,
        )
        return list(segments)


def confidence(segments: Sequence[Any]) -> float:
    """The mean probability of a token, 0 to 1, weighed by the length of each segment's text."""
    weights = [max(1, len(segment.text)) for segment in segments]
    if not weights:
        return 0.0
    mean = sum(weight * segment.avg_logprob for weight, segment in zip(weights, segments, strict=True)) / sum(weights)
    return min(1.0, math.exp(mean))


def hints(skills: Sequence[Skill], examples: Sequence[Example]) -> Hints:
    """Names, choices and values that a general recogniser may not expect, and one example of each skill."""
    first = {example.calls[0].name: example.text for example in reversed(examples)}
    prompt = ". ".join(first[skill.name] for skill in skills if skill.name in first and skill.name != "other")
    named: dict[str, None] = {}
    for skill in skills:
        for parameter in skill.parameters:
            named.update(dict.fromkeys(parameter.limits.choices))
    free = {(skill.name, each.name) for skill in skills for each in skill.parameters if each.type in ("text", "place")}
    for example in examples:
        for call in example.calls:
            for name, argument in call.arguments.items():
                if (call.name, name) in free and isinstance(argument, str) and len(argument.split()) <= 2:
                    named.setdefault(argument)
    return Hints(_cut(", ".join(named)), _cut(prompt))


def found(model: str) -> Path | None:
    """Where a model is on this machine: `model` is a folder, or a name such as `base.en` in the Hugging Face cache.
    None when it is not there. Raises `ModelFileError` for a name that is none, or without faster-whisper."""
    if (Path(model) / "model.bin").is_file():
        return Path(model)
    repository = _repository(model)
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=list(FILES), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def fetch(model: str) -> Path:
    """Downloads a model into the Hugging Face cache, with a progress bar. Raises `ModelFileError` with what to run."""
    repository = _repository(model)
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    # Without a network the hub's library lets its own client's error through: httpx's, or since 2.0 httpx2's.
    unreachable: type[Exception] = next(kind for kind in HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError")
    try:
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=list(FILES)))
    except (LocalEntryNotFoundError, HfHubHTTPError, unreachable, OSError, ValueError) as error:
        raise ModelFileError(
            f"The Whisper model {model} is not on this machine and cannot be fetched ({_first_line(error)}). "
            f"With a network, run: hf download {repository}; or listen without it: --stt sphinx"
        ) from error


def _repository(model: str) -> str:
    """The Hugging Face repository of a model's name."""
    try:
        from faster_whisper.utils import _MODELS as repositories
    except ImportError as error:
        raise ModelFileError(f"Whisper needs more packages: {INSTALL}") from error
    if model in repositories:
        return str(repositories[model])
    if model.count("/") == 1 and not model.startswith((".", "/", "~")):
        return model
    raise ModelFileError(f"There is no Whisper model {model}: neither a folder with model.bin nor one of "
                         f"{', '.join(sorted(repositories))}")  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= HINT_CHARACTERS else text[:HINT_CHARACTERS].rpartition(" ")[0].rstrip(",.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
