"""Otto's spoken reply, heard by its own microphone: through a real sound server, a real voice and real voice activity.
What plays the reply plays into the virtual microphone, as a loudspeaker does that stands beside one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from otto.audio.endpoint import Began, Endpoint, Hangover
from otto.audio.interruption import Interruption
from otto.audio.mic import Microphone
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.standin import chunks
from otto.audio.tts import Speaker, find_voice
from otto.voice.attention import Attention, Mode
from otto.voice.ears import Ears, Sound
from otto.voice.hearer import Hearer
from tests.pulse import SINK, Pulse, needs_pulse, pulse_server
from tests.voicefakes import WAKE, EchoOtto

pytest.importorskip("faster_whisper", reason="needs the voice extra")
REPLY = (
    "Tomorrow will be cloudy with some sunshine in the afternoon, and the highest temperature is seventeen degrees. "
    "In the evening there may be a little rain, so you should take an umbrella with you when you leave the house."
)


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulse]:
    with pulse_server(tmp_path_factory.mktemp("pulse")) as server:
        server.command("set-default-sink", SINK)
        yield server


@pytest.fixture
def speaker(pulse: Pulse, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    for name, value in pulse.environment.items():
        monkeypatch.setenv(name, value)
    return Speaker(find_voice("espeak-ng"))


@pytest.fixture
def ears(speaker: Speaker) -> Iterator[Ears]:
    from otto.audio.device import PortAudio
    from otto.audio.vad import VoiceActivity

    voice = VoiceActivity()
    microphone = Microphone(PortAudio(), SINK)
    microphone.open()
    listening = Ears(
        microphone,
        voice,
        Endpoint(Hangover(0.6)),
        deaf=lambda: speaker.deaf,
        interruption=Interruption(voice, lambda: speaker.playback),
        interrupted=lambda: bool(speaker.stop()) or None,
    )
    listening.start()
    yield listening
    assert listening.stop(2.0)


def began(ears: Ears) -> list[bool]:
    """For each utterance so far, whether it interrupted."""
    found = [ears.sounds.get_nowait() for _ in range(ears.sounds.qsize())]
    return [sound.interrupting for sound in found if sound and isinstance(sound.event, Began)]


@needs_pulse
@pytest.mark.nightly  # where four times as many processes run as there are cores, the sound server waits too often
def test_it_does_not_hear_itself(ears: Ears, speaker: Speaker) -> None:
    started = time.monotonic()
    thread = speaker.say(REPLY)
    assert thread
    thread.join(30)
    assert time.monotonic() - started > 8  # all of it was said
    time.sleep(1.0)
    assert began(ears) == []


@needs_pulse
def test_who_speaks_while_it_does_is_heard_and_silences_it(ears: Ears, speaker: Speaker, pulse: Pulse) -> None:
    thread = speaker.say(REPLY)
    assert thread
    time.sleep(3.0)
    started = time.monotonic()
    somebody = threading.Thread(target=pulse.say, args=("stop, please be quiet now", "en-gb+m2"))
    somebody.start()
    thread.join(10)
    assert time.monotonic() - started < 4  # the other voice is made and played first; the reply lasts far longer
    somebody.join(10)
    time.sleep(1.0)
    assert began(ears) == [True]


def commands(*said: str, interrupting: bool, mode: Mode = "wake", answering: bool = False) -> list[str | None]:
    """What each utterance asks for."""
    engine, attention = ScriptedSpeech(*said), Attention(mode, WAKE)
    hearer = Hearer(engine, attention, EchoOtto().understand, answering=lambda: answering)
    endpoint = Endpoint(Hangover(0.6))
    sound = np.concatenate([engine.say(each) for each in said])
    events = [event for chunk in chunks(sound) for event in endpoint(chunk, loudness(chunk))]
    return [heard.command for event in events if (heard := hearer(Sound(event, 0.0, interrupting=interrupting)))]


def test_stop_needs_no_wake_phrase_while_otto_speaks() -> None:
    assert commands("stop", "never mind", interrupting=True) == ["stop", "never mind"]
    assert commands("stop", "never mind", interrupting=False) == [None, None]


@pytest.mark.parametrize("mode", ["wake", "always"])
def test_everything_else_that_is_said_while_otto_speaks_needs_it(mode: Mode) -> None:
    assert commands("say one", "otto say two", interrupting=True, mode=mode) == [None, "say two"]


def test_an_answer_may_come_before_the_question_is_over() -> None:
    assert commands("yes", interrupting=True, answering=True) == ["yes"]
