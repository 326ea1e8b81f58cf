"""Media keys: "pause the music", "next song". Works with every player that speaks MPRIS."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill
from otto.program import run

SECONDS = 3.0
_SAID = {
    "play": "Playing.",
    "pause": "Paused.",
    "next": "Next.",
    "previous": "Back to the previous one.",
    "stop": "Stopped.",
}
Action = Literal["play", "pause", "next", "previous", "stop"]
_OPPOSITE = {"play": "pause", "pause": "play", "next": "previous", "previous": "next", "stop": "play"}
_PLAYER = re.compile(r"org\.mpris\.MediaPlayer2\.[A-Za-z0-9_.-]+")
_OBJECT = "/org/mpris/MediaPlayer2"


@skill
def media(action: Action) -> Reply:
    """Controls the player: play, pause, next, previous, stop."""
    return Reply(_done(action), undo={"action": _OPPOSITE[action]})


@media.undo
def opposite(done: Mapping[str, Any], session: Session) -> str:
    """Plays what was paused, goes back where it went on."""
    return _done(done["action"])


def _done(action: str) -> str:
    if shutil.which("playerctl"):
        ended = run(["playerctl", action], seconds=SECONDS)
        if ended.code:
            raise _nothing(ended.complaint)
        return _SAID[action]
    tool = next((tool for tool in ("busctl", "gdbus", "dbus-send") if shutil.which(tool)), None)
    if tool is None:
        raise SkillError("I can't reach a player: install playerctl.")
    player = _player(tool)
    ended = run(_call(tool, player, _OBJECT, "org.mpris.MediaPlayer2.Player", action.capitalize()), seconds=SECONDS)
    if ended.code:
        raise SkillError(f"{player.split('.')[3]} did not do that.")
    return _SAID[action]


def _player(tool: str) -> str:
    """The bus name of the player that plays, or of any."""
    bus = "org.freedesktop.DBus"
    ended = run(_call(tool, bus, "/org/freedesktop/DBus", bus, "ListNames"), seconds=SECONDS)
    players: list[str] = list(dict.fromkeys(_PLAYER.findall(ended.output)))
    if ended.code or not players:
        raise _nothing(ended.complaint)
    for player in players if len(players) > 1 else ():
        asked = _call(
            tool, player, _OBJECT, f"{bus}.Properties", "Get", "org.mpris.MediaPlayer2.Player", "PlaybackStatus"
        )
        if "Playing" in run(asked, seconds=SECONDS).output:
            return player
    return players[0]


def _call(tool: str, name: str, path: str, interface: str, method: str, *texts: str) -> list[str]:
    """The arguments with which `tool` calls a method of the session bus that takes texts."""
    match tool:
        case "busctl":
            types = ["s" * len(texts), *texts] if texts else []
            return ["busctl", "--user", "call", name, path, interface, method, *types]
        case "gdbus":
            place = ["--dest", name, "--object-path", path, "--method", f"{interface}.{method}"]
            return ["gdbus", "call", "--session", *place, *texts]
        case _:
            place = ["--session", "--print-reply", f"--dest={name}", path, f"{interface}.{method}"]
            return ["dbus-send", *place, *(f"string:{text}" for text in texts)]


def _nothing(complaint: str) -> SkillError:
    why = complaint.strip().partition("\n")[0]
    return SkillError("Nothing is playing." if "No player" in why or not why else f"I can't reach a player: {why}.")
