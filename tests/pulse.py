"""A sound server of the test's own, with a null sink as virtual microphone: what is played into it can be recorded."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

PROGRAMS = ("pulseaudio", "pactl", "paplay", "espeak-ng")
MISSING = [program for program in PROGRAMS if not shutil.which(program)]
SINK = "otto_test"
needs_pulse = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} not installed: apt-get install pulseaudio pulseaudio-utils espeak-ng"
)


@dataclass
class Pulse:
    """The running server."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """For programs that are to use it."""
        return {"PULSE_SERVER": f"unix:{self.folder / 'pulse.sock'}", "PULSE_COOKIE": str(self.folder / "cookie")}

    def start(self) -> None:
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"]
        modules = (
            f"module-native-protocol-unix auth-anonymous=1 socket={self.folder / 'pulse.sock'}",
            f"module-null-sink sink_name={SINK} rate=16000 channels=1",
            "module-null-sink sink_name=another rate=16000 channels=1",
        )
        for module in modules:
            options += ["-L", module]
        own = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder), "PULSE_RUNTIME_PATH": str(self.folder)}
        self.process = subprocess.Popen(
            ["pulseaudio", *options], env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while self.command("info", check=False) != 0:
            assert time.monotonic() < deadline, "pulseaudio does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def command(self, *words: str, check: bool = True) -> int:
        """Runs `pactl`."""
        done = subprocess.run(
            ["pactl", *words], env={**os.environ, **self.environment}, capture_output=True, check=check
        )
        return done.returncode

    def play(self, samples: NDArray[np.int16]) -> None:
        """Into the virtual microphone, until it has been heard."""
        options = ["--raw", "--format=s16le", "--rate=16000", "--channels=1", f"--device={SINK}"]
        self._play(options, samples.tobytes(), len(samples) / 16_000)

    def say(self, text: str, voice: str = "en-us") -> None:
        """A sentence, spoken into the virtual microphone."""
        spoken = subprocess.run(
            ["espeak-ng", "-v", voice, "--stdout", "--", text], capture_output=True, check=True
        ).stdout
        self._play([f"--device={SINK}"], spoken)

    def _play(self, options: list[str], sound: bytes, seconds: float = 0.0) -> None:
        subprocess.run(
            ["paplay", *options],
            input=sound,
            env={**os.environ, **self.environment},
            check=True,
            timeout=60 + 2 * seconds,
        )


@contextmanager
def pulse_server(folder: Path) -> Iterator[Pulse]:
    """A server that runs meanwhile."""
    server = Pulse(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
