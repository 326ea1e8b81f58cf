"""The process that talks to PortAudio: it lists microphones, or records from one.

    python recorder.py list                 -> {"devices": [{"name", "rate", "default"}, …]}
    python recorder.py record NAME RATE N   -> {"ok": true}, then blocks of N int16 samples, until nobody reads them

or {"error": "…", "kind": "rate" | "busy" | "missing" | "library"}. It is a process of its own: PortAudio looks for
devices only once, and because closing a stream whose sound server has died can hang for ever: here it is killed and
started again.
It imports nothing of Otto, to be quick; `otto/audio/device.py` starts it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
from typing import Any

WAITING_BLOCKS = 100
SILENT_SECONDS = 30.0


def main() -> None:
    """The program."""
    # What a library prints must not end up between the samples.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        import sounddevice
    except ImportError:
        tell(out, {"error": "the package sounddevice is not installed", "kind": "missing"})
        return
    except OSError:
        tell(out, {"error": "the library PortAudio is not installed", "kind": "library"})
        return
    try:
        if sys.argv[1] == "list":
            tell(out, {"devices": devices(sounddevice)})
        else:
            record(sounddevice, out, sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    except sounddevice.PortAudioError as error:
        reason = str(error.args[0]).removeprefix("Error opening RawInputStream: ").rstrip(".")
        tell(out, {"error": reason, "kind": "rate" if "sample rate" in reason.lower() else "busy"})


def devices(sound: Any) -> list[dict[str, object]]:
    """Everything that can be recorded from."""
    default = sound.default.device[0]
    return [
        {"name": each["name"], "rate": int(each["default_samplerate"]), "default": each["index"] == default}
        for each in sound.query_devices()
        if each["max_input_channels"] > 0
    ]


def record(sound: Any, out: Any, name: str, rate: int, samples: int) -> None:
    """Blocks from the device called `name`, until the pipe closes."""
    index = next(
        (each["index"] for each in sound.query_devices() if each["name"] == name and each["max_input_channels"] > 0),
        None,
    )
    if index is None:
        tell(out, {"error": "it is gone", "kind": "busy"})
        return
    blocks: queue.Queue[bytes] = queue.Queue(WAITING_BLOCKS)

    def block(data: Any, frames: int, times: Any, status: Any) -> None:
        if not blocks.full():
            blocks.put_nowait(bytes(data))

    stream = sound.RawInputStream(
        device=index, samplerate=rate, channels=1, dtype="int16", blocksize=samples, callback=block
    )
    stream.start()
    tell(out, {"ok": True})
    try:
        while True:
            write(out, blocks.get(timeout=SILENT_SECONDS))
    except (OSError, queue.Empty):
        os._exit(0)  # not by closing the stream, which may hang


def tell(out: Any, answer: dict[str, object]) -> None:
    write(out, json.dumps(answer).encode() + b"\n")


def write(out: Any, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view) :]


if __name__ == "__main__":
    main()
