"""The microphone comes back, whatever happened to it, and never another one in its place."""

from __future__ import annotations

import os
import random
import threading
from typing import get_args

import numpy as np
import pytest

from otto.audio.chunk import CHUNK_SAMPLES, RATE
from otto.audio.device import Device, MicrophoneError, choose
from otto.audio.mic import WAITING_BLOCKS, Microphone
from otto.audio.scripted import NAME, OTHER, Fault, FaultKind, ScriptedAudio

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
NOISE = (np.random.default_rng(0).standard_normal(5 * RATE) * 3000).astype(np.int16)


def heard_again(fault: Fault) -> float:
    """Seconds from the end of the fault until sound comes again."""
    system = ScriptedAudio(NOISE, (fault,))
    returned = fault.at + fault.seconds
    with Microphone(system, NAME, clock=system.clock) as microphone:
        while system.now < returned + 10:
            chunk = microphone.read(0.1)
            if chunk is not None and chunk.samples.any() and system.now > returned:
                break
        assert set(system.opened) == {NAME}
        assert len(system.streams) == 1
    assert system.streams == []
    return system.now - returned


def test_it_returns_within_three_seconds_after_any_failure_at_any_moment() -> None:
    threads, files = threading.active_count(), len(os.listdir("/dev/fd"))
    chance = random.Random(5)
    late = [heard_again(Fault(chance.uniform(0.1, 4), KINDS[n % 5], chance.uniform(0.2, 20))) for n in range(100)]
    assert max(late) <= 3.0
    assert (threading.active_count(), len(os.listdir("/dev/fd"))) == (threads, files)


@pytest.mark.parametrize("kind", KINDS)
def test_its_going_and_coming_is_told_once(kind: FaultKind) -> None:
    system = ScriptedAudio(NOISE, (Fault(1.0, kind, 5.0),))
    told: list[str] = []
    with Microphone(system, NAME, clock=system.clock, changed=told.append) as microphone:
        while system.now < 12:
            microphone.read(0.1)
        assert microphone.trouble == ""
    if kind == "zeros":
        assert told == []  # a microphone that is switched off sends zeros, too
    else:
        assert len(told) == 2
        assert told[1] == "The microphone is back."


def test_what_is_heard_is_what_was_played() -> None:
    system = ScriptedAudio(NOISE)
    with Microphone(system, clock=system.clock) as microphone:
        chunks = [microphone.read(1.0) for _ in range(20)]
    heard = np.concatenate([chunk.samples for chunk in chunks if chunk])
    assert np.array_equal(heard, NOISE[: 20 * CHUNK_SAMPLES])


def test_another_rate_is_converted() -> None:
    seconds = np.arange(48_000 * 2) / 48_000
    tone = (10_000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    system = ScriptedAudio(tone, (Fault(0.0, "rate", 1000),), rate=48_000)
    with Microphone(system, clock=system.clock) as microphone:
        chunks = [microphone.read(1.0) for _ in range(40)]
    heard = np.concatenate([chunk.samples for chunk in chunks if chunk])[2000:18_000]
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * RATE / len(heard) == pytest.approx(440, abs=2)
    assert abs(int(np.abs(heard).max()) - 10_000) < 300


def test_a_new_default_is_told_and_used() -> None:
    system = ScriptedAudio(NOISE, (Fault(1.0, "vanish", 100.0),))
    told: list[str] = []
    with Microphone(system, clock=system.clock, changed=told.append) as microphone:
        while system.now < 6:
            microphone.read(0.1)
    assert system.opened[-1] == OTHER
    assert f"Listening through {OTHER} now." in told


def test_a_reader_who_does_not_read_costs_no_memory() -> None:
    system = ScriptedAudio(NOISE)
    with Microphone(system, clock=system.clock) as microphone:
        microphone.read(1.0)
        system.clock.wait(threading.Event(), 60.0)
        assert microphone.lost_blocks > 60 * RATE / CHUNK_SAMPLES - WAITING_BLOCKS - 2
        assert microphone.read(1.0) is not None


def test_the_device_is_named_by_a_part_of_its_name() -> None:
    devices = (Device("default", default=True), Device("Blue Yeti", source="alsa_input.usb-Blue"), Device("Blue"))
    assert choose(devices, "").name == "default"
    assert choose(devices, "yeti").name == "Blue Yeti"
    assert choose(devices, "blue").name == "Blue"
    assert choose(devices, "usb-blue").name == "Blue Yeti"
    with pytest.raises(MicrophoneError, match="no microphone 'webcam'; there is: default, Blue Yeti, Blue"):
        choose(devices, "webcam")
    with pytest.raises(MicrophoneError, match="There is no microphone: connect one"):
        choose((), "")


def test_nothing_is_lost_where_zeros_are_sent_whenever_nobody_speaks() -> None:
    """A noise gate does that; and a microphone that is switched on again."""
    speech, silence = NOISE[:RATE], np.zeros(6 * RATE, np.int16)
    whole = np.concatenate([speech, silence, speech, silence, speech])
    system = ScriptedAudio(whole)
    with Microphone(system, clock=system.clock) as microphone:
        chunks = [microphone.read(1.0) for _ in range(len(whole) // CHUNK_SAMPLES)]
    heard = np.concatenate([chunk.samples for chunk in chunks if chunk])
    assert np.array_equal(heard, whole[: len(heard)])
    assert len(system.opened) <= 3  # looked twice whether the stream was dead, then knew better
