"""`otto doctor` on voice: each missing part is one sentence and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sounddevice", reason="needs the voice extra")

from otto.audio.scripted import Fault, ScriptedAudio
from otto.audio.standin import Recorded, chunks
from otto.cli import doctorvoice
from otto.cli.doctorvoice import level, microphone, voice
from otto.cli.finding import Finding
from otto.config import load
from tests.pulse import SINK, needs_pulse, pulse_server


def sound(loudness: float) -> Recorded:
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000) * loudness * 32767
    return Recorded(chunks(noise.astype(np.int16), tail=0.0))


@pytest.mark.parametrize(
    ("loudness", "state", "says"),
    [
        (0.0, "missing", "switched off or muted"),
        (0.001, "missing", "nobody was heard"),
        (0.1, "ok", "loudest -24 dB"),
        (60.0, "missing", "cut off"),
    ],
)
def test_the_level_is_judged(loudness: float, state: str, says: str) -> None:
    shown: list[float] = []
    noise = np.clip(np.random.default_rng(0).uniform(-1, 1, 16_000) * loudness * 32767, -32767, 32767)
    found = level(Recorded(chunks(noise.astype(np.int16), tail=0.0)), shown.append)
    assert (found.state, len(shown)) == (state, 32)
    assert says in found.says


def test_without_a_microphone_that_is_said() -> None:
    tone = np.full(16_000, 3000, np.int16)
    gone = ScriptedAudio(tone, (Fault(0.0, "vanish", 100.0),))
    found = list(microphone(load({"microphone": "Scripted"}), gone, lambda decibels: None))
    assert [(each.subject, each.state) for each in found] == [("microphone", "missing")]
    assert "There is no microphone 'Scripted'; there is: Another microphone" in found[0].says
    busy = ScriptedAudio(tone, (Fault(0.0, "raise", 100.0),))
    *_, last = microphone(load({"microphone": "Scripted"}), busy, lambda decibels: None)
    assert (last.subject, last.state) == ("level", "missing")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctorvoice, "PACKAGES", ("json", "no_such_package"))
    (found,) = voice(load())
    assert found == Finding("voice", "missing", "not installed: no_such_package", "pip install 'otto-assistant[voice]'")


@pytest.mark.parametrize(
    ("settings", "subject", "state", "says"),
    [
        ({"stt": "whisper", "whisper_model": "tiny.en"}, "transcribing", "broken", "tiny.en is not on this machine"),
        ({"stt": "auto", "whisper_model": "tiny.en"}, "transcribing", "missing", "Sphinx; Whisper understands more"),
        ({"stt": "sphinx"}, "transcribing", "ok", "Sphinx"),
        ({"voice": "none"}, "speaking", "ok", "nobody"),
        ({"voice": "amy.onnx"}, "speaking", "missing", "piper"),
        ({"wake_phrases": ("xqzzt",)}, "attention", "broken", "I don't know how 'xqzzt'"),
        ({"attention": "always"}, "attention", "ok", "always"),
    ],
)
def test_each_part_is_a_sentence(
    settings: dict[str, object],
    subject: str,
    state: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr(doctorvoice, "microphone", lambda *_: iter(()))
    (found,) = [each for each in voice(load(settings)) if each.subject == subject]
    assert found.state == state, found
    assert says in found.says


@needs_pulse
def test_the_virtual_microphone_is_found_and_measured(own_folders: Path, tmp_path: Path) -> None:
    with pulse_server(tmp_path) as pulse:
        done = subprocess.run(
            [sys.executable, "-c", "from otto.cli import main; main()", "doctor", "--json"],
            env={**os.environ, **pulse.environment, "OTTO_MICROPHONE": SINK},
            capture_output=True,
            text=True,
            timeout=100,
        )
    found = {entry["subject"]: entry for entry in json.loads(done.stdout)}
    assert found["microphone"]["state"] == "ok"
    assert "Monitor of Null Output" in found["microphone"]["says"]
    assert "silent" in found["level"]["says"]
