"""Which engine listens: by name, or the best that is there.

    engine = transcriber(settings, skills, examples, note=print)
    engine = transcriber(settings, *spoken_of(snapshot), note=print)

`auto` takes Whisper when its model lies on this machine and Sphinx otherwise, never downloads anything, and says which
it took. Every engine knows the skills' vocabulary, and what it heard is brought to it by sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from otto.audio.language import prepared, sentences
from otto.audio.sounds import Snapper, vocabularies
from otto.audio.stt import SpeechToText
from otto.config import Settings
from otto.errors import ConfigError, ModelFileError
from otto.example import Example
from otto.registry.snapshot import Snapshot
from otto.skill import Skill
from otto.voice.attention import names

ENGINES = ("auto", "whisper", "sphinx", "openai")
INSTALL = "pip install 'otto-assistant[voice]'"

Note = Callable[[str], None]


def transcriber(
    settings: Settings,
    skills: Sequence[Skill],
    examples: Sequence[Example],
    *,
    called: bool = False,
    note: Note = lambda sentence: None,
) -> SpeechToText:
    """The engine that the setting `stt` names, ready to listen; `note` is told which one `auto` took and why.

    `called`: whether commands begin with the wake phrase; where a key or a page says that somebody speaks to Otto, they
    are heard better without expecting it. Raises `ModelFileError` or `TranscriptionError` with what to run or to set,
    `ConfigError` for another name.
    """
    match settings.stt:
        case "auto":
            return _best(settings, skills, examples, called, note)
        case "whisper":
            return _whisper(settings, skills, examples, note)
        case "sphinx":
            return _sphinx(settings, skills, examples, called)
        case "openai":
            return _hosted(settings, skills, examples)
    raise ConfigError(f"stt: there is no engine {settings.stt!r}; known: {', '.join(ENGINES)}")


def spoken_of(snapshot: Snapshot) -> tuple[list[Skill], list[Example]]:
    """Skills and examples of a registry's snapshot."""
    registered = snapshot.skills.values()
    return [each.skill for each in registered], [example for each in registered for example in each.examples]


def _best(
    settings: Settings, skills: Sequence[Skill], examples: Sequence[Example], called: bool, note: Note
) -> SpeechToText:
    from otto.audio.whisper import found

    if find_spec("faster_whisper") and (folder := found(settings.whisper_model)):
        note(f"Transcribing with Whisper ({settings.whisper_model}).")
        return _loaded(folder, settings, skills, examples)
    engine = _sphinx(settings, skills, examples, called)
    note(f"Transcribing with Sphinx; the Whisper model {settings.whisper_model} is not on this machine.")
    return engine


def _sphinx(settings: Settings, skills: Sequence[Skill], examples: Sequence[Example], called: bool) -> SpeechToText:
    if not find_spec("pocketsphinx"):
        raise ModelFileError(f"Sphinx needs more packages: {INSTALL}")
    from otto.audio.sphinx import Sphinx

    folder = settings.cache_folder / "speech"
    snap = _snapper(skills, examples)
    if not called:
        return Sphinx(prepared(sentences(skills, examples), folder), snap=snap)
    said = sentences(skills, examples, settings.wake_phrases)
    rival = Sphinx(prepared(said, folder, without=names(settings.wake_phrases)))
    return Sphinx(prepared(said, folder), snap=snap, rival=rival)


def _whisper(settings: Settings, skills: Sequence[Skill], examples: Sequence[Example], note: Note) -> SpeechToText:
    from otto.audio.whisper import fetch, found

    folder = found(settings.whisper_model)
    if folder is None:
        note(f"Fetching the Whisper model {settings.whisper_model}.")
        folder = fetch(settings.whisper_model)
    return _loaded(folder, settings, skills, examples)


def _loaded(folder: Path, settings: Settings, skills: Sequence[Skill], examples: Sequence[Example]) -> SpeechToText:
    from otto.audio.whisper import Whisper, hints

    return Whisper(
        folder,
        compute_type=settings.whisper_compute,
        hints=hints(skills, examples),
        snap=_snapper(skills, examples),
    )


def _hosted(settings: Settings, skills: Sequence[Skill], examples: Sequence[Example]) -> SpeechToText:
    from otto.audio.hosted import Hosted
    from otto.audio.whisper import hints

    return Hosted.of_environment(
        settings.stt_model, prompt=hints(skills, examples).prompt, snap=_snapper(skills, examples)
    )


def _snapper(skills: Sequence[Skill], examples: Sequence[Example]) -> Callable[[str], str]:
    """By sound where the pronouncing dictionary is there; otherwise everything is left as it was heard."""
    if not find_spec("pocketsphinx"):
        return lambda text: text
    return Snapper(*vocabularies(skills, examples))
