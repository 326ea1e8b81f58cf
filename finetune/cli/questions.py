"""`otto data questions`: question sets from topics, from a document, from what people asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from finetune.questions import Point, Row

EXAMPLES = """Examples:

otto data questions --shipped -o questions.jsonl   (the coach's own, written by hand)

otto data questions --topics outline.md -n 5 --model mistral-small -o questions.jsonl

otto data questions --document guide.pdf -n 4 --model mistral-small -o guide.jsonl   (and guide.test.jsonl)

otto data questions --people form.csv --column "Your question" -o people.jsonl"""


def questions(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The .jsonl file to write.")] = Path(
        "questions.jsonl"
    ),
    shipped: Annotated[bool, typer.Option("--shipped", help="The questions that come with Otto's coach.")] = False,
    topics: Annotated[
        Path | None, typer.Option("--topics", metavar="FILE", help="An outline: `## topic`, `- what about`.")
    ] = None,
    document: Annotated[
        Path | None, typer.Option("--document", metavar="FILE", help="A PDF, Markdown or HTML file.")
    ] = None,
    people: Annotated[Path | None, typer.Option("--people", metavar="FILE", help="A form's CSV.")] = None,
    column: Annotated[str, typer.Option(help="Of the CSV, the column with the questions.")] = "",
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=50, help="Questions a point or section.")] = 5,
    pages: Annotated[bool, typer.Option("--pages", help="Cut a PDF into its pages, not its sections.")] = False,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share of a document's sections for the test.")] = 0.2,
    model: Annotated[str, typer.Option(help="Model at OPENAI_BASE_URL; without it, the setting openai_model.")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Ask no model: one plain question a point.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Asked at the same time.")] = 4,
    per_minute: Annotated[float, typer.Option(min=0, help="Requests a minute, at most; 0: no limit.")] = 0,
    seed: Annotated[int, typer.Option(help="Draws who asks and how.")] = 0,
) -> None:
    """Make a question set for a coach or about a document; what a model has written is not asked for again."""
    from finetune import questions as making

    if sum([shipped, topics is not None, document is not None, people is not None]) != 1:
        raise OttoError("what from? Give one of --shipped, --topics FILE, --document FILE, --people FILE")
    if shipped:
        from finetune.tasks.coach import QUESTIONS

        _write(output, QUESTIONS.read_text(encoding="utf-8"))
    elif people is not None:
        rows, dropped = making.from_people(people, column)
        for each in dropped:
            note(f"left out: {each}")
        _write(output, making.lines(rows))
    else:
        asked = (model, concurrency, per_minute)
        parts = _from_topics(topics, output) if topics else _from_document(document, output, pages, test)
        for path, several, source in parts:
            rows = making.offline(several, source) if offline else _asked(path, several, source, count, seed, *asked)
            _write(path, making.lines(rows))


Part: TypeAlias = "tuple[Path, Sequence[Point], str]"
"""File to write, what about, and what it is taken from."""


def _from_topics(topics: Path, output: Path) -> list[Part]:
    from finetune.questions import points

    return [(output, points(topics), topics.stem)]


def _from_document(document: Path | None, output: Path, pages: bool, test: float) -> list[Part]:
    """Of some sections questions to train on, of the others a test set beside it."""
    from finetune.questions import about, parted
    from otto.library import sections

    assert document is not None
    train, held = parted(sections.read(document, "pages" if pages else "sections"), test)
    parts: list[Part] = [(output, about(train, document.stem), document.stem)]
    if held:
        parts.append((output.with_suffix(f".test{output.suffix}"), about(held, document.stem), document.stem))
    return parts


def _asked(
    path: Path,
    several: Sequence[Point],
    source: str,
    count: int,
    seed: int,
    model: str,
    concurrency: int,
    per_minute: float,
) -> list[Row]:
    """What a model writes about the points."""
    from finetune.answers import journal_of
    from finetune.ask import Limits, ask, from_environment, spent
    from finetune.journal import Journal
    from finetune.questions import Run, fits
    from otto.cli.terminal import progress_bar
    from otto.config import load

    endpoint = from_environment(
        model or load().openai_model, Limits(concurrency=concurrency, requests_per_minute=per_minute)
    )
    run = Run(several, count, source, seed)
    with Journal(journal_of(path)) as journal, progress_bar() as progress:
        for number, answer in enumerate(ask(run.questions(), [endpoint], journal, fits), 1):
            progress("asking for questions", number / max(1, len(several)))
            if answer.problem:
                note(f"no questions: {answer.problem}")
            else:
                run.take(answer)
        note(f"asked: {spent(journal)}; left out: {len(run.dropped)}")
    return run.kept


def _write(path: Path, content: str) -> None:
    from otto.files import write_atomic

    if not content:
        raise OttoError(f"{path}: there is no question to write")
    try:
        write_atomic(path, content)
    except OSError as error:
        raise OttoError(f"{path}: cannot be written: {error.strerror}") from error
    say(f"{content.count(chr(10))} questions in {path}")
