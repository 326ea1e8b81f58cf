"""The volume, through small programs that write down how they were called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from otto import SkillError

Do = Callable[[str], str]

WPCTL = {
    'volume(action="up")': ["wpctl", "set-volume", "--limit", "1.0", "@DEFAULT_AUDIO_SINK@", "10%+"],
    'volume(action="down", level=25)': ["wpctl", "set-volume", "--limit", "1.0", "@DEFAULT_AUDIO_SINK@", "25%-"],
    'volume(action="set", level=30)': ["wpctl", "set-volume", "--limit", "1.0", "@DEFAULT_AUDIO_SINK@", "30%"],
    'volume(action="mute")': ["wpctl", "set-mute", "@DEFAULT_AUDIO_SINK@", "1"],
    'volume(action="unmute")': ["wpctl", "set-mute", "@DEFAULT_AUDIO_SINK@", "0"],
}
PACTL = {
    'volume(action="up")': ["pactl", "--", "set-sink-volume", "@DEFAULT_SINK@", "+10%"],
    'volume(action="down")': ["pactl", "--", "set-sink-volume", "@DEFAULT_SINK@", "-10%"],
    'volume(action="set", level=0)': ["pactl", "--", "set-sink-volume", "@DEFAULT_SINK@", "0%"],
    'volume(action="mute")': ["pactl", "set-sink-mute", "@DEFAULT_SINK@", "1"],
}
AMIXER = {
    'volume(action="up")': ["amixer", "-q", "sset", "Master", "10%+"],
    'volume(action="set", level=50)': ["amixer", "-q", "sset", "Master", "50%"],
    'volume(action="unmute")': ["amixer", "-q", "sset", "Master", "unmute"],
}
MAC = {
    'volume(action="set", level=50)': ["osascript", "-e", "set volume output volume 50"],
    'volume(action="mute")': ["osascript", "-e", "set volume with output muted"],
    'volume(action="down")': [
        "osascript",
        "-e",
        "set volume output volume (output volume of (get volume settings) - 10)",
    ],
}


@pytest.mark.parametrize(
    ("call", "arguments"), [pair for table in (WPCTL, PACTL, AMIXER, MAC) for pair in table.items()]
)
def test_the_program_that_is_there_is_called(call: str, arguments: list[str], do: Do, programs: Any) -> None:
    programs.add(arguments[0])
    do(call)
    assert programs.called[-1] == arguments


def test_what_is_said(do: Do, programs: Any) -> None:
    programs.add("wpctl")
    said = [do(f'volume(action="{action}")') for action in ("up", "down", "mute", "unmute")]
    assert said == ["Louder.", "Quieter.", "Muted.", "The sound is on again."]
    assert do('volume(action="set", level="thirty")') == "The volume is at 30 percent."


def test_the_next_program_is_tried(do: Do, programs: Any) -> None:
    programs.add("wpctl", "echo 'Could not connect to PipeWire' >&2; exit 1")
    programs.add("amixer")
    assert do('volume(action="mute")') == "Muted."
    assert [call[0] for call in programs.called] == ["wpctl", "amixer"]


def test_a_failure_is_said_with_its_reason(do: Do, programs: Any) -> None:
    programs.add("wpctl", "echo 'Could not connect to PipeWire' >&2; exit 1")
    with pytest.raises(SkillError, match=r"couldn't change the volume: wpctl says Could not connect to PipeWire"):
        do('volume(action="mute")')


def test_a_missing_program_is_named(do: Do, programs: Any) -> None:
    with pytest.raises(SkillError, match="install wireplumber, pulseaudio-utils or alsa-utils"):
        do('volume(action="up")')


@pytest.mark.parametrize("level", [-1, 101, 1000000])
def test_a_level_has_bounds(level: int, do: Do, programs: Any) -> None:
    programs.add("wpctl")
    with pytest.raises(SkillError, match="from 0 to 100"):
        do(f'volume(action="set", level={level})')
    with pytest.raises(SkillError, match="How loud"):
        do('volume(action="set")')
    assert programs.called == []
