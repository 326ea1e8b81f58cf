"""`otto calibrate`: measures whether a language model helps, and when to ask it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from otto.models.calibration import Calibration

EXAMPLES = """Examples:

otto calibrate   (the models of the settings, on examples that no training sees)

otto calibrate --router llama --on sentences.jsonl

otto calibrate --router openai --most 200 --json"""

_NUMBERS = ("rows", "fewshot", "model alone", "cascade", "asked", "ms", "asked under")


def calibrate(
    router: Annotated[
        list[str] | None, typer.Option("--router", help="llama, transformers or openai; may be given several times.")
    ] = None,
    on: Annotated[
        Path | None, typer.Option("--on", metavar="FILE", help='Rows {"text", "call"} of your own, never trained on.')
    ] = None,
    most: Annotated[int | None, typer.Option(min=60, help="Ask about this many sentences at most.")] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Write beside the model's file, for whoever gets the model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each model.")] = False,
) -> None:
    """Fit how sure a model is and when to ask it, on held-out sentences."""
    from otto.bench.calibrate import calibrate as measured
    from otto.bench.calibrate import material, spread
    from otto.bench.testset import read_file
    from otto.cli.terminal import note, print_table, progress_bar
    from otto.config import folders, load
    from otto.errors import OttoError
    from otto.examples.file import NOON
    from otto.models.calibration import write
    from otto.routers.cascade import Costs
    from otto.routers.choose import MODELS, Models

    settings = load()
    models = Models(settings)
    names = router or models.stages()
    if unknown := [name for name in names if name not in MODELS]:
        raise OttoError(f"there is no model router {unknown[0]!r}; known: {', '.join(MODELS)}")
    found: list[Calibration] = []
    places: list[Path] = []
    try:
        with progress_bar() as progress:
            given = material(settings, folders(settings), keep_all=on is not None, progress=progress)
            rows = spread(read_file(on) if on else given.rows, most)
            models.sentences = given.sentences
            for name in names:
                costs = Costs(settings.wrong_cost, settings.wait_cost)
                each = measured(models, name, given.first, rows, given.skills, now=NOON, costs=costs, progress=progress)
                found.append(each)
                places.append(write(each, settings.cache_folder, models.weights(name) if beside else None))
    finally:
        models.close()
    if as_json:
        for each in found:
            print(json.dumps(dataclasses.asdict(each)))
        return
    print_table(("model", *_NUMBERS, "helps"), map(_row, found), right=_NUMBERS)
    for place in places:
        note(f"written to {place}")


def _row(found: Calibration) -> tuple[str, ...]:
    shares = (f"{found.figures[name]:.4f}" for name in ("first", "model", "cascade", "asked"))
    helps = "yes" if found.helps else "no: never asked"
    ms, under = f"{1000 * found.figures['seconds']:.0f}", f"{found.threshold:.2f}" if found.helps else "-"
    return found.model, str(found.rows), *shares, ms, under, helps
