"""Who is told what happens in a daemon: the log, and the desktop with a notification for each reply."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from subprocess import DEVNULL

from otto.log import Spoken, escaped
from otto.turn import Turn
from otto.voice.hearer import Heard

log = logging.getLogger(__name__)


class DaemonAudience:
    """The `Audience` of a voice loop that nobody watches."""

    def note(self, sentence: str) -> None:
        log.info("%s", sentence)
        notify(sentence)

    def partial(self, words: str) -> None:
        pass

    def heard(self, heard: Heard) -> None:
        log.info("heard %s, %s", Spoken(heard.transcript.text), "meant" if heard.command is not None else "not meant")

    def answered(self, turn: Turn) -> None:
        log.info("answered in %.0f ms", turn.timings_ms.get("speech_to_call", 0.0))
        notify(turn.reply.text, turn.text)

    def refused(self, text: str, sentence: str) -> None:
        log.warning("refused: %s", sentence)
        notify(sentence, text)


def notify(words: str, title: str = "Otto") -> None:
    """A notification on the desktop, where there is one. It is not waited for."""
    program = shutil.which("notify-send")
    if program is None or not words:
        return
    command = [program, "--app-name=Otto", "--urgency=low", "--", escaped(title), escaped(words)]
    try:
        process = subprocess.Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)  # noqa: S603
    except OSError as error:
        log.warning("no notification: %s", error.strerror)
        return
    # Somebody has to wait for it, or it stays as a zombie for as long as this process lives.
    threading.Thread(target=process.wait, name="notification", daemon=True).start()
