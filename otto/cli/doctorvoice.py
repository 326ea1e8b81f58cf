"""What `otto doctor` looks at for the voice: packages, microphone and its level, models, who speaks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from otto.cli.finding import Finding
from otto.config import Settings
from otto.errors import OttoError

if TYPE_CHECKING:
    from otto.audio.device import AudioSystem
    from otto.audio.standin import Source

INSTALL = "pip install 'otto-assistant[voice]'"
PACKAGES = ("sounddevice", "soundfile", "pocketsphinx", "faster_whisper", "onnxruntime")
LEVEL_SECONDS = 2.0
SILENT, QUIET, LOUD = -90.0, -55.0, -1.0
"""dB below full scale: nothing at all; too quiet to be understood well; cut off."""

Shown = Callable[[float], None]


def voice(settings: Settings) -> Iterator[Finding]:
    """Everything, in the order in which a spoken command meets it."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        yield Finding("voice", "missing", f"not installed: {', '.join(missing)}", INSTALL)
        return
    from otto.audio.device import PortAudio

    yield from microphone(settings, PortAudio(), meter)
    yield Finding("attention", *_attention(settings))
    yield Finding("transcribing", *_transcribing(settings))
    yield Finding("speaking", *_speaking(settings))


def microphone(settings: Settings, system: AudioSystem, shown: Shown) -> Iterator[Finding]:
    """Which there are, which is used, and how loud it is; `shown` is told the level while that is measured."""
    from otto.audio.device import choose
    from otto.audio.mic import Microphone

    try:
        devices = system.devices()
        chosen = choose(devices, settings.microphone)
    except OttoError as error:
        yield Finding("microphone", "missing", str(error))
        return
    others = ", ".join(device.name for device in devices if device is not chosen)
    yield Finding("microphone", "ok", f"{chosen.name}{f' (there is also: {others})' if others else ''}")
    source = Microphone(system, settings.microphone)
    try:
        source.open()
        yield level(source, shown)
    except OttoError as error:
        yield Finding("level", "missing", str(error))
    finally:
        source.close()


def level(source: Source, shown: Shown, seconds: float = LEVEL_SECONDS) -> Finding:
    """How loud it is: the loudest of `seconds`, and the usual."""
    levels: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until and not source.ended:
        chunk = source.read(0.2)
        if chunk is not None:
            levels.append(chunk.level)
            shown(chunk.level)
    if not levels:
        return Finding("level", "missing", "the microphone sends nothing", "see the system's sound settings")
    loudest, usual = max(levels), sorted(levels)[len(levels) // 2]
    says = f"loudest {loudest:.0f} dB, usually {usual:.0f} dB (0 is as loud as can be)"
    if loudest <= SILENT:
        return Finding("level", "missing", "the microphone is silent: it is switched off or muted", "switch it on")
    if loudest < QUIET:
        return Finding("level", "missing", f"{says}: nobody was heard", "say something meanwhile, or turn it up")
    if loudest > LOUD:
        return Finding("level", "missing", f"{says}: it is cut off", "turn the microphone down")
    return Finding("level", "ok", says)


def meter(decibels: float) -> None:
    """A bar on the terminal's last line, written over and over."""
    if sys.stderr.isatty():
        width = round(max(0.0, min(1.0, 1 + decibels / 70)) * 30)
        sys.stderr.write(f"\rsay something  {'█' * width}{'·' * (30 - width)} {decibels:4.0f} dB\r")
        sys.stderr.flush()


def _attention(settings: Settings) -> tuple[str, str, str]:
    if settings.attention != "wake":
        return "ok", settings.attention, ""
    from otto.audio.wake import Spotter

    try:
        Spotter(settings.wake_phrases)
    except OttoError as error:
        return "broken", str(error), "see wake_phrases in otto.toml"
    return "ok", f"after {' or '.join(map(repr, settings.wake_phrases))}", ""


def _transcribing(settings: Settings) -> tuple[str, str, str]:
    from otto.audio.whisper import found

    if settings.stt == "openai":
        from otto.audio.hosted import Hosted

        try:
            Hosted.of_environment(settings.stt_model)
        except OttoError as error:
            return "broken", str(error), ""
        return "ok", f"{settings.stt_model}, by a server", ""
    if settings.stt == "sphinx":
        return "ok", "Sphinx", ""
    try:
        folder = found(settings.whisper_model)
    except OttoError as error:
        return "broken", str(error), ""
    if folder:
        return "ok", f"Whisper {settings.whisper_model}", ""
    remedy = f"with a network, once: otto transcribe --stt whisper FILE (fetches {settings.whisper_model})"
    if settings.stt == "whisper":
        return "broken", f"the Whisper model {settings.whisper_model} is not on this machine", remedy
    return "missing", f"Sphinx; Whisper understands more, and {settings.whisper_model} is not on this machine", remedy


def _speaking(settings: Settings) -> tuple[str, str, str]:
    from otto.audio.tts import find_voice

    if settings.voice == "none":
        return "ok", "nobody: voice is none", ""
    try:
        found = find_voice(settings.voice)
    except OttoError as error:
        return "missing", str(error), ""
    if found is None:
        return "missing", "nothing can speak here", "install espeak-ng"
    if not found.player:
        remedy = "install pulseaudio-utils or alsa-utils" if sys.platform == "linux" else ""
        return "missing", f"{found.name}; it cannot be interrupted by speaking", remedy
    return "ok", found.name, ""
