from __future__ import annotations

import os
import pty
import stat
import time
import tty
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from otto.announce import Desktop, sentence
from otto.clock import FakeClock
from otto.store import Alert, Kind, State

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = datetime(2026, 3, 4, 12, 0, tzinfo=BERLIN)


def alert(kind: Kind, label: str = "", *, due: datetime = TODAY, minutes: int = 10) -> Alert:
    duration = timedelta(minutes=minutes) if kind is Kind.TIMER else None
    return Alert(1, kind, State.SET, label, due, TODAY, TODAY, duration)


@pytest.mark.parametrize(
    ("what", "missed", "said"),
    [
        (alert(Kind.TIMER), False, "Your 10 minute timer is up."),
        (alert(Kind.TIMER, "pasta"), False, "Your pasta timer is up."),
        (alert(Kind.ALARM), False, "It is noon, your alarm."),
        (alert(Kind.ALARM, "gym"), False, "It is noon, your alarm: gym."),
        (alert(Kind.REMINDER, "call Ada"), False, "Here is your reminder: call Ada."),
        (alert(Kind.TIMER), True, "You missed this today at noon: 10 minute timer."),
        (alert(Kind.REMINDER, "call Ada", due=TODAY - timedelta(days=1, hours=5)), True,
         "You missed this yesterday at 7 am: reminder: call Ada."),
        (alert(Kind.TIMER, due=TODAY.astimezone(UTC)), True, "You missed this today at noon: 10 minute timer."),
    ],
)  # fmt: skip
def test_an_alert_is_told_in_a_sentence(what: Alert, missed: bool, said: str) -> None:
    assert sentence(what, missed=missed, now=TODAY) == said


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, but for what a shell script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(stat.S_IRWXU)


@pytest.fixture
def terminal() -> Iterator[tuple[int, Path]]:
    """One end of a terminal, and the device of the other."""
    one, other = pty.openpty()
    tty.setraw(other)
    yield one, Path(os.ttyname(other))
    os.close(one)
    os.close(other)


def test_a_notification_gets_the_words_as_one_argument(programs: Path, tmp_path: Path) -> None:
    program(programs, "notify-send", f'printf "%s|" "$@" > {tmp_path}/told')
    Desktop(clock=FakeClock(TODAY))(alert(Kind.REMINDER, "--help `id`; $(id)\x1b[2J"), False)
    told = (tmp_path / "told").read_text().split("|")
    assert told[-3:] == ["--", "Here is your reminder: --help `id`; $(id)\\x1b[2J.", ""]


def test_the_terminal_gets_a_line_and_a_bell_but_no_escape_sequence(programs: Path, terminal: tuple[int, Path]) -> None:
    Desktop(terminal[1], FakeClock(TODAY))(alert(Kind.TIMER, "\x1b]0;evil\x07\r\npasta"), False)
    shown = os.read(terminal[0], 1000).decode()
    assert shown == "\r\nYour \\x1b]0;evil\\x07\\r\\npasta timer is up.\a\r\n"


def test_a_sound_is_played_once_at_a_time_and_replaces_the_bell(
    programs: Path, terminal: tuple[int, Path], tmp_path: Path
) -> None:
    program(programs, "canberra-gtk-play", f'echo "$@" >> {tmp_path}/played; /bin/sleep 0.5')
    desktop = Desktop(terminal[1], FakeClock(TODAY))
    desktop(alert(Kind.TIMER), False)
    desktop(alert(Kind.TIMER), False)
    desktop.close()
    assert (tmp_path / "played").read_text() == "--id=alarm-clock-elapsed\n"
    assert "\a" not in os.read(terminal[0], 1000).decode()


def test_when_nobody_can_be_told_it_says_so(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (None, tmp_path / "gone", tmp_path / "file", Path("/dev/null")):
        with pytest.raises(OSError, match="neither a notification service nor a terminal"):
            Desktop(place, FakeClock(TODAY))(alert(Kind.TIMER), False)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_notification_service_that_fails_or_hangs_is_not_counted_on(
    programs: Path, terminal: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otto.announce.NOTIFY_SECONDS", 0.2)
    for script in ("exit 1", "exec /bin/sleep 60"):
        program(programs, "notify-send", script)
        began = time.monotonic()
        with pytest.raises(OSError, match="neither"):
            Desktop(clock=FakeClock(TODAY))(alert(Kind.TIMER), False)
        Desktop(terminal[1], FakeClock(TODAY))(alert(Kind.TIMER), False)
        assert "is up" in os.read(terminal[0], 1000).decode()
        assert time.monotonic() - began < 10
