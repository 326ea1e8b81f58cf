"""Whisper: the real code on a tiny model that always says one sentence; and a real model where there is one."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from otto.audio.chunk import AudioChunk
from otto.audio.recording import read
from otto.audio.score import whole_chunks
from otto.audio.whisper import Guard, Hints, Whisper, confidence, fetch, found, hints
from otto.call import parse
from otto.errors import ModelFileError
from otto.example import Example
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.audio import tinywhisper

pytest.importorskip("faster_whisper")

SENTENCE = "Set a timer for ten minutes."
SPEECH = (3000 * np.sin(np.arange(32_000) / 20)).astype(np.int16)


class Voice:
    """A second opinion that always hears speech, or never."""

    def __init__(self, speaking: bool = True) -> None:
        self.speaking = speaking
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def __call__(self, chunk: AudioChunk) -> float:
        return float(self.speaking)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinywhisper.make(tmp_path_factory.mktemp("whisper"), SENTENCE)


def test_says_what_it_heard_when_the_utterance_is_over(model: Path) -> None:
    hearing = Whisper(model, activity=Voice()).listen()
    for chunk in whole_chunks(SPEECH):
        hearing.feed(chunk)
        assert hearing.partial() == ""
    transcript = hearing.finish()
    assert transcript.text == SENTENCE
    assert transcript.confidence > 0.9
    assert transcript.seconds == pytest.approx(2.0, abs=0.033)


def test_nothing_is_transcribed_where_nobody_speaks(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Whisper(model, activity=Voice(speaking=False))
    monkeypatch.setattr(engine, "_segments", lambda samples: pytest.fail("asked Whisper about silence"))
    assert engine.transcribe(whole_chunks(SPEECH)).text == ""
    assert engine.listen().finish().text == ""


def test_the_voice_activity_model_hears_no_speech_in_silence_and_noise(model: Path) -> None:
    engine = Whisper(model)
    hiss = np.random.default_rng(0).normal(0, 200, 32_000).astype(np.int16)
    assert engine.transcribe(whole_chunks(np.zeros(32_000, np.int16))).text == ""
    assert engine.transcribe(whole_chunks(hiss)).text == ""


def test_the_second_opinion_forgets_the_utterance_before(model: Path) -> None:
    voice = Voice()
    engine = Whisper(model, activity=voice)
    engine.transcribe(whole_chunks(SPEECH))
    engine.transcribe(whole_chunks(SPEECH))
    assert voice.resets == 2


def test_what_whisper_itself_takes_for_silence_is_dropped_when_it_is_unsure(tmp_path: Path) -> None:
    sure = Whisper(tinywhisper.make(tmp_path / "sure", SENTENCE, silent=True), activity=Voice())
    unsure = Whisper(tinywhisper.make(tmp_path / "unsure", SENTENCE, silent=True, sure=0.8), activity=Voice())
    assert sure.transcribe(whole_chunks(SPEECH)).text == SENTENCE
    assert unsure.transcribe(whole_chunks(SPEECH)).text == ""


def segment(**figures: float) -> SimpleNamespace:
    return SimpleNamespace(
        text="ten minutes", **{"no_speech_prob": 0.1, "avg_logprob": -0.2, "compression_ratio": 1.0} | figures
    )


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, True),
        ({"no_speech_prob": 0.9}, True),
        ({"no_speech_prob": 0.9, "avg_logprob": -1.2}, False),
        ({"avg_logprob": -1.2}, True),
        ({"avg_logprob": -2.0}, False),
        ({"compression_ratio": 3.0}, False),
    ],
)
def test_guards_against_invented_text(figures: dict[str, float], said: bool) -> None:
    assert Guard().passes(segment(**figures)) is said


def test_confidence_is_the_mean_probability_of_a_token() -> None:
    assert confidence([segment(avg_logprob=0.0)]) == 1.0
    assert confidence([segment(avg_logprob=-0.693)]) == pytest.approx(0.5, abs=0.01)
    assert confidence([]) == 0.0


def test_hints_reach_the_model(model: Path) -> None:
    # The tiny model says a word for each place in the text; what stands before the text moves it along.
    hinted = Whisper(model, hints=Hints(hotwords="x", prompt=""), activity=Voice())
    assert hinted.transcribe(whole_chunks(SPEECH)).text not in ("", SENTENCE)


def test_hints_name_choices_names_and_one_command_of_each_skill() -> None:
    skills = [
        Skill("lights", (Parameter("state", "choice", limits=Limits(choices=("on", "off"))),)),
        Skill("play", (Parameter("artist"),)),
        Skill("other"),
    ]
    examples = [
        Example("lights on", parse('lights(state="on")')),
        Example("lights off", parse('lights(state="off")')),
        Example("play some abba", parse('play(artist="Abba")')),
        Example("nonsense", parse("other()")),
    ]
    made = hints(skills, examples)
    assert made == Hints("on, off, Abba", "lights on. play some abba")
    many = [Example(f"play band {number}", parse(f'play(artist="band {number}")')) for number in range(200)]
    assert len(hints(skills, many).hotwords) <= 300


def test_what_was_heard_is_snapped(model: Path) -> None:
    engine = Whisper(model, activity=Voice(), snap=lambda text: text.replace("ten", "10"))
    assert engine.transcribe(whole_chunks(SPEECH)).text == "Set a timer for 10 minutes."


def test_a_model_is_found_in_its_folder_or_not_at_all(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(str(model)) == model
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert found("base.en") is None
    with pytest.raises(ModelFileError, match="no Whisper model huge-and-better: .*base.en"):
        found("huge-and-better")


def test_offline_without_a_model_the_sentence_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelFileError, match=r"hf download Systran/faster-whisper-base\.en; .*--stt sphinx"):
        fetch("base.en")


def test_a_damaged_model_is_named(model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 5000 if file.name == "model.bin" else None])
    with pytest.raises(ModelFileError, match=f"{tmp_path} cannot be loaded"):
        Whisper(tmp_path)


@pytest.mark.skipif("OTTO_TEST_WHISPER" not in os.environ, reason="OTTO_TEST_WHISPER names no Whisper model")
def test_a_real_model_hears_a_known_speech() -> None:
    clip = Path("../shared/bench/speech/jfk.flac")
    if not clip.exists():
        pytest.skip("needs ../shared/bench/speech")
    folder = found(os.environ["OTTO_TEST_WHISPER"])
    assert folder is not None
    assert Whisper(folder).transcribe(whole_chunks(read(clip))).text == (
        "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    )
