"""`otto bench`: trains a router on a test set's `train.jsonl` and scores it on the rest."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """Examples:

otto bench ../shared/bench/snips --shots 20

otto bench ../shared/bench/clinc150 --json clinc150.json

otto bench ../shared/bench/massive_en --router cascade --model router.gguf

otto bench ../shared/bench/barista_audio --stt sphinx"""


def bench(
    folder: Annotated[Path, typer.Argument(help="Holds skills.json, train.jsonl and test.jsonl.")],
    router: Annotated[
        str, typer.Option(help="What to train and score: fewshot, llama, transformers, openai or cascade.")
    ] = "fewshot",
    model: Annotated[
        Path | None, typer.Option(help="A GGUF file or a folder of weights, in place of the settings' router_model.")
    ] = None,
    shots: Annotated[
        int | None, typer.Option(min=1, help="Train on this many rows a skill, drawn with seed 0.")
    ] = None,
    split: Annotated[str, typer.Option(help="The rows to score: test, dev or train.")] = "test",
    stt: Annotated[str, typer.Option(help="The engine for sets of recorded speech.")] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures there, too ('-': print only).")
    ] = None,
) -> None:
    """Train a router on a test set and score it."""
    from otto.bench.bench import measure
    from otto.cli.terminal import print_table, progress_bar
    from otto.config import load
    from otto.files import write_atomic

    settings = load({"router_model": None if model is None else str(model)})
    with progress_bar() as progress:
        report = measure(folder, router=router, shots=shots, split=split, progress=progress, stt=stt, settings=settings)
    figures = {name: value for name, value in dataclasses.asdict(report).items() if value is not None}
    if json_file is not None:
        text = json.dumps(figures, indent=1)
        if str(json_file) == "-":
            print(text)
            return
        write_atomic(json_file, text + "\n")
    shown = (f"{value:.4f}" if isinstance(value, float) else str(value) for value in figures.values())
    print_table(("", ""), zip(figures, shown, strict=True))
