"""Which engine listens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otto import config
from otto.audio import engines
from otto.audio.engines import spoken_of, transcriber
from otto.audio.hosted import TranscriptionError
from otto.audio.recording import read
from otto.audio.score import Timed
from otto.audio.sphinx import Sphinx
from otto.audio.stt import Rivalled
from otto.call import parse
from otto.config import Settings
from otto.errors import ModelFileError
from otto.example import Example
from otto.registry.snapshot import Registered, Snapshot
from otto.skill import Parameter, Skill
from tests.audio import tinywhisper

pytest.importorskip("pocketsphinx")

TIMER = Skill("timer", (Parameter("duration", "duration"),))
EXAMPLES = [Example("set a timer for two minutes", parse('timer(duration="2 minutes")'))]
CLIP = Path(__file__).parent.parent / "data" / "speech" / "timer.flac"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With no Whisper model on the machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "models"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return config.load(environment={})


def test_auto_takes_sphinx_where_there_is_no_whisper_model_and_says_so(settings: Settings) -> None:
    pytest.importorskip("faster_whisper")
    told: list[str] = []
    engine = transcriber(settings, [TIMER], EXAMPLES, note=told.append)
    assert engine.name == "sphinx"
    assert told == ["Transcribing with Sphinx; the Whisper model base.en is not on this machine."]
    assert Timed(engine).transcribe(read(CLIP)).text == "set a timer for ten minutes"


def test_auto_takes_whisper_where_its_model_is(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    folder = tinywhisper.make(tmp_path / "tiny", "Set a timer.")
    told: list[str] = []
    engine = transcriber(replace(settings, whisper_model=str(folder)), [TIMER], EXAMPLES, note=told.append)
    assert engine.name == "whisper"
    assert told == [f"Transcribing with Whisper ({folder})."]


def test_whisper_without_a_model_and_offline_says_what_to_run(settings: Settings) -> None:
    pytest.importorskip("faster_whisper")
    told: list[str] = []
    with pytest.raises(ModelFileError, match="hf download"):
        transcriber(replace(settings, stt="whisper"), [TIMER], EXAMPLES, note=told.append)
    assert told == ["Fetching the Whisper model base.en."]


def test_an_endpoint_of_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TranscriptionError, match="OPENAI_BASE_URL"):
        transcriber(replace(settings, stt="openai", stt_model="m"), [TIMER], EXAMPLES)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert transcriber(replace(settings, stt="openai", stt_model="m"), [TIMER], EXAMPLES).name == "openai"


@pytest.mark.parametrize("name", ["sphinx", "auto"])
def test_without_the_packages_the_sentence_holds_the_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    with pytest.raises(ModelFileError, match=r"pip install 'otto-assistant\[voice\]'"):
        transcriber(config.load({"stt": name}, environment={}), [TIMER], EXAMPLES)


def test_the_wake_phrase_is_expected_only_where_commands_begin_with_it(settings: Settings) -> None:
    spoken_to = transcriber(replace(settings, stt="sphinx"), [TIMER], EXAMPLES)
    called = transcriber(replace(settings, stt="sphinx"), [TIMER], EXAMPLES, called=True)
    assert isinstance(spoken_to, Rivalled)
    assert isinstance(called, Rivalled)
    assert spoken_to.rival is None
    assert isinstance(called.rival, Sphinx)
    clip = read(CLIP)
    heard, rival = Timed(called).transcribe(clip), Timed(called.rival).transcribe(clip)
    assert heard.text == rival.text == Timed(spoken_to).transcribe(clip).text == "set a timer for ten minutes"
    assert heard.score == pytest.approx(rival.score, abs=0.01)  # nothing speaks for a phrase that nobody said
    Timed(called).transcribe((clip * 0.02).astype(np.int16))  # quiet, and the rival is not asked
    soft = (clip * 0.045).astype(np.int16)
    heard, rival = Timed(called).transcribe(soft), Timed(called.rival).transcribe(soft)
    assert heard.score == pytest.approx(rival.score, abs=0.01)  # equally loud for both


def test_sphinx_keeps_its_language_model_in_the_cache_folder(settings: Settings) -> None:
    transcriber(replace(settings, stt="sphinx"), [TIMER], EXAMPLES)
    assert len(list((settings.cache_folder / "speech").glob("*.arpa"))) == 1


def test_a_snapshot_is_skills_and_examples() -> None:
    other = Skill("other")
    snapshot = Snapshot({"timer": Registered(TIMER, tuple(EXAMPLES)), "other": Registered(other)})
    assert spoken_of(snapshot) == ([other, TIMER], EXAMPLES)
