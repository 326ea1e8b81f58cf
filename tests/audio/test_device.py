"""The real microphone path: PortAudio, a sound server, a virtual microphone that is played into, pulled and plugged."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otto.audio.device import MicrophoneError, PortAudio
from otto.audio.mic import Microphone
from otto.audio.scripted import ScriptedSpeech
from tests.pulse import SINK, Pulse, needs_pulse, pulse_server


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulse]:
    with pulse_server(tmp_path_factory.mktemp("pulse")) as server:
        yield server


@pytest.fixture
def system(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> PortAudio:
    for name, value in pulse.environment.items():
        monkeypatch.setenv(name, value)
    audio = PortAudio()
    try:
        devices = audio.devices()
    except MicrophoneError as error:
        pytest.skip(str(error))
    if not devices:
        pytest.skip("PortAudio does not see the sound server: apt-get install libasound2-plugins")
    return audio


def loudest(microphone: Microphone, seconds: float) -> int:
    """The loudest sample that is heard within `seconds`."""
    end, peak = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        if chunk := microphone.read(0.1):
            peak = max(peak, int(np.abs(chunk.samples).max()))
    return peak


def heard_while(pulse: Pulse, microphone: Microphone) -> int:
    tones = ScriptedSpeech("tone")
    player = threading.Thread(target=lambda: pulse.play(tones.say("tone", 1.0, 0.2)))
    player.start()
    peak = loudest(microphone, 2.0)
    player.join(20)
    return peak


@needs_pulse
def test_what_is_played_is_heard_by_the_name_of_the_microphone(pulse: Pulse, system: PortAudio) -> None:
    with Microphone(system, f"{SINK}.monitor") as microphone:
        microphone.open()
        assert heard_while(pulse, microphone) > 5000
    with Microphone(system, "another.monitor") as microphone:
        microphone.open()
        assert heard_while(pulse, microphone) < 500


@needs_pulse
def test_no_device_bypasses_the_sound_server(system: PortAudio) -> None:
    devices = system.devices()
    assert devices[0].default
    assert not [device.name for device in devices if "hw:" in device.name]
    assert f"{SINK}.monitor" in {device.source for device in devices}


@needs_pulse
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.nightly)])
def test_it_returns_after_the_sound_server_died(pulse: Pulse, system: PortAudio, times: int) -> None:
    told: list[str] = []
    with Microphone(system, f"{SINK}.monitor", changed=told.append) as microphone:
        microphone.open()
        loudest(microphone, 0.5)
        threads, files = threading.active_count(), descriptors()
        for _ in range(times):
            pulse.kill()
            loudest(microphone, 1.5)
            assert microphone.trouble
            pulse.start()
            returned = time.monotonic()
            while microphone.trouble and time.monotonic() - returned < 10:
                microphone.read(0.1)
            assert time.monotonic() - returned < 4.0  # 3 s, and what the new server takes for its first block
            assert heard_while(pulse, microphone) > 5000
        assert abs(descriptors() - files) <= 1
        assert threading.active_count() <= threads
    assert told[-1] == "The microphone is back."


@needs_pulse
def test_a_microphone_that_is_not_there_is_told(system: PortAudio) -> None:
    with pytest.raises(MicrophoneError, match="There is no microphone 'webcam'; there is: "):
        Microphone(system, "webcam").open()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MicrophoneError, match="pip install 'otto-assistant"):
        PortAudio().devices()
    (tmp_path / "sounddevice.py").write_text("raise OSError")
    with pytest.raises(MicrophoneError, match="install libportaudio2"):
        Microphone(PortAudio()).open()


def descriptors() -> int:
    return len(os.listdir("/dev/fd")) if Path("/dev/fd").exists() else 0
