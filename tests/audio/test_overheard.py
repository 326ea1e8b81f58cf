"""Sound that was not meant for Otto: the seeded share of `benchmarks/overheard.py` that needs no engine."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the voice extra")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from overheard import hum, knocks, music, noise, not_for_otto

from otto.audio.endpoint import Began, Endpoint, Hangover
from otto.audio.standin import chunks
from otto.audio.vad import VoiceActivity
from otto.config import Folders, bundled
from otto.registry.registry import Registry


@pytest.mark.parametrize("kind", [noise, hum, knocks, music])
@pytest.mark.parametrize("stretches", [2, pytest.param(30, marks=pytest.mark.nightly)])
def test_what_is_no_voice_begins_hardly_any_utterance(kind: object, stretches: int) -> None:
    chance = np.random.default_rng(1)
    voice, endpoint = VoiceActivity(), Endpoint(Hangover(0.6))
    began = 0
    for _ in range(stretches):
        sound = kind(chance, 10.0)  # type: ignore[operator]
        for chunk in chunks((sound * 32767).astype(np.int16), tail=0.0):
            began += sum(isinstance(event, Began) for event in endpoint(chunk, voice(chunk)))
    assert began <= stretches


def test_nobody_in_it_calls_otto(tmp_path: Path) -> None:
    registry = Registry(Folders((bundled("examples"),), (bundled("skills"),)), cache=tmp_path)
    said = not_for_otto(registry.snapshot)
    registry.close()
    assert len(said) > 5000
    assert [text for text in said if "otto" in text.lower().split()] == []
