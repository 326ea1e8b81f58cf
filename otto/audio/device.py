"""What the machine can record with: PortAudio's devices, and the sources of the sound server behind them.

    >>> PortAudio().devices()
    (Device('default', rate=44100, default=True, source=''), Device('USB Microphone', …, source='alsa_input.usb-…'))

On Linux a microphone is always reached through the sound server (PipeWire, PulseAudio): it mixes, converts the rate,
removes noise where it was told to, and lets the default be moved while it is in use. A device that bypasses it (`hw:`)
is never opened: it would take the microphone away from everybody else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from otto.errors import OttoError

INSTALL = "pip install 'otto-assistant[voice]'"
SERVERS = ("pipewire", "pulse", "default")
"""PortAudio's names for the sound server, the preferred one first."""
_SOURCE_VARIABLES = ("PULSE_SOURCE", "PIPEWIRE_NODE")
"""What the sound servers' ALSA plugins read when a stream is opened."""


class MicrophoneError(OttoError):
    """No sound can be recorded; the message says why and what to do. Seen by the user."""


class RateError(MicrophoneError):
    """The device does not record at this rate; another one may do."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something to record with."""

    name: str
    """As it is shown, and as `microphone` in the settings may name it or a part of it."""
    rate: int = 16_000
    """Samples a second that it prefers."""
    default: bool = False
    source: str = ""
    """Name within the sound server; empty: whatever is the default there."""
    index: int = 0
    """PortAudio's number, good until `refresh`."""


class Stream(Protocol):
    """A device being recorded."""

    def close(self) -> None:
        """Stops; safe to call twice, and after the device is gone."""


class AudioSystem(Protocol):
    """Where devices come from."""

    def refresh(self) -> None:
        """Looks again which devices there are. Every stream must be closed before."""

    def devices(self) -> tuple[Device, ...]:
        """What can be recorded. Raises `MicrophoneError`."""

    def open(self, device: Device, rate: int, samples: int, heard: Callable[[bytes], None]) -> Stream:
        """Begins to record mono int16. `heard` gets blocks of `samples` samples, from another thread.
        Raises `RateError`, `MicrophoneError`."""


def choose(devices: tuple[Device, ...], name: str) -> Device:
    """The device called `name` (a part is enough, in any case), or the default. Raises `MicrophoneError`."""
    if not devices:
        raise MicrophoneError("There is no microphone: connect one, or see the system's sound settings.")
    if not name:
        return next((device for device in devices if device.default), devices[0])
    wanted = name.casefold()
    exact = [each for each in devices if wanted in (each.name.casefold(), each.source.casefold())]
    near = [each for each in devices if wanted in each.name.casefold() or wanted in each.source.casefold()]
    if found := exact or near:
        return found[0]
    known = ", ".join(device.name for device in devices)
    raise MicrophoneError(f"There is no microphone {name!r}; there is: {known}. See `microphone` in the settings.")


class PortAudio:
    """The machine's own microphones, through the sounddevice package."""

    def __init__(self) -> None:
        """Raises `MicrophoneError` where the package or its library is missing."""
        with _quiet():
            try:
                import sounddevice
            except ImportError as error:
                raise MicrophoneError(f"Listening needs more packages: {INSTALL}") from error
            except OSError as error:
                raise MicrophoneError(
                    "Listening needs PortAudio: install libportaudio2 (Debian, Ubuntu) or portaudio (Fedora, Arch)."
                ) from error
        self._sound: Any = sounddevice

    def refresh(self) -> None:
        with _quiet(), suppress(self._sound.PortAudioError):
            self._sound._terminate()
            self._sound._initialize()

    def devices(self) -> tuple[Device, ...]:
        try:
            found = [entry for entry in self._sound.query_devices() if entry["max_input_channels"] > 0]
            default = self._sound.default.device[0]
        except self._sound.PortAudioError as error:
            raise MicrophoneError(f"The sound system does not answer: {_reason(error)}.") from error
        devices = [
            Device(entry["name"], int(entry["default_samplerate"]), entry["index"] == default, index=entry["index"])
            for entry in found
            if "hw:" not in entry["name"]
        ]
        if not sys.platform.startswith("linux"):
            return tuple(devices)
        return _behind_server(devices)

    def open(self, device: Device, rate: int, samples: int, heard: Callable[[bytes], None]) -> Stream:
        def block(data: Any, frames: int, times: Any, status: Any) -> None:
            heard(bytes(data))

        with _quiet(), _source(device.source):
            try:
                stream = self._sound.RawInputStream(
                    device=device.index, samplerate=rate, channels=1, dtype="int16", blocksize=samples, callback=block
                )
                stream.start()
            except self._sound.PortAudioError as error:
                reason = _reason(error)
                if "sample rate" in reason.lower():
                    raise RateError(f"The microphone {device.name} does not record at {rate} Hz.") from error
                raise MicrophoneError(f"The microphone {device.name} cannot be opened: {reason}.") from error
        return _PortAudioStream(stream)


class _PortAudioStream:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def close(self) -> None:
        # Not `stop`: it waits for the device, which may be gone.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)


def _behind_server(devices: list[Device]) -> tuple[Device, ...]:
    """The server's default first, then each of its sources by its own name."""
    server = next((each for name in SERVERS for each in devices if each.name == name), None)
    if server is None:
        return tuple(devices)
    default = Device(server.name, server.rate, True, "", server.index)
    named = [Device(shown, server.rate, False, source, server.index) for source, shown in _sources()]
    others = [Device(each.name, each.rate, False, "", each.index) for each in devices if each.name not in SERVERS]
    return (default, *named, *others)


def _sources() -> Iterator[tuple[str, str]]:
    """(name, description) of what the sound server can record."""
    if not (program := shutil.which("pactl")):
        return
    try:
        answer = subprocess.run(  # noqa: S603
            [program, "--format=json", "list", "sources"], capture_output=True, timeout=3, check=True
        )
        entries = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return
    for entry in entries:
        yield str(entry.get("name", "")), str(entry.get("description", "") or entry.get("name", ""))


@contextmanager
def _source(name: str) -> Iterator[None]:
    """Has the sound server's plugin record from `name` while a stream is opened."""
    before = {variable: os.environ.get(variable) for variable in _SOURCE_VARIABLES}
    if name:
        os.environ.update(dict.fromkeys(_SOURCE_VARIABLES, name))
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value


@contextmanager
def _quiet() -> Iterator[None]:
    """ALSA writes a page of complaints to standard error whenever devices are looked for; nobody can act on them."""
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if error.args else str(error)
    return text.removeprefix("Error opening RawInputStream: ").rstrip(".")
