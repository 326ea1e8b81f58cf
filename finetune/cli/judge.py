"""`otto eval write`: a model's answers; `judge`: answers of several models, judged; `curves`: how a run went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.workers import OPTION, workers
from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from finetune.judge import Judgement

WRITE_EXAMPLES = """Examples:

otto eval write runs/coach --base --data data/test.jsonl -o before.jsonl   (the base, before tuning)

otto eval write runs/coach --data data/test.jsonl -o after.jsonl

otto eval write models.toml --data data/test.jsonl --samples 4 -o server.jsonl"""
JUDGE_EXAMPLES = """Examples:

otto eval judge before.jsonl after.jsonl --judges judges.toml --to evaluations/coach

otto eval judge after.jsonl --judges coach-qlora --what rubric,consistency

otto eval judge before.jsonl after.jsonl   (no judge: reference figures alone)"""


CURVES_EXAMPLES = """Examples:

otto eval curves runs/style"""


def curves(run: Annotated[Path, typer.Argument(help="Folder of a training run.")]) -> None:
    """Read the curves of a training run: spikes, over-fitting, ranges, and which knob to turn."""
    from finetune.curves import report

    for finding in report(run):
        say(str(finding))
    note(f"picture and page: {run / 'curves.html'}")


def write(
    model: Annotated[str, typer.Argument(help="Folder of a run, or a TOML file or recipe that names one endpoint.")],
    data: Annotated[Path, typer.Option("--data", "-d", help="Rows with the questions (and the wanted answers).")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .jsonl file to write.")] = Path(
        "written.jsonl"
    ),
    base: Annotated[bool, typer.Option("--base", help="Of a run: the base that it was trained from.")] = False,
    samples: Annotated[int, typer.Option(min=0, max=20, help="Further answers, drawn, to check consistency.")] = 0,
    rows: Annotated[int | None, typer.Option("-n", "--rows", min=1, help="Only the first so many rows.")] = None,
    by: Annotated[str, typer.Option("--workers", help=f"{OPTION} Of an endpoint.")] = "here",
) -> None:
    """Have a model answer the questions of a task whose answers are texts."""
    from finetune.answers import endpoints, journal_of, load
    from finetune.journal import Journal
    from finetune.shapes import lines, read
    from finetune.written import by_endpoint, by_run
    from otto.files import write_atomic

    asked = read(data)[:rows]
    if Path(model).is_dir():
        if by != "here":
            raise OttoError(f"--workers {by}: the model of a run answers here; serve it, and name its endpoint")
        from finetune.answerer import hush

        hush()
        found = list(by_run(Path(model), asked, base=base, samples=samples, name=output.stem))
    else:
        asking = load(Path(model))
        several = endpoints(asking)
        if len(several) != 1:
            raise OttoError(f"{model}: names {len(several)} endpoints; write the answers of one at a time")
        with Journal(journal_of(output)) as journal, workers(by) as working:
            found = by_endpoint(asked, several[0], journal, asking.system, samples, working)
    try:
        write_atomic(output, lines(found))
    except OSError as error:
        raise OttoError(f"{output}: cannot be written: {error.strerror}") from error
    say(f"{len(found)} answers in {output}")


def judge(
    files: Annotated[list[Path], typer.Argument(help="Answers of one model each, to the same questions.")],
    judges: Annotated[
        Path | None, typer.Option("--judges", help="A TOML file with [[endpoints]], or a recipe with [judging].")
    ] = None,
    what: Annotated[
        str, typer.Option(help="What to judge: some of rubric,pairs,relevancy,faithfulness,consistency.")
    ] = "rubric,pairs,relevancy,faithfulness,consistency",
    to: Annotated[Path, typer.Option("--to", help="Folder for figures, pictures and page.")] = Path(
        "evaluations/judged"
    ),
    by: Annotated[str, typer.Option("--workers", help=OPTION)] = "here",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Judge answers by rubric and in pairs; relevancy, faithfulness, consistency, reference figures. Goes on where it
    was stopped."""
    from finetune import judgepage
    from finetune.answers import endpoints, load
    from finetune.item import read
    from finetune.journal import Journal
    from finetune.judge import judge as judged_by
    from otto.cli.terminal import progress_bar
    from otto.config import load as settings
    from otto.encoder import shared
    from otto.files import write_atomic

    asked = endpoints(load(judges, "judging")) if judges else []
    candidates = [read(path) for path in files]
    kinds = [each.strip() for each in what.split(",") if each.strip()] if judges else []
    encoder = shared(settings().cache_folder)
    with Journal(to / "journal.jsonl") as journal, workers(by) as several, progress_bar() as progress:
        judged = judged_by(candidates, asked, journal, kinds=kinds, encoder=encoder, told=progress, workers=several)
    figures = judgepage.summary(judged)
    write_atomic(to / "metrics.json", json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    judgepage.write(judged, judgepage.draw(judged, to / "plots"), to / "report.html")
    if as_json:
        say(json.dumps(figures, ensure_ascii=False))
        return
    _show(judged)
    note(f"figures, pictures and report.html: {to}")


def _show(judged: Judgement) -> None:
    from finetune.judgepage import tables
    from otto.cli.terminal import print_table

    for heading, (columns, rows) in tables(judged).items():
        say(f"\n{heading}")
        print_table(columns, rows)
    for flag in judged.flags[:10]:
        say(f"to look at: {flag.candidate}: {flag.sentence}")
    if judged.missing:
        note(f"{judged.missing} verdicts could not be had; the same command asks for them again")
