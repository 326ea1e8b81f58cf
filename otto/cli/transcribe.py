"""`otto transcribe`: what is said in recordings, with the engine and the vocabulary that Otto listens with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from otto.cli.terminal import note, progress_bar, say
from otto.errors import OttoError

EXAMPLES = """Examples:

otto transcribe command.wav

otto transcribe --stt sphinx --json *.flac"""


def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Recordings of one command each: WAV, FLAC, OGG, at most 15 s.")],
    stt: Annotated[str | None, typer.Option(help="The engine: auto, whisper, sphinx or openai.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each file.")] = False,
) -> None:
    """Write down what is said in recordings; exit 1 if one of them could not be read."""
    from otto.audio.engines import spoken_of, transcriber
    from otto.audio.score import Timed
    from otto.config import folders, load
    from otto.registry.registry import Registry

    settings = load({"stt": stt})
    registry = Registry(folders(settings), cache=settings.cache_folder)
    registry.close()
    ears = Timed(transcriber(settings, *spoken_of(registry.snapshot), note=note))
    failed = 0
    for place, file in enumerate(files):
        with progress_bar() as progress:
            progress(f"listening to {file.name}", place / len(files))
            try:
                heard = ears(file)
            except OttoError as error:
                failed += 1
                note(str(error))
                continue
        if as_json:
            row = {"file": str(file), "text": heard.text, "language": heard.language}
            print(json.dumps({**row, "confidence": round(heard.confidence, 4), "seconds": round(heard.seconds, 3)}))
        else:
            say(heard.text if len(files) == 1 else f"{file}: {heard.text}")
    if failed:
        raise typer.Exit(1)
