"""How long it takes from the last word to the call: commands spoken into a virtual microphone, in real time.

    python benchmarks/voice_timings.py --count 50 --svg docs/voice_timings.svg

Needs pulseaudio, pulseaudio-utils, libportaudio2, libasound2-plugins, and flite (better understood) or espeak-ng. A
sound server of its own is started with a null sink; a voice speaks into it, the voice loop listens to it. Then it
listens to faint noise, as in an empty room, and memory is looked at every half minute. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
from numpy.typing import NDArray
from pulse import SINK, pulse_server

from otto.audio.recording import read
from otto.turn import Turn
from otto.voice.hearer import Heard

COMMANDS = ("cancel all timers", "what time is it in tokyo", "stop", "what can you do", "what is nine times nine",
            "list my timers", "what time is it", "read my notes", "list my reminders", "say that again")  # fmt: skip
COLOURS = {"hangover": "#b8c4d6", "rest": "#4878a8", "dispatch": "#d08a4e", "store": "#8a6fb0"}


class Collected:
    """An `Audience` that keeps the turns."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def note(self, sentence: str) -> None:
        print(sentence, file=sys.stderr)

    def partial(self, words: str) -> None:
        pass

    def heard(self, heard: Heard) -> None:
        pass

    def answered(self, turn: Turn) -> None:
        self.turns.append(turn)

    def refused(self, text: str, sentence: str) -> None:
        pass


def main() -> None:
    """The program."""
    from otto.config import load
    from otto.turn import Assistant
    from otto.voice import make as voice
    from otto.voice.loop import VoiceLoop

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--idle-seconds", type=float, default=30)
    parser.add_argument("--stt", default="sphinx")
    parser.add_argument("--voice", default="slt" if shutil.which("flite") else "en-us", help="of flite or espeak-ng")
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    settings = load({"stt": given.stt, "voice": "none", "attention": "always", "microphone": SINK})
    collected = Collected()
    with tempfile.TemporaryDirectory() as folder, pulse_server(Path(folder)) as server:
        os.environ.update(server.environment)
        mouth = voice.Mouth.of(settings, collected.note)
        with Assistant(settings, mouth.confirmation.ask) as otto:
            heard_by = voice.engine(settings, otto.live.ready.snapshot, collected.note)
            parts = voice.parts(settings, voice.microphone(settings, collected.note), mouth, heard_by)
            loop = VoiceLoop(otto, parts, collected)
            thread = threading.Thread(target=loop.run)
            thread.start()
            time.sleep(1.0)
            spoken = {command: said(command, given.voice) for command in COMMANDS}
            for number in range(given.count):
                server.play(spoken[COMMANDS[number % len(COMMANDS)]])
                time.sleep(1.2)
            faint = np.random.default_rng(0).normal(0, 20, int((given.idle_seconds + 3) * 16_000)).astype(np.int16)
            room = threading.Thread(target=server.play, args=(faint,))
            room.start()
            time.sleep(2.0)
            idle, memory = idle_share(given.idle_seconds)
            room.join()
            loop.stop()
            thread.join()
    figures = summary(collected.turns, settings.hangover_seconds)
    print(json.dumps({"spoken": given.count, **figures, "idle_cpu_percent": round(100 * idle, 1), "idle_mb": memory}))
    if given.svg:
        given.svg.write_text(picture(figures, 1000 * settings.hangover_seconds), encoding="utf-8")


def said(text: str, voice: str) -> NDArray[np.int16]:
    """The sentence as sound at 16 kHz."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        if voice.startswith("en"):
            command = ["espeak-ng", "-v", voice, "-w", file.name, "--", text]
        else:
            command = ["flite", "-voice", voice, "-t", text, "-o", file.name]
        subprocess.run(command, check=True)
        return read(Path(file.name))


def idle_share(seconds: float) -> tuple[float, list[float]]:
    """The share of one core that listening to silence takes, the recorder's process included, and this process's memory
    every half minute."""
    memory = []
    before, started = used(), time.monotonic()
    while (left := started + seconds - time.monotonic()) > 0:
        memory.append(resident_mb())
        time.sleep(min(30.0, left))
    return (used() - before) / seconds, [*memory, resident_mb()]


def resident_mb() -> float:
    """Of this process, from /proc."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return round(pages * os.sysconf("SC_PAGESIZE") / 1e6, 1)


def used() -> float:
    """CPU seconds of this process and its living children, from /proc."""
    total = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        command = stat.parent / "cmdline"
        if int(fields[1]) == os.getpid() and b"recorder.py" in command.read_bytes():
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def summary(turns: list[Turn], hangover: float) -> dict[str, object]:
    """Medians by stage, in milliseconds."""
    stages = ("transcribe", "route", "speech_to_call", "dispatch", "store")
    found = {stage: [turn.timings_ms[stage] for turn in turns if stage in turn.timings_ms] for stage in stages}
    medians = {stage: round(median(values), 1) for stage, values in found.items() if values}
    slowest = sorted(found["speech_to_call"])[int(0.9 * len(found["speech_to_call"]))] if turns else 0.0
    return {
        "answered": len(turns),
        "hangover_ms": 1000 * hangover,
        "median_ms": medians,
        "speech_to_call_p90_ms": round(slowest, 1),
    }


def picture(figures: dict[str, object], hangover: float) -> str:
    """The medians as bars on one line of time, from the last word on."""
    medians: dict[str, float] = figures["median_ms"]  # type: ignore[assignment]
    scale = 560 / (medians["speech_to_call"] + medians["dispatch"] + medians["store"])
    starts = {"hangover": (0.0, hangover), "rest": (hangover, medians["speech_to_call"] - hangover)}
    starts["dispatch"] = (medians["speech_to_call"], medians["dispatch"])
    starts["store"] = (medians["speech_to_call"] + medians["dispatch"], medians["store"])
    bars = [bar(name, begin, length, scale, 30, COLOURS[name]) for name, (begin, length) in starts.items()]
    early = 200.0
    bars += [
        bar("transcribe", early, medians["transcribe"], scale, 62, "#6aa56a"),
        bar("route", early + medians["transcribe"], medians["route"], scale, 62, "#3f7a4a"),
    ]
    words = (
        f"last word to call {medians['speech_to_call']:.0f} ms: hangover {hangover:.0f} ms; meanwhile "
        f"transcribing {medians['transcribe']:.0f} ms and routing {medians['route']:.1f} ms; "
        f"then dispatch {medians['dispatch']:.0f} ms, store {medians['store']:.0f} ms"
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="110" font-family="sans-serif" font-size="11">\n'
        + "\n".join(bars)
        + f'\n<text x="20" y="20">Medians of {figures["answered"]} spoken commands</text>'
        + f'\n<text x="20" y="96" font-size="9.5">{words}</text>\n</svg>\n'
    )


def bar(name: str, begin: float, length: float, scale: float, top: int, colour: str) -> str:
    """A stage; `begin` and `length` in milliseconds."""
    place = f'x="{20 + begin * scale:.1f}" y="{top}" width="{max(1.0, length * scale):.1f}" height="24"'
    return f'<rect {place} fill="{colour}"><title>{name}: {length:.0f} ms</title></rect>'


if __name__ == "__main__":
    main()
