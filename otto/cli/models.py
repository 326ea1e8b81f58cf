"""`otto models`: the models on this machine, and getting more of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from otto.cli.terminal import note, print_table, progress_bar, say, terminal_question

if TYPE_CHECKING:
    from otto.models.shelf import Shelved

app = typer.Typer(
    help="Show, get and remove models: GGUF for routing, Whisper for listening, Piper for speaking.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

LIST_EXAMPLES = """Examples:

otto models list

otto models list --available   (what Otto recommends)

otto models list --json | jq -r '.models[].sha256'"""
PULL_EXAMPLES = """Examples:

otto models pull qwen2.5-0.5b   (a name of: otto models list --available)

otto models pull Systran/faster-whisper-base.en   (owner/repository on the Hugging Face hub)

otto models pull owner/repository/model-Q4_K_M.gguf

otto models pull https://example.org/model.gguf --sha256 9f86d0818…"""
INFO_EXAMPLES = """Examples:

otto models info otto-tiny

otto models info ./my-model.gguf --json"""
REMOVE_EXAMPLES = """Examples:

otto models remove qwen2.5-0.5b

otto models remove qwen2.5-0.5b --yes"""


@app.command("list", epilog=LIST_EXAMPLES)
def list_models(
    available: Annotated[bool, typer.Option("--available", help="What can be got, in place of what is here.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the models on this machine with size, licence and sha256."""
    from otto.config import load
    from otto.models.shelf import shelved
    from otto.models.source import catalogue

    if available:
        entries = catalogue().values()
        if as_json:
            print(json.dumps({"available": [asdict(entry) for entry in entries]}, ensure_ascii=False))
            return
        print_table(
            ("name", "kind", "licence", "for", "from"),
            [(entry.name, entry.kind, entry.licence, entry.purpose, entry.repository) for entry in entries],
        )
        return
    models = shelved(load())
    if as_json:
        print(json.dumps({"models": [_row(model) for model in models]}, ensure_ascii=False))
        return
    rows = [
        (model.name, model.kind, _bytes(model.size), _licence(model), _digest(model)[:12], model.where)
        for model in models
    ]
    print_table(("name", "kind", "size", "licence", "sha256", "from"), rows)
    for model in models:
        if model.problem:
            note(model.problem)


@app.command(epilog=PULL_EXAMPLES)
def pull(
    name: Annotated[str, typer.Argument(help="A name of the catalogue or the hub, or an https address.")],
    sha256: Annotated[str, typer.Option("--sha256", metavar="HEX", help="What the file's sha256 must be.")] = "",
    as_json: AsJson = False,
) -> None:
    """Get a model. Interrupted, the same command goes on where it stopped; what is not whole is never used."""
    from otto.config import load
    from otto.models import shelf
    from otto.models.source import source

    settings = load()
    before = next((model for model in shelf.shelved(settings) if model.name == name and model.card), None)
    asked = before.card.source if before and before.card and before.card.source else name
    found = source(asked, sha256=sha256)
    with progress_bar() as progress:
        path = shelf.pull(found, settings, progress)
    model = next(each for each in shelf.shelved(settings) if each.path == path)
    if as_json:
        print(json.dumps(_row(model), ensure_ascii=False))
        return
    say(f"{model.name}: {_bytes(model.size)}, licence: {_licence(model)}, sha256 {_digest(model)}")
    note(f"It lies in {path}.{_use(model)}")


@app.command(epilog=INFO_EXAMPLES)
def info(
    name: Annotated[str, typer.Argument(help="A model's name, or the path of a GGUF file.")], as_json: AsJson = False
) -> None:
    """Show what is known of a model, after checking that it is whole."""
    from otto.config import load
    from otto.models import card as cards
    from otto.models import gguf
    from otto.models.shelf import find
    from otto.models.verify import verified

    path = find(name, load())
    facts: dict[str, object] = {"path": str(path)}
    if path.is_dir() or path.suffix == ".onnx":
        if card := cards.read(path):
            cards.verify(path, card)
    else:
        card = verified(path)
        header = gguf.read(path)
        facts |= {
            "architecture": header.architecture,
            "parameters": header.parameters,
            "context": header.context,
            "size": header.size,
        }
    facts |= {key: value for key, value in asdict(card).items() if value} if card else {"card": "none"}
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
        return

    print_table(("", ""), [(key, _shown(key, value)) for key, value in facts.items()])


@app.command(epilog=REMOVE_EXAMPLES)
def remove(
    name: Annotated[str, typer.Argument(help="A name of: otto models list")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a model that was pulled."""
    from otto.config import load
    from otto.models import shelf

    model = shelf.named(name, load())
    if not yes and not terminal_question(f"Remove {model.name} ({_bytes(model.size)}, {model.path})?"):
        raise typer.Exit(1)
    shelf.remove(model)
    say(f"{model.name} is removed.")


def _row(model: Shelved) -> dict[str, object]:
    return {
        "name": model.name,
        "kind": model.kind,
        "size": model.size,
        "licence": model.card.licence if model.card else "",
        "sha256": dict(model.card.sha256) if model.card else {},
        "path": str(model.path),
        "from": model.where,
        "source": model.card.source if model.card else "",
        "problem": model.problem,
    }


def _licence(model: Shelved) -> str:
    return (model.card.licence if model.card else "") or "not known"


def _digest(model: Shelved) -> str:
    """Of the weights: the largest file's, in a folder."""
    hashes: Mapping[str, str] = model.card.sha256 if model.card else {}
    return hashes.get("model.bin") or next(iter(hashes.values()), "")


def _use(model: Shelved) -> str:
    """How the settings name it."""
    settings = {"gguf": "router_model", "gguf-adapter": "router_adapter", "whisper": "whisper_model", "piper": "voice"}
    return f' To use it, set in otto.toml: {settings[model.kind]} = "{model.path}"' if model.kind in settings else ""


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size = size / 1000  # type: ignore[assignment]
    return f"{size:.3g} GB"


def _shown(key: str, value: object) -> str:
    if key in ("parameters", "context") and isinstance(value, int):
        return f"{value:,}"
    if key == "size" and isinstance(value, int):
        return _bytes(value)
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {each}" for name, each in value.items())
    return str(value)
