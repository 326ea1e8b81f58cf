"""Changes how loud the computer is: "louder", "set the volume to thirty percent", "mute"."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from typing import Any, Literal

from otto import Reply, Session, SkillError, skill
from otto.program import run

STEP = 10
"""Percent that "louder" and "quieter" change."""
SECONDS = 3.0

Action = Literal["up", "down", "mute", "unmute", "set"]
_OPPOSITE: dict[Action, Action] = {"up": "down", "down": "up", "mute": "unmute", "unmute": "mute", "set": "set"}
_ASK_LEVEL = {
    "wpctl": ["get-volume", "@DEFAULT_AUDIO_SINK@"],
    "pactl": ["get-sink-volume", "@DEFAULT_SINK@"],
    "amixer": ["sget", "Master"],
    "osascript": ["-e", "output volume of (get volume settings)"],
}
_SAID = {"up": "Louder.", "down": "Quieter.", "mute": "Muted.", "unmute": "The sound is on again."}


@skill
def volume(action: Action, level: int | None = None) -> Reply:
    """Changes how loud the computer is; the level is in percent."""
    if action == "set" and level is None:
        raise SkillError("How loud, from 0 to 100 percent?", asks="level")
    if level is not None and not 0 <= level <= 100:
        raise SkillError("The volume goes from 0 to 100 percent.")
    amount = STEP if level is None else level
    before = _level() if action == "set" else amount
    text = _changed(action, amount)
    return Reply(text, undo=None if before is None else {"action": _OPPOSITE[action], "level": before})


@volume.undo
def back(done: Mapping[str, Any], session: Session) -> str:
    """As loud as before."""
    return _changed(done["action"], done["level"])


def _changed(action: Action, amount: int) -> str:
    """What was done, in a sentence. Raises `SkillError`."""
    tools = [tool for tool in ("wpctl", "pactl", "amixer", "osascript") if shutil.which(tool)]
    if not tools:
        raise SkillError("I can't change the volume: install wireplumber, pulseaudio-utils or alsa-utils.")
    failure = SkillError("I couldn't change the volume.")
    for tool in tools:
        ended = run(_arguments(tool, action, amount), seconds=SECONDS)
        if ended.code == 0:
            return f"The volume is at {amount} percent." if action == "set" else _SAID[action]
        complaint = ended.complaint.strip().partition("\n")[0]
        failure = SkillError(f"I couldn't change the volume: {tool} says {complaint or 'nothing about why'}.")
    raise failure


def _level() -> int | None:
    """How loud it is, in percent; None where the program cannot tell."""
    for tool, arguments in _ASK_LEVEL.items():
        if shutil.which(tool):
            ended = run([tool, *arguments], seconds=SECONDS)
            found = re.search(r"^Volume: (\d\.\d+)|(\d+)%|^(\d+)$", ended.output.strip()) if ended.code == 0 else None
            if found is None:
                return None
            share, percent, plain = found.groups()
            return min(100, round(100 * float(share)) if share else int(percent or plain))
    return None


def _arguments(tool: str, action: Action, amount: int) -> list[str]:
    muted = {"mute": True, "unmute": False}.get(action)
    match tool:
        case "wpctl":
            sink = "@DEFAULT_AUDIO_SINK@"
            if muted is not None:
                return ["wpctl", "set-mute", sink, str(int(muted))]
            return ["wpctl", "set-volume", "--limit", "1.0", sink, f"{amount}%{_sign(action)}"]
        case "pactl":
            sink = "@DEFAULT_SINK@"
            if muted is not None:
                return ["pactl", "set-sink-mute", sink, str(int(muted))]
            return ["pactl", "--", "set-sink-volume", sink, f"{_sign(action)}{amount}%"]
        case "amixer":
            change = ("mute" if muted else "unmute") if muted is not None else f"{amount}%{_sign(action)}"
            return ["amixer", "-q", "sset", "Master", change]
        case _:
            return ["osascript", "-e", f"set volume {_on_a_mac(action, amount)}"]


def _sign(action: Action) -> str:
    return {"up": "+", "down": "-"}.get(action, "")


def _on_a_mac(action: Action, amount: int) -> str:
    if action in ("mute", "unmute"):
        return f"{'with' if action == 'mute' else 'without'} output muted"
    if action == "set":
        return f"output volume {amount}"
    return f"output volume (output volume of (get volume settings) {_sign(action)} {amount})"
