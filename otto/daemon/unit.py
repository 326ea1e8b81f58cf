"""What has the system start the daemon when the user logs in: a `systemd --user` unit, or a launchd agent.

>>> path, text, command = service(sys.executable)
"""

from __future__ import annotations

import plistlib
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from otto.errors import OttoError

STOP_SECONDS = 8
"""What the supervisor grants for stopping; `otto.daemon.daemon.STOP_SECONDS` has to stay below."""


@dataclass(frozen=True, slots=True)
class Service:
    """A file for the system's supervisor."""

    path: Path
    text: str
    start: str
    """The command that has it started now and at every login."""


def service(platform: str = sys.platform, config: Path | None = None) -> Service:
    """The service file for this system. Raises `OttoError` where there is none.

    `config`: folder of the user's configuration in place of `~/.config`.
    """
    program = which("otto")
    command = [program] if program else [sys.executable, "-m", "otto"]
    if platform.startswith("linux"):
        path = (config or Path.home() / ".config") / "systemd" / "user" / "otto.service"
        return Service(path, systemd([*command, "daemon", "run"]), "systemctl --user enable --now otto")
    if platform == "darwin":
        path = Path.home() / "Library" / "LaunchAgents" / "assistant.otto.plist"
        return Service(path, launchd([*command, "daemon", "run"]), f"launchctl load -w {path}")
    raise OttoError(f"Otto knows no supervisor for {platform}: have the system run at login: otto daemon run")


def systemd(command: list[str]) -> str:
    """A unit for `systemd --user`."""
    return f"""[Unit]
Description=Otto, the voice assistant
After=pipewire.service pipewire-pulse.service pulseaudio.service

[Service]
ExecStart={" ".join(map(_quoted, command))}
Restart=on-failure
RestartSec=3
TimeoutStopSec={STOP_SECONDS}
KillMode=mixed
NoNewPrivileges=yes
RestrictRealtime=yes
LockPersonality=yes

[Install]
WantedBy=default.target
"""


def launchd(command: list[str]) -> str:
    """An agent for launchd."""
    entry = {
        "Label": "assistant.otto",
        "ProgramArguments": command,
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": STOP_SECONDS,
        "ProcessType": "Interactive",
    }
    return plistlib.dumps(entry).decode()


def _quoted(word: str) -> str:
    """A word as systemd reads it: `%` and `$` mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or " " in word else word
