"""`otto data answers`: each question to several models; their answers become rows for training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.workers import OPTION, workers
from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from finetune.shapes import Conversation

EXAMPLES = """Examples:

otto data answers questions.jsonl --models models.toml -o answers.jsonl

otto data answers questions.jsonl --models coach-qlora --best coach-qlora   (and answers.best.jsonl)

otto data collect answers.jsonl -o data   (5 % of each model's answers are held back)"""


def answers(
    questions: Annotated[Path, typer.Argument(help="Lines of text, or .jsonl with a column question.")],
    models: Annotated[
        Path,
        typer.Option("--models", metavar="FILE", help="A TOML file with [[endpoints]], or a recipe with [asking]."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .jsonl file to write.")] = Path(
        "answers.jsonl"
    ),
    best: Annotated[
        Path | None,
        typer.Option(
            "--best",
            metavar="FILE",
            help="Judges as [[endpoints]], or a recipe: also write FILE.best.jsonl, their choice.",
        ),
    ] = None,
    by: Annotated[str, typer.Option("--workers", help=OPTION)] = "here",
) -> None:
    """Ask several models every question; what is answered already is not asked again."""
    from finetune.answers import asked, endpoints, journal_of, load, read_questions, rows
    from finetune.ask import ask, spent
    from finetune.journal import Journal
    from finetune.shapes import lines
    from otto.cli.terminal import progress_bar
    from otto.files import write_atomic

    asking, several = load(models), read_questions(questions)
    wanted = len(several) * len(asking.endpoints)
    with Journal(journal_of(output)) as journal, workers(by) as working, progress_bar() as progress:
        done = 0
        try:
            for answer in ask(asked(several, asking), endpoints(asking), journal, workers=working):
                done += 1
                progress("asking", done / wanted)
                if answer.problem:
                    note(f"{answer.endpoint}: {answer.problem}")
        finally:
            found = rows(several, journal, asking)
            try:
                write_atomic(output, lines(found))
            except OSError as error:
                raise OttoError(f"{output}: cannot be written: {error.strerror}") from error
            say(f"{len(found)} of {wanted} answers in {output}")
            note(f"asked: {spent(journal)}")
    if best is not None:
        _choose(found, best, output, by)


def _choose(found: list[Conversation], judges: Path, output: Path, by: str) -> None:
    """Writes the best answer to each question beside all of them."""
    from finetune.answers import endpoints, load
    from finetune.journal import Journal
    from finetune.selection import chosen
    from finetune.shapes import lines
    from otto.cli.terminal import progress_bar
    from otto.files import write_atomic

    target = output.with_suffix(f".best{output.suffix}")
    judged = Journal(output.with_name(f"{output.stem}.judged.jsonl"))
    with judged as journal, workers(by) as working, progress_bar() as progress:
        kept = chosen(found, endpoints(load(judges, "judging")), journal, progress, working)
    write_atomic(target, lines(kept))
    say(f"{len(kept)} best answers in {target}")
