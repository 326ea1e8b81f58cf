"""Sphinx hears recorded commands, loud and soft, at once and bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from otto.audio.language import prepared, sentences
from otto.audio.recording import read
from otto.audio.score import whole_chunks
from otto.audio.sphinx import Sphinx, right_gain
from otto.call import parse
from otto.errors import ModelFileError
from otto.example import Example
from otto.skill import Parameter, Skill
from otto.values import Limits

pytest.importorskip("pocketsphinx")
pytest.importorskip("soundfile")

CLIPS = Path(__file__).parent.parent / "data" / "speech"
SKILLS = [
    Skill("lights", (Parameter("state", "choice", limits=Limits(choices=("on", "off"))),
                     Parameter("room", "choice", limits=Limits(choices=("kitchen", "living room", "hall"))))),
    Skill("timer", (Parameter("duration", "duration"),)),
    Skill("weather", (Parameter("location", "place"),)),
]  # fmt: skip
# None of the recorded sentences is among them.
EXAMPLES = [
    Example(text, parse(call))
    for text, call in (
        ("turn on the kitchen light", 'lights(state="on", room="kitchen")'),
        ("set a timer for two minutes", 'timer(duration="2 minutes")'),
        ("timer for an hour please", 'timer(duration="1 hour")'),
        ("what is the weather in paris tomorrow", 'weather(location="Paris")'),
        ("will it rain in berlin today", 'weather(location="Berlin")'),
        ("tell me a story", "other()"),
    )
]
SAID = {
    "timer": "set a timer for ten minutes",
    "lights": "turn off the living room light",
    "berlin": "what is the weather in berlin tomorrow",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Sphinx:
    return Sphinx(prepared(sentences(SKILLS, EXAMPLES, ["otto"]), tmp_path_factory.mktemp("speech")))


def hear(engine: Sphinx, samples: NDArray[np.int16]) -> str:
    hearing = engine.listen()
    for chunk in whole_chunks(samples):
        hearing.feed(chunk)
    return hearing.finish().text


@pytest.mark.parametrize("name", SAID)
def test_hears_commands_that_no_example_holds(engine: Sphinx, name: str) -> None:
    hearing = engine.listen()
    for chunk in whole_chunks(read(CLIPS / f"{name}.flac")):
        hearing.feed(chunk)
    transcript = hearing.finish()
    assert transcript.text == SAID[name]
    assert transcript.language == "en"
    assert 0.3 < transcript.confidence <= 1
    assert transcript.seconds == pytest.approx(len(read(CLIPS / f"{name}.flac")) / 16_000, abs=0.033)


@pytest.mark.parametrize("factor", [0.03, 0.3, 3.0])
def test_hears_soft_and_loud_speech(engine: Sphinx, factor: float) -> None:
    samples = read(CLIPS / "timer.flac").astype(np.float64) * factor
    assert hear(engine, np.clip(samples, -32768, 32767).astype(np.int16)) == SAID["timer"]


def test_what_was_heard_before_changes_nothing(engine: Sphinx) -> None:
    samples = read(CLIPS / "timer.flac")
    noise = np.random.default_rng(0).normal(0, 300, 32_000).astype(np.int16)
    first = hear(engine, samples)
    hear(engine, noise)
    assert hear(engine, samples) == first == SAID["timer"]


def test_words_come_while_somebody_speaks(engine: Sphinx) -> None:
    hearing = engine.listen()
    said = []
    for chunk in whole_chunks(read(CLIPS / "timer.flac")):
        hearing.feed(chunk)
        said.append(hearing.partial())
    hearing.finish()
    assert said[0] == ""
    assert "timer" in said[len(said) * 2 // 3]
    assert SAID["timer"].startswith(said[-1][:5])


def test_an_utterance_that_was_not_finished_does_not_stay(engine: Sphinx) -> None:
    given_up = engine.listen()
    for chunk in whole_chunks(read(CLIPS / "lights.flac"))[:40]:
        given_up.feed(chunk)
    assert hear(engine, read(CLIPS / "timer.flac")) == SAID["timer"]


def test_nothing_and_silence_are_no_words(engine: Sphinx) -> None:
    assert engine.listen().finish().text == ""
    hearing = engine.listen()
    for chunk in whole_chunks(np.zeros(16_000, np.int16)):
        hearing.feed(chunk)
    assert hearing.finish().text == ""


def test_what_was_heard_is_snapped(tmp_path: Path) -> None:
    files = prepared(sentences(SKILLS, EXAMPLES), tmp_path)
    engine = Sphinx(files, snap=lambda text: text.replace("ten", "10"))
    assert hear(engine, read(CLIPS / "timer.flac")) == "set a timer for 10 minutes"


def test_a_damaged_language_model_is_named(tmp_path: Path) -> None:
    files = prepared(sentences(SKILLS, EXAMPLES), tmp_path)
    files.model.write_text("not a model")
    with pytest.raises(ModelFileError, match="remove that file"):
        Sphinx(files)


def test_what_was_heard_before_does_not_change_the_likelihood(engine: Sphinx) -> None:
    def score() -> float | None:
        hearing = engine.listen()
        for chunk in whole_chunks(read(CLIPS / "timer.flac")):
            hearing.feed(chunk)
        return hearing.finish().score

    first = score()
    hear(engine, read(CLIPS / "berlin.flac") * 2)
    assert score() == first
    hear(engine, (np.random.default_rng(0).standard_normal(32_000) * 1500).astype(np.int16))
    assert score() == first


def test_usual_levels_are_left_alone() -> None:
    silence = [np.zeros(512, np.int16)] * 10
    chance = np.random.default_rng(0)
    speech = [chance.normal(0, 2000, 512).astype(np.int16) for _ in range(10)]
    assert right_gain(silence + speech) == 1.0
    assert right_gain(silence + [(block * 0.02).astype(np.int16) for block in speech]) > 10
