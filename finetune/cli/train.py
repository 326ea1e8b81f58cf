"""`otto train`: trains a model by a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otto.cli.terminal import note, say
from otto.errors import ConfigError

if TYPE_CHECKING:
    from finetune.plan import Plan
    from finetune.prepared import Prepared
    from finetune.recipe import Recipe

EXAMPLES = """Examples:

otto train --list

otto train tiny-qlora --dry-run   (checks the data; what it will take)

otto train tiny-qlora -o runs/tiny

otto train qwen-0.5b -o runs/qwen --set training.epochs=2 --resume"""


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a TOML file.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where the model goes; runs/<recipe>.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another value for one of the recipe's keys.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, train nothing.")
    ] = False,
    list_recipes: Annotated[bool, typer.Option("--list", help="The recipes that come with Otto.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a model by a recipe: an adapter, a whole model, or one from scratch."""
    from finetune.recipe import load, names

    if list_recipes:
        found = {name: load(name).description for name in names()}
        say(json.dumps(found) if as_json else "\n".join(f"{name:16} {what}" for name, what in found.items()))
        return
    if not recipe:
        raise ConfigError(f"which recipe? Those that come with Otto: {', '.join(names())}")
    chosen = load(recipe, dict(_pair(change) for change in changes or ()))
    folder = output or Path("runs") / chosen.name
    if chosen.provider == "local":
        _locally(chosen, folder, resume=resume, dry_run=dry_run, as_json=as_json)
    else:
        _hosted(chosen, folder, dry_run=dry_run, as_json=as_json)


def _locally(recipe: Recipe, output: Path, *, resume: bool, dry_run: bool, as_json: bool) -> None:
    from finetune.plan import check, estimate
    from finetune.prepared import prepare
    from finetune.train import run

    ready = prepare(recipe, output if resume else None)
    plan = estimate(ready, output)
    if dry_run:
        _show(plan, as_json=as_json)
    check(plan, offloads=bool(recipe.model.device_map))
    if dry_run:
        return
    if not as_json:
        for what, figure in plan.lines():
            note(f"{what:8} {figure}")
    _report(run(ready, output, resume=resume), ready, as_json=as_json)


def _report(outcome: object, ready: Prepared, *, as_json: bool) -> None:
    from finetune.train import Outcome

    assert isinstance(outcome, Outcome)
    if not outcome.metrics:  # one of several processes, and not the one that reports
        return
    asked = outcome.asked
    if as_json:
        answer = {"prompt": asked.prompt, "answer": asked.answer} if asked else None
        say(json.dumps({"folder": str(outcome.folder), "metrics": dict(outcome.metrics), "asked": answer}))
        return
    for name, value in sorted(outcome.metrics.items()):
        say(f"{name:28} {value:.4g}")
    if asked:
        say(f"asked    {asked.prompt.strip()!r}\nanswered {asked.answer!r}")
    score = "otto eval" if ready.recipe.task == "router" else "otto eval write"
    say(f"Saved in {outcome.folder}. Next: {score} {outcome.folder}; otto export {outcome.folder}")


def _hosted(recipe: Recipe, output: Path, *, dry_run: bool, as_json: bool) -> None:
    from dataclasses import asdict

    from finetune.hosted import train as train_hosted

    state = train_hosted(recipe, output, dry_run=dry_run, tell=note)
    if as_json:
        say(json.dumps(asdict(state), default=str))
    elif state.model:
        say(f"Trained: {state.model} at {state.provider}; kept in {output}.")


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(plan.as_json()))
        return
    for what, figure in plan.lines():
        say(f"{what:8} {figure}")


def _pair(change: str) -> tuple[str, str]:
    key, equals, value = change.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {change}: write it as KEY=VALUE, such as training.steps=20")
    return key.strip(), value.strip()
