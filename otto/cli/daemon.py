"""`otto daemon`: the process that listens, answers and rings, and the verbs that talk to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from otto.audio.recordings import Recordings
    from otto.daemon.daemon import Daemon
    from otto.voice.loop import VoiceLoop

EXAMPLES = """Examples:

otto daemon start

otto daemon install   (starts it at every login)

otto daemon begin; otto daemon end   (push to talk: bind them to pressing and releasing a key)"""

START_SECONDS = 120.0
"""How long `start` waits; the first start of all learns the skills."""
STOP_SECONDS = 10.0

app = typer.Typer(
    help="Listen in the background, answer `otto ask`, ring timers.", no_args_is_help=True, epilog=EXAMPLES
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command(epilog="Example: otto daemon run")
def run(
    deaf: Annotated[bool, typer.Option("--deaf", help="Do not listen: answer `otto ask` and ring only.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="Folder in which what is transcribed is kept for 7 days; nothing is without it.")
    ] = None,
) -> None:
    """Run it in the foreground, until Ctrl-C."""
    from otto.audio.recordings import Recordings
    from otto.config import load
    from otto.daemon.daemon import Daemon
    from otto.leave import leave
    from otto.log import set_up

    _supported()
    settings = load()
    set_up(settings.log_level, settings.state_folder / "otto.log")
    recordings = Recordings(record) if record else None
    daemon = Daemon(settings, voice=None if deaf else partial(_voice, recordings=recordings))

    def ready() -> None:
        trouble = f" It does not listen: {daemon.trouble}" if daemon.trouble else ""
        recorded = f" {recordings.announcement}" if recordings and not deaf else ""
        note(f"The daemon is ready.{recorded}{trouble}")

    daemon.run(ready)
    leave()


def _voice(daemon: Daemon, recordings: Recordings | None) -> VoiceLoop:
    """The voice loop of a daemon, with the parts that the settings name."""
    from otto.daemon.audience import DaemonAudience
    from otto.voice import make as voices
    from otto.voice.loop import VoiceLoop

    settings, audience = daemon.settings, DaemonAudience()
    source = voices.microphone(settings, audience.note, wait=True)
    mouth = voices.Mouth.of(settings, audience.note)
    engine = voices.engine(settings, daemon.otto.live.ready.snapshot, audience.note)
    if recordings:
        audience.note(recordings.announcement)
    parts = voices.parts(settings, source, mouth, engine, recordings=recordings)
    loop = VoiceLoop(daemon.otto, parts, audience, commands=daemon.commands)
    voices.follow(settings, daemon.otto.live, loop)
    daemon.asker.otherwise = mouth.confirmation.ask
    return loop


@app.command(epilog="Example: otto daemon start")
def start() -> None:
    """Start it in the background."""
    from otto.daemon.client import request

    _supported()
    if request({"do": "status"}):
        raise OttoError("A daemon is running already: otto daemon status")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-c", "from otto.cli import main; main()", "daemon", "run"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            cwd=os.sep,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if answer := request({"do": "status"}):
                _show(answer)
                return
            if process.poll() is not None:
                complaints.seek(0)
                raise OttoError(complaints.read().strip().removeprefix("otto: ") or "The daemon ended at once.")
            time.sleep(0.05)
    raise OttoError(f"The daemon does not answer after {START_SECONDS:g} seconds; see the log: otto doctor")


@app.command(epilog="Example: otto daemon stop")
def stop() -> None:
    """Stop it. What it is doing may finish for three seconds."""
    from otto.daemon.client import request
    from otto.daemon.unixsocket import connect, socket_path

    answer = request({"do": "shutdown"})
    if answer is None:
        raise OttoError("There is no daemon to stop.")
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if (connection := connect(socket_path())) is None:
            return
        connection.close()
        time.sleep(0.05)
    raise OttoError(f"The daemon did not stop within {STOP_SECONDS:g} seconds.")


@app.command(epilog="Example: otto daemon status --json")
def status(as_json: AsJson = False) -> None:
    """Say whether it runs, and whether it hears. Exit code 1 when it does not run."""
    from otto.daemon.client import request

    answer = request({"do": "status"})
    if answer is None:
        print(json.dumps({"running": False})) if as_json else say("No daemon is running. Start it: otto daemon start")
        raise typer.Exit(1)
    if as_json:
        print(json.dumps({"running": True, **answer}))
    else:
        _show(answer)


@app.command(epilog="Example: otto daemon install")
def install(
    show: Annotated[bool, typer.Option("--print", help="Print the file instead of writing it.")] = False,
) -> None:
    """Have it start at every login (systemd, or launchd on a Mac)."""
    from otto.daemon.unit import service
    from otto.files import write_atomic

    made = service()
    if show:
        print(made.text, end="")
        return
    made.path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(made.path, made.text)
    say(f"Wrote {made.path}. Start it now and at every login:\n  {made.start}")


@app.command(epilog="Example: otto daemon begin")
def begin() -> None:
    """Push to talk: what is said from now on is a command."""
    _push("begin")


@app.command(epilog="Example: otto daemon end")
def end() -> None:
    """Push to talk: the command is over."""
    _push("end")


@app.command(epilog="Example: otto daemon cancel")
def cancel() -> None:
    """Silence, and nothing more of what was asked for."""
    _push("cancel")


def _push(verb: str) -> None:
    from otto.daemon.client import request

    answer = request({"do": verb})
    if answer is None:
        raise OttoError("No daemon is running. Start it: otto daemon start")
    if "error" in answer:
        raise OttoError(str(answer["error"]))


def _show(answer: dict[str, object]) -> None:
    hears = f"listens ({answer['attention']}, {answer['stt']})" if answer.get("listening") else "does not listen"
    counts = f"{answer['skills']} skills, {answer['handled']} commands"
    say(f"The daemon runs (process {answer['pid']}) and {hears}: {counts}.")
    if answer.get("trouble"):
        note(str(answer["trouble"]))


def _supported() -> None:
    if not hasattr(os, "getuid"):
        raise OttoError("The daemon needs Unix sockets, which this system does not have: use otto listen.")
