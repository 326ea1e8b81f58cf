"""`otto eval`: scores a model on a test set; `otto eval compare`: two evaluations side by side."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from finetune.cli import judge
from finetune.workers import OPTION, workers

if TYPE_CHECKING:
    from finetune.compare import Comparison
    from finetune.eval import Evaluation

EXAMPLES = """Examples:

otto eval runs/lights   (on the test set beside its training rows)

otto eval otto-tiny.gguf --adapter lights.gguf --data wandb:me/otto/heldout:v3 --wandb offline

otto eval fewshot --data ../shared/bench/snips

otto eval lights.gguf --data data --workers ray:4   (several at once, also on other machines)

MODEL_ID=mistralai/Mistral-7B-Instruct-v0.3 PROMPT_FILE=my.txt otto eval --data data --format mistral

otto eval compare evaluations/before evaluations/after

otto eval judge before.jsonl after.jsonl --judges judges.toml"""


class Verbs(TyperGroup):
    """What is no verb of its own begins an evaluation: `otto eval MODEL …` is `otto eval run MODEL …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asks = args[:1] in (["--help"], ["-h"])
        if not asks and (not args or args[0] not in self.commands):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=Verbs,
    help="Score a model on a test set, or compare two evaluations.",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(epilog=judge.WRITE_EXAMPLES)(judge.write)
app.command(epilog=judge.JUDGE_EXAMPLES)(judge.judge)
app.command(epilog=judge.CURVES_EXAMPLES)(judge.curves)

AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")]
Model = Annotated[
    str,
    typer.Argument(
        envvar="MODEL_ID",
        help="A GGUF file, a folder, a name on the Hugging Face hub, wandb:entity/project/name:version, "
        "the address of a server, or a router: fewshot, llama, transformers, openai, cascade, auto.",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        help="Folder or file of the test set, wandb:…, or held-out.",
        show_default="the run's own test set",
    ),
]
Prompt = Annotated[
    str, typer.Option(envvar="PROMPT", help="System text in place of the card's: a file of prompts/, by name.")
]
PromptFile = Annotated[
    Path | None, typer.Option(envvar="PROMPT_FILE", help="System text in place of the card's, from a file.")
]
To = Annotated[
    Path | None, typer.Option("--to", help="Folder for the results.", show_default="evaluations/<time>-<model>")
]
Wandb = Annotated[
    str | None, typer.Option("--wandb", help="online, offline or off.", show_default="WANDB_MODE, or off")
]


@app.command(epilog=EXAMPLES)
def run(
    model: Model,
    data: Data = "",
    split: Annotated[str, typer.Option(help="Which rows of a folder: test, valid, dev or train.")] = "test",
    adapter: Annotated[str, typer.Option(help="A LoRA adapter for the model: a folder, or a GGUF file.")] = "",
    prompt: Prompt = "",
    prompt_file: PromptFile = None,
    framing: Annotated[str, typer.Option("--format", help="Framing in place of the card's: chatml, gemma, …")] = "",
    served: Annotated[str, typer.Option("--served", help="Name of the model at a server.")] = "",
    style: Annotated[str, typer.Option(help="How a server is asked: chat, tools or text.")] = "chat",
    grammar: Annotated[bool, typer.Option(help="Keep answers to calls that may be made.")] = True,
    rows: Annotated[int | None, typer.Option("-n", "--rows", min=1, help="Only the first so many rows.")] = None,
    to: To = None,
    again: Annotated[bool, typer.Option("--again", help="From the start, even where rows are answered.")] = False,
    wandb: Wandb = None,
    project: Annotated[str | None, typer.Option("--project", help="W&B project.", show_default="otto")] = None,
    by: Annotated[str, typer.Option("--workers", help=OPTION)] = "here",
    as_json: AsJson = False,
) -> None:
    """Score a model on a test set. What was stopped goes on when asked again with the same --to."""
    from finetune.answerer import Named, hush, system_text
    from finetune.eval import evaluate
    from finetune.testdata import open_test, own_test
    from finetune.tracking import mode_from
    from otto.cli.terminal import progress_bar
    from otto.config import load
    from otto.errors import ConfigError

    hush()
    if style not in ("chat", "tools", "text"):
        raise ConfigError(f"--style {style}: must be chat, tools or text")
    mode, settings = mode_from(wandb), load()
    system = system_text(prompt, prompt_file)
    test = open_test(data or own_test(Path(model)), settings, split=split)
    named = Named(model, adapter, served, style, framing, system, grammar)  # type: ignore[arg-type]
    folder = to or Path("evaluations") / f"{datetime.now():%Y%m%d-%H%M%S}-{_short(model)}"
    with workers(by) as several, progress_bar() as progress:
        evaluation = evaluate(named, test, settings, folder, rows=rows, again=again, progress=progress, workers=several)
    pages = _report(evaluation)
    where = _publish(evaluation, pages, mode, project)
    if as_json:
        print(json.dumps(evaluation.metrics.to_json()))
        return
    _show(evaluation)
    print(f"\nPredictions, plots and report.html: {folder}")
    if where:
        print(f"W&B: {where}")


@app.command(
    epilog="Examples:\n\notto eval compare evaluations/before evaluations/after",
)
def compare(
    one: Annotated[Path, typer.Argument(help="Folder of an evaluation.")],
    other: Annotated[Path, typer.Argument(help="Folder of another on the same rows.")],
    by: Annotated[str, typer.Option(help="What counts as right: exact_typed or exact.")] = "exact_typed",
    rows: Annotated[int, typer.Option("-n", "--rows", min=0, help="Differing rows shown of each kind.")] = 10,
    as_json: AsJson = False,
) -> None:
    """What one evaluation got right that the other did not, and whether that can be chance."""
    from finetune.compare import compare as compared
    from otto.errors import ConfigError

    if by not in ("exact", "exact_typed"):
        raise ConfigError(f"--by {by}: must be exact_typed or exact")
    found = compared(one, other, by)  # type: ignore[arg-type]
    if as_json:
        print(json.dumps(_compared(found)))
        return
    _show_comparison(found, one, other, rows)


def main() -> None:
    """As a script: `python finetune/eval.py MODEL --data DATA`."""
    from otto.errors import OttoError

    try:
        app()
    except OttoError as error:
        print(f"otto: {error}", file=sys.stderr)
        sys.exit(2)


def _short(model: str) -> str:
    """A name for a folder."""
    last = model.rstrip("/").rsplit("/", 1)[-1]
    return "".join(each if each.isalnum() or each in "-_." else "-" for each in last)[:60] or "model"


def _report(evaluation: Evaluation) -> list[Path]:
    """Pictures and page; returns their files, the page last."""
    from finetune.plots import draw, write_page

    pictures = draw(evaluation.metrics, evaluation.predictions, evaluation.folder / "plots")
    page = evaluation.folder / "report.html"
    title = f"{evaluation.run['name']} on {evaluation.run['test']}"
    write_page(title, evaluation.run, evaluation.metrics, evaluation.predictions, pictures, page)
    return [*pictures, page]


def _publish(evaluation: Evaluation, pages: list[Path], mode: Any, project: str | None) -> str:
    from finetune.score import Prediction
    from finetune.tracking import Published, publish

    columns = [each.name for each in dataclasses.fields(Prediction)]
    folder = evaluation.folder
    return publish(
        Published(
            name=f"{evaluation.run['name']} on {evaluation.run['test']}",
            job="eval",
            config=evaluation.run,
            metrics=evaluation.metrics.figures(),
            columns=columns,
            rows=[[getattr(each, column) for column in columns] for each in evaluation.predictions],
            images=pages[:-1],
            pages=pages[-1:],
            artifact=f"evaluation-{_short(str(evaluation.run['model']))}",
            files=[folder / name for name in ("metrics.json", "run.json", "predictions.jsonl")],
        ),
        folder,
        mode=mode,
        project=project,
    )


def _show(evaluation: Evaluation) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(file=sys.stdout)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in evaluation.metrics.figures().items():
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value))
    console.print(table)
    skills = Table("skill", "rows", "exact", "typed", "precision", "recall", box=None, pad_edge=False)
    for name, each in evaluation.metrics.skills.items():
        shares = (each.exact, each.exact_typed, each.precision, each.recall)
        skills.add_row(escape(name), str(each.rows), *("–" if share is None else f"{share:.3f}" for share in shares))
    console.print()
    console.print(skills)


def _compared(found: Comparison) -> dict[str, Any]:
    def pairs(rows: Any) -> list[dict[str, str]]:
        return [
            {"text": one.text, "wanted": one.wanted, "one": one.answered, "other": other.answered}
            for one, other in rows
        ]

    return {
        "rows": found.rows,
        "one": found.one,
        "other": found.other,
        "both": found.both,
        "neither": found.neither,
        "only_one": pairs(found.only_one),
        "only_other": pairs(found.only_other),
        "p": found.p,
        "unmatched": found.unmatched,
    }


def _show_comparison(found: Comparison, one: Path, other: Path, rows: int) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(file=sys.stdout)
    surely = "unlikely to be chance" if found.p < 0.05 else "can be chance"
    console.print(
        f"{escape(one.name)} {found.one:.4f}, {escape(other.name)} {found.other:.4f} on {found.rows} rows: "
        f"{len(found.only_one)} right only in the first, {len(found.only_other)} only in the second; "
        f"p = {found.p:.4g} (McNemar, exact): {surely}"
    )
    if found.unmatched:
        console.print(f"{found.unmatched} rows are in one of the two alone and do not count")
    for heading, pairs in (("right only in the first", found.only_one), ("only in the second", found.only_other)):
        if not pairs or not rows:
            continue
        table = Table("said", "meant", "first", "second", box=None, pad_edge=False, title=heading, title_justify="left")
        for mine, yours in pairs[:rows]:
            table.add_row(*map(escape, (mine.text, mine.wanted, mine.answered, yours.answered)))
        console.print(table)
