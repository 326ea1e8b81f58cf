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
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Protocol

from otto.errors import OttoError

INSTALL = "pip install 'otto-assistant[voice]'"
SERVERS = ("pipewire", "pulse", "default")
"""PortAudio's names for the sound server, the preferred one first."""
ANSWER_SECONDS = 5.0
"""How long the sound system may take to open a device."""
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
    through: str = ""
    """The sound server's device, for one that is a source of it."""


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
    """The machine's own microphones. PortAudio runs in a process of its own (`otto/audio/recorder.py`)."""

    def refresh(self) -> None:
        """Every process looks for itself."""

    def devices(self) -> tuple[Device, ...]:
        process = _recorder("list")
        with process:
            answer = _first_answer(process)
            process.kill()
        devices = [
            Device(entry["name"], entry["rate"], entry["default"])
            for entry in answer["devices"]
            if "hw:" not in entry["name"]
        ]
        return _behind_server(devices) if sys.platform.startswith("linux") else tuple(devices)

    def open(self, device: Device, rate: int, samples: int, heard: Callable[[bytes], None]) -> Stream:
        source = dict.fromkeys(_SOURCE_VARIABLES, device.source) if device.source else {}
        name = device.through or device.name
        process = _recorder("record", name, str(rate), str(samples), source=source)
        try:
            _first_answer(process, device.name, rate)
        except MicrophoneError:
            _end(process)
            raise
        return _Recording(process, 2 * samples, heard)


class _Recording:
    """A recorder under way."""

    def __init__(self, process: subprocess.Popen[bytes], size: int, heard: Callable[[bytes], None]) -> None:
        self._process = process
        self._size = size
        self._heard = heard
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._process.kill()
        self._thread.join()
        _end(self._process)

    def _run(self) -> None:
        assert self._process.stdout is not None
        while len(block := self._process.stdout.read(self._size)) == self._size:
            self._heard(block)


def _recorder(*arguments: str, source: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", str(Path(__file__).with_name("recorder.py")), *arguments],
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,  # ALSA complains a page long whenever devices are looked for; nobody can act on it
        env={**os.environ, **(source or {})},
        start_new_session=True,  # Ctrl-C is for Otto, which then closes it
    )


def _first_answer(process: subprocess.Popen[bytes], name: str = "", rate: int = 0) -> dict[str, Any]:
    """What the recorder says first. Raises `MicrophoneError` for an error, and when it says nothing."""
    assert process.stdout is not None
    hung = threading.Timer(ANSWER_SECONDS, process.kill)
    hung.start()
    line = process.stdout.readline()
    hung.cancel()
    answer: dict[str, Any] = json.loads(line) if line else {"error": "the sound system does not answer", "kind": "busy"}
    if "error" not in answer:
        return answer
    match answer["kind"]:
        case "missing":
            raise MicrophoneError(f"Listening needs more packages: {INSTALL}")
        case "library":
            raise MicrophoneError(
                "Listening needs PortAudio: install libportaudio2 (Debian, Ubuntu) or portaudio (Fedora, Arch)."
            )
        case "rate":
            raise RateError(f"The microphone {name} does not record at {rate} Hz.")
        case _:
            what = f"The microphone {name} cannot be opened" if name else "No microphone can be found"
            raise MicrophoneError(f"{what}: {answer['error']}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _behind_server(devices: list[Device]) -> tuple[Device, ...]:
    """The server's default first, then each of its sources by its own name."""
    server = next((each for name in SERVERS for each in devices if each.name == name), None)
    if server is None:
        return tuple(devices)
    default = Device(server.name, server.rate, True)
    named = [Device(shown, server.rate, source=source, through=server.name) for source, shown in _sources()]
    others = [Device(each.name, each.rate) for each in devices if each.name not in SERVERS]
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
