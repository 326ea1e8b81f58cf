"""What the system's supervisor reads."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from otto.daemon.unit import launchd, service, systemd
from otto.errors import OttoError


def test_systemd_reads_special_characters_as_they_are() -> None:
    unit = systemd(["/home/a b/100%/$x/otto", "daemon", "run"])
    assert 'ExecStart="/home/a b/100%%/$$x/otto" daemon run\n' in unit
    assert "WantedBy=default.target" in unit


def test_launchd_reads_the_command() -> None:
    entry = plistlib.loads(launchd(["/usr/bin/otto", "daemon", "run"]).encode())
    assert entry["ProgramArguments"] == ["/usr/bin/otto", "daemon", "run"]
    assert entry["RunAtLoad"] is True


def test_each_system_has_its_own(tmp_path: Path) -> None:
    assert service("linux", tmp_path).path == tmp_path / "systemd" / "user" / "otto.service"
    assert service("darwin").path.suffix == ".plist"
    with pytest.raises(OttoError, match="otto daemon run"):
        service("win32")
