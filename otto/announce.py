"""How an alert is told when nobody converses with Otto: a notification, a sound, a line in the terminal.

    Desktop(Path("/dev/pts/1"))(alert, missed=False)

Other ways of telling (a voice, a web page) take the words from `sentence`.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from subprocess import DEVNULL

from otto.clock import Clock, SystemClock
from otto.log import Spoken, escaped
from otto.speech import as_adjective, moment
from otto.store.alert import Alert, Kind

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 5
"""How long a notification service may take to answer."""
SOUNDS = (
    ("canberra-gtk-play", "--id=alarm-clock-elapsed"),
    ("paplay", "/usr/share/sounds/freedesktop/stereo/alarm-clock-elapsed.oga"),
    ("pw-play", "/usr/share/sounds/freedesktop/stereo/alarm-clock-elapsed.oga"),
)
"""Programs that play a sound, the preferred one first, each with what it plays."""


def sentence(alert: Alert, *, missed: bool, now: datetime) -> str:
    """What to say when `alert` rings, or why it is told only `now`."""
    match alert.kind, alert.duration:
        case Kind.REMINDER, _:
            what = f"reminder: {alert.label}"
        case Kind.TIMER, duration if duration is not None:
            what = f"{alert.label or as_adjective(duration)} timer"
        case _:
            what = str(alert.kind) + (f": {alert.label}" if alert.label else "")
    when = moment(alert.due.astimezone(now.tzinfo), now)
    if missed:
        return f"You missed this {when}: {what}."
    match alert.kind:
        case Kind.TIMER:
            return f"Your {what} is up."
        case Kind.ALARM:
            return f"It is {when.partition(' at ')[2]}, your {what}."
        case Kind.REMINDER:
            return f"Here is your {what}."


class Desktop:
    """Tells by every way there is. Called by a `Ringer`."""

    def __init__(self, terminal: Path | None = None, clock: Clock | None = None) -> None:
        """`terminal`: the device of the terminal in which the alert was set."""
        self.terminal = terminal
        self.clock = clock or SystemClock()
        self._sound: subprocess.Popen[bytes] | None = None

    def __call__(self, alert: Alert, missed: bool) -> None:
        """Raises `OSError` when there was no way to tell anybody."""
        words = escaped(sentence(alert, missed=missed, now=self.clock.now()))
        heard = self._play()
        told = [self._notify(words), self._write(words if heard else f"{words}\a")]
        if not any(told):
            raise OSError("there is neither a notification service nor a terminal")
        log.info("announced %s", Spoken(words))

    def close(self) -> None:
        """Lets a sound end, or ends it when it goes on for too long."""
        if self._sound:
            try:
                self._sound.wait(NOTIFY_SECONDS)
            except subprocess.TimeoutExpired:
                self._sound.kill()
                self._sound.wait()

    def _notify(self, words: str) -> bool:
        if not (program := shutil.which("notify-send")):
            return False
        try:
            command = [program, "--app-name=Otto", "--urgency=critical", "--", words]
            ended = subprocess.run(  # noqa: S603
                command, timeout=NOTIFY_SECONDS, check=False, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            log.warning("no notification: %s", type(error).__name__)
            return False
        return ended.returncode == 0

    def _play(self) -> bool:
        """Whether something sounds. One sound at a time: a hundred alerts at once are no reason for noise."""
        if self._sound and self._sound.poll() is None:
            return True
        for name, what in SOUNDS:
            program = shutil.which(name)
            if program and (what.startswith("--") or Path(what).exists()):
                try:
                    self._sound = subprocess.Popen([program, what], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)  # noqa: S603
                except OSError:
                    continue
                return True
        return False

    def _write(self, line: str) -> bool:
        """To the terminal, if it is still there. It is not waited for: a stopped terminal must not stop the rest."""
        if not self.terminal:
            return False
        try:
            descriptor = os.open(self.terminal, os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError:
            return False
        try:
            return os.isatty(descriptor) and os.write(descriptor, f"\r\n{line}\r\n".encode()) > 0
        except OSError:
            return False
        finally:
            os.close(descriptor)
