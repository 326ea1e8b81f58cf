"""`otto export`: makes a GGUF file of what was trained, and checks that it answers alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from finetune.export import Exported

EXAMPLES = """Examples:

otto export runs/lights   (an adapter for llama.cpp, lights.gguf)

otto export runs/lights --merge --quantise q8_0 --to lights-q8.gguf

otto export runs/lights --data data --wandb online --push me/otto-lights"""


To = Annotated[Path | None, typer.Option("--to", help="The file to write.", show_default="<name of the run>.gguf")]
Kind = Annotated[
    str, typer.Option("--quantise", "-q", help="Of a whole model: f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0.")
]
Data = Annotated[str, typer.Option("--data", "-d", help="What to compare on.", show_default="the run's own test set")]
Agree = Annotated[
    float, typer.Option(min=0, max=1, help="Share of rows on which it must give the trained model's calls.")
]
Wandb = Annotated[
    str | None, typer.Option("--wandb", help="online, offline or off.", show_default="WANDB_MODE, or off")
]


def export(
    source: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that otto train wrote, or an adapter's.")],
    to: To = None,
    merge: Annotated[bool, typer.Option("--merge", help="Add the adapter to its base: one whole model.")] = False,
    quantise: Kind = "f16",
    base: Annotated[str, typer.Option(help="The model under the adapter, where it has moved.")] = "",
    data: Data = "",
    split: Annotated[str, typer.Option(help="Which rows of a folder.")] = "test",
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="Rows compared, at most.")] = 500,
    agree: Agree = 0.99,
    check: Annotated[bool, typer.Option(help="Compare the file with the trained model.")] = True,
    framing: Annotated[str, typer.Option("--format", help="Prompt format of a model without a card.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Licence, in place of the base's.")] = "",
    wandb: Wandb = None,
    project: Annotated[str | None, typer.Option("--project", help="W&B project.", show_default="otto")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="Send whole models to W&B, too; else adapters.")] = False,
    push: Annotated[str, typer.Option("--push", metavar="OWNER/NAME", help="Publish on the Hugging Face hub.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a GGUF file of an adapter or a model, and check that it answers as the trained one does."""
    from finetune.answerer import hush, inside
    from finetune.export import Options
    from finetune.export import export as exported
    from finetune.gguf import KINDS
    from finetune.testdata import open_test, own_test
    from finetune.tracking import mode_from
    from otto.cli.terminal import progress_bar
    from otto.config import load
    from otto.errors import ConfigError
    from otto.models import card as cards

    hush()
    if quantise not in KINDS:
        raise ConfigError(f"--quantise {quantise}: must be one of {', '.join(KINDS)}")
    mode, settings = mode_from(wandb), load()
    file = to or Path(f"{source.resolve().name}.gguf")
    known = cards.read(inside(source))
    if check and known is not None and known.task != "router":
        raise ConfigError(f"{source}: answers of the task {known.task} are texts, which cannot be compared: --no-check")
    test = open_test(data or own_test(source), settings, split=split) if check else None
    options = Options(merge, quantise, base, licence, agree, rows, framing)
    with progress_bar() as progress:
        result = exported(source, file, options, test, settings, progress)
    places = {"wandb": _publish(result, mode, project, weights, file.parent)}
    if push:
        from finetune.hub import push as pushed

        places["hub"] = pushed(result.file, result.card, push)
    _tell(result, places, as_json)


def _publish(result: Exported, mode: Any, project: str | None, weights: bool, folder: Path) -> str:
    from finetune.tracking import Published, publish
    from otto.models import card

    sends = weights or result.card.kind == "gguf-adapter"
    files = [card.place(result.file), *([result.file] if sends else [])]
    config = {
        "name": result.card.name, "kind": result.card.kind, "base": result.card.base, "format": result.card.format,
        "skills_hash": result.card.skills_hash, "data_hash": result.card.data_hash, "recipe": result.card.recipe,
        "licence": result.card.licence,
    }  # fmt: skip
    return publish(
        Published(
            name=f"export {result.card.name}",
            job="export",
            config=config,
            metrics=result.card.metrics,
            artifact=result.card.name,
            artifact_type="model",
            files=files,
        ),
        folder,
        mode=mode,
        project=project,
    )


def _tell(result: Exported, places: dict[str, str], as_json: bool) -> None:
    found = result.agreement
    if as_json:
        content = {"file": str(result.file), "kind": result.card.kind, "size": result.card.size, **places}
        content |= {"agreement": found.equal if found else None, "metrics": dict(result.card.metrics)}
        print(json.dumps(content))
        return
    print(f"{result.file}: {result.card.size / 1e6:.1f} MB ({result.card.kind})")
    if found:
        print(f"Same calls as the trained model in {found.equal:.1%} of {found.rows} rows.")
        print(f"exact_typed: trained {found.trained.exact_typed:.4f}, this file {found.exported.exact_typed:.4f}")
    else:
        print("Not compared with the trained model.")
    for name, place in places.items():
        if place:
            print(f"{name}: {place}")
    if result.card.kind == "gguf-adapter":
        base = result.card.base or "its base"
        print(f'To use it: router = "llama", router_model = the GGUF of {base}, router_adapter = "{result.file}"')
    else:
        print(f'To use it: router = "llama" and router_model = "{result.file}" in otto.toml')
