"""Sound that was not meant for Otto: the seeded share of `benchmarks/overheard.py` that needs no engine."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs the voice extra")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from overheard import FLITE, hum, knocks, music, noise, not_for_otto, spoken, utterances

from otto.audio.chunk import RATE
from otto.audio.endpoint import Began, Ended, Endpoint, Hangover, Pause
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


@pytest.mark.parametrize("program", ["espeak-ng", "flite"])
def test_an_utterance_has_one_pause_where_it_ends(program: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    said = spoken("the weather is nice today", FLITE[0] if program == "flite" else "en-us")
    gap = np.zeros(int(0.15 * RATE), np.float32)
    (found,) = utterances(iter([np.concatenate([gap, said, gap, said, gap])]))
    kinds = [type(each.event) for each in found]
    assert kinds[0] is Began
    assert kinds[-1] is Ended
    assert kinds.count(Pause) == 1
    assert found[-1].at - found[0].at > 2 * len(said) / RATE - 0.5


def test_nobody_in_it_calls_otto(tmp_path: Path) -> None:
    registry = Registry(Folders((bundled("examples"),), (bundled("skills"),)), cache=tmp_path)
    said = not_for_otto(registry.snapshot)
    registry.close()
    assert len(said) > 5000
    assert [text for text in said if "otto" in text.lower().split()] == []
