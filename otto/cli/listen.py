"""`otto listen`: commands by voice, from the microphone or a recording."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otto.cli.terminal import note, progress_bar, say

if TYPE_CHECKING:
    from otto.config import Settings
    from otto.turn import Turn
    from otto.voice.hearer import Heard

EXAMPLES = """Examples:

otto listen   (say: otto, set a timer for ten minutes; Ctrl-C ends it)

otto listen --once   (one command, without the wake phrase)

otto listen --once --input command.wav --json

otto listen --record ~/heard   (keeps what it transcribes, to find out what goes wrong)

arecord -q -f S16_LE -r 16000 | otto listen --input -"""

ONCE_SECONDS = 10.0
"""How long `--once` waits for somebody to begin."""


def listen(
    once: Annotated[bool, typer.Option("--once", help="End after one command; it needs no wake phrase.")] = False,
    sound: Annotated[
        str | None, typer.Option("--input", help="A sound file in place of the microphone; - for raw samples.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each command.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and run nothing.")] = False,
    microphone: Annotated[str | None, typer.Option(help="Part of the microphone's name.")] = None,
    attention: Annotated[str | None, typer.Option(help="wake, or always.")] = None,
    stt: Annotated[str | None, typer.Option(help="The engine that transcribes.")] = None,
    voice: Annotated[str | None, typer.Option(help="Who speaks the replies; none: nobody.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Folder in which what is transcribed is kept for 7 days; nothing is without it.")
    ] = None,
    examples: Annotated[Path | None, typer.Option(help="Folder of example files, in place of the bundled.")] = None,
    skills: Annotated[Path | None, typer.Option(help="Folder of Python skills, in place of the bundled.")] = None,
) -> None:
    """Carry out spoken commands."""
    from otto.audio.recordings import Recordings
    from otto.config import folders, load
    from otto.leave import leave
    from otto.log import set_up
    from otto.turn import Assistant
    from otto.voice import make as voices
    from otto.voice.loop import VoiceLoop

    given = {"microphone": microphone, "attention": "always" if once else attention, "stt": stt, "voice": voice}
    settings = load(given)
    set_up(settings.log_level, settings.state_folder / "otto.log")
    source = voices.sound(sound) if sound else voices.microphone(settings, note)
    mouth = voices.Mouth.of(settings, note)
    recordings = Recordings(record) if record else None
    if recordings:
        note(recordings.announcement)
    with progress_bar() as progress:
        where = folders(settings, examples, skills)
        otto = Assistant(settings, mouth.confirmation.ask, where=where, progress=progress)
    with otto:
        engine = voices.engine(settings, otto.live.ready.snapshot, note, called=not once)
        shown = Terminal(as_json)
        parts = voices.parts(settings, source, mouth, engine, dry_run=dry_run, recordings=recordings)
        loop = VoiceLoop(otto, parts, shown, once=once)
        if not sound:
            voices.follow(settings, otto.live, loop)
        signal.signal(signal.SIGTERM, lambda *_: loop.stop())
        _tell_how(settings, once, bool(sound), engine.name)
        loop.run(ONCE_SECONDS if once and not sound else None)
    if once:
        if shown.turn is None:
            note("I heard nothing." if not shown.words else f"I heard {shown.words!r}, and no command.")
        leave(0 if shown.turn and (shown.turn.ok or dry_run and not shown.turn.route.rejected) else 1)
    leave()


def _tell_how(settings: Settings, once: bool, recorded: bool, engine: str) -> None:
    if recorded:
        return
    how = "say a command" if once or settings.attention == "always" else f"begin with {settings.wake_phrases[0]!r}"
    note(f"Listening with {engine}; {how}. Ctrl-C ends it.")


class Terminal:
    """The `Audience` at the command line: answers on standard output, everything else on standard error."""

    def __init__(self, as_json: bool) -> None:
        self.turn: Turn | None = None
        """The last command."""
        self.words = ""
        """What was heard last."""
        self._as_json = as_json
        self._shown = 0

    def note(self, sentence: str) -> None:
        self._wipe()
        note(sentence)

    def partial(self, words: str) -> None:
        """On the terminal's last line, written over and over."""
        if sys.stderr.isatty() and not self._as_json:
            shown = words[-70:]
            sys.stderr.write(f"\r… {shown.ljust(self._shown)}")
            sys.stderr.flush()
            self._shown = len(shown)

    def heard(self, heard: Heard) -> None:
        self._wipe()
        self.words = heard.transcript.text or self.words
        if heard.command and sys.stderr.isatty():
            note(f"“{heard.command}”")

    def answered(self, turn: Turn) -> None:
        self._wipe()
        self.turn = turn
        if self._as_json:
            print(json.dumps(turn.to_json(), ensure_ascii=False), flush=True)
            return
        if sys.stdout.isatty():
            note(f"{turn.route}  {turn.route.confidence:.2f}  {turn.timings_ms.get('speech_to_call', 0):.0f} ms")
        say(turn.reply.text)

    def refused(self, text: str, sentence: str) -> None:
        self._wipe()
        if self._as_json:
            print(json.dumps({"text": text, "calls": [], "error": sentence, "reply": sentence}), flush=True)
        else:
            say(sentence)

    def _wipe(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * (self._shown + 2) + "\r")
            self._shown = 0
