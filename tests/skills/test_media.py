"""Media keys, through small programs that write down how they were called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otto import SkillError

Do = Callable[[str], str]
ACTIONS = ("play", "pause", "next", "previous", "stop")

TWO_PLAYERS = """case "$*" in
*ListNames*) echo "(['org.freedesktop.DBus', 'org.mpris.MediaPlayer2.mpv', 'org.mpris.MediaPlayer2.vlc.instance7'],)";;
*mpv*PlaybackStatus*) echo "(<'Paused'>,)";;
*vlc*PlaybackStatus*) echo "(<'Playing'>,)";;
esac"""


@pytest.mark.parametrize("action", ACTIONS)
def test_playerctl(action: str, do: Do, programs: Any) -> None:
    programs.add("playerctl")
    do(f'media(action="{action}")')
    assert programs.called == [["playerctl", action]]


def test_nothing_plays(do: Do, programs: Any) -> None:
    programs.add("playerctl", "echo 'No players found' >&2; exit 1")
    with pytest.raises(SkillError, match=r"^Nothing is playing\.$"):
        do('media(action="pause")')


def test_the_player_that_plays_is_meant(do: Do, programs: Any) -> None:
    programs.add("gdbus", TWO_PLAYERS)
    assert do('media(action="pause")') == "Paused."
    assert programs.called[-1] == [
        "gdbus", "call", "--session", "--dest", "org.mpris.MediaPlayer2.vlc.instance7",
        "--object-path", "/org/mpris/MediaPlayer2", "--method", "org.mpris.MediaPlayer2.Player.Pause",
    ]  # fmt: skip


BUSES = {
    "busctl": (
        """echo 'as 2 ":1.4" "org.mpris.MediaPlayer2.mpv"'""",
        ["busctl", "--user", "call", "org.mpris.MediaPlayer2.mpv", "/org/mpris/MediaPlayer2",
         "org.mpris.MediaPlayer2.Player", "Next"],
    ),
    "dbus-send": (
        """echo '      string "org.mpris.MediaPlayer2.mpv"'""",
        ["dbus-send", "--session", "--print-reply", "--dest=org.mpris.MediaPlayer2.mpv", "/org/mpris/MediaPlayer2",
         "org.mpris.MediaPlayer2.Player.Next"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", BUSES)
def test_the_only_player_is_meant(tool: str, do: Do, programs: Any) -> None:
    script, arguments = BUSES[tool]
    programs.add(tool, script)
    assert do('media(action="next")') == "Next."
    assert programs.called[1:] == [arguments]


def test_no_player_on_the_bus(do: Do, programs: Any) -> None:
    programs.add("gdbus", "echo \"(['org.freedesktop.DBus'],)\"")
    with pytest.raises(SkillError, match=r"^Nothing is playing\.$"):
        do('media(action="next")')


def test_no_bus(do: Do, programs: Any) -> None:
    programs.add("busctl", "echo 'Failed to connect to bus: No medium found' >&2; exit 1")
    with pytest.raises(SkillError, match="can't reach a player: Failed to connect to bus"):
        do('media(action="next")')


def test_a_missing_program_is_named(do: Do, programs: Any) -> None:
    with pytest.raises(SkillError, match="install playerctl"):
        do('media(action="play")')
