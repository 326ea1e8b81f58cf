"""`otto coach`: the coach on the command line, and the documents that it quotes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otto.cli.terminal import note, print_table, progress_bar, say, terminal_question

if TYPE_CHECKING:
    from otto.coach.advice import Event
    from otto.config import Settings
    from otto.library.index import Library

app = typer.Typer(
    help="Ask the coach, and say which of your documents it may quote.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

ASK_EXAMPLES = """Examples:

otto coach ask "how long should my longest run before a marathon be"

otto coach ask "what does my plan say about the taper" --model tuned"""
INDEX_EXAMPLES = """Examples:

otto coach index ~/running   (Markdown, text, HTML and PDF in it; again: what is new or changed)

otto coach index --list

otto coach index --forget   (everything that was indexed)"""
FIND_EXAMPLES = """Examples:

otto coach find "how long is the taper" """
VOTES_EXAMPLES = """Examples:

otto coach votes

otto coach votes --forget"""


@app.command(epilog=ASK_EXAMPLES)
def ask(
    question: Annotated[str, typer.Argument(help="What you would like to know.")],
    model: Annotated[str, typer.Option("--model", help="A name in coach_models; the first without it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask the coach. The answer is written as it comes, with the passages of your documents that it cites."""
    from otto.coach.advice import Coach
    from otto.coach.named import coach_models
    from otto.config import load
    from otto.errors import ConfigError

    settings = load()
    models = {each.name: each for each in coach_models(settings)}
    if model and model not in models:
        raise ConfigError(f"--model: there is no model {model!r} in coach_models; known: {', '.join(models)}")
    chosen = models[model] if model else next(iter(models.values()))
    events = []
    for event in Coach(settings).answer(question, chosen):
        events.append(event)
        if not as_json:
            _tell(event)
    if as_json:
        print(json.dumps(_summary(events, chosen.name), ensure_ascii=False))
    if events[-1].kind and not events[-1].text:
        raise typer.Exit(1)


@app.command(epilog=INDEX_EXAMPLES)
def index(
    folder: Annotated[Path | None, typer.Argument(help="A folder, or one file.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Which documents are indexed.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Forget all documents.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let the coach quote your documents: Markdown, text, HTML and PDF. They stay on this machine, but for the passages
    that go to the model with a question."""
    from otto.config import load
    from otto.errors import OttoError

    settings = load()
    if forget:
        _forget(settings, yes)
        return
    if listed and not settings.library.exists():
        say(json.dumps({"documents": []}) if as_json else "Nothing is indexed.")
        return
    if folder is None and not listed:
        raise OttoError("name a folder, such as: otto coach index ~/running")
    with _library(settings) as library:
        if folder is None:
            documents = library.documents()
            say(json.dumps({"documents": documents}, ensure_ascii=False) if as_json else "\n".join(documents))
            return
        with progress_bar() as progress:
            added = library.add(folder.expanduser(), progress)
    if as_json:
        print(json.dumps(asdict(added), ensure_ascii=False))
        return
    for problem in added.problems:
        note(problem)
    say(
        f"{added.read} documents read, {added.unchanged} unchanged, {added.removed} gone; "
        f"{added.passages} passages in all."
    )


@app.command(epilog=FIND_EXAMPLES)
def find(
    question: Annotated[str, typer.Argument(help="What is sought.")],
    as_json: AsJson = False,
) -> None:
    """Show the passages that the coach would be given, without asking a model."""
    from otto.coach.grounding import Source
    from otto.config import load

    settings = load()
    found = []
    if settings.library.exists():
        with _library(settings) as library:
            found = library.find(question)
    if as_json:
        print(json.dumps({"passages": [asdict(each) for each in found]}, ensure_ascii=False))
        return
    for each in found:
        say(f"{Source.of(each)}\n{each.text}\n")
    if not found:
        say("Nothing in the documents is about that.")
        raise typer.Exit(1)


@app.command(epilog=VOTES_EXAMPLES)
def votes(
    forget: Annotated[bool, typer.Option("--forget", help="Forget all of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the votes and edits of the coach's page. `otto data collect --votes` makes training data of them."""
    from otto.config import load
    from otto.errors import shorten
    from otto.store import open_store

    with open_store(load().database) as store:
        if forget:
            if not yes and not terminal_question("Forget all votes and edits?"):
                raise typer.Exit(1)
            say(f"{store.votes.forget()} votes are forgotten.")
            return
        kept = store.votes.list()
    if as_json:
        rows = [
            {"id": vote.id, "at": vote.at.isoformat(), "model": vote.model, "question": vote.question,
             "answer": vote.answer, "verdict": vote.verdict, "edit": vote.edit}
            for vote in kept
        ]  # fmt: skip
        print(json.dumps({"votes": rows}, ensure_ascii=False))
        return
    print_table(
        ("", "model", "vote", "question"),
        [
            (str(vote.id), vote.model, vote.verdict + (" edited" if vote.edit else ""), shorten(vote.question))
            for vote in kept
        ],
    )


def _library(settings: Settings) -> Library:
    from otto.encoder import shared
    from otto.library.index import Library

    return Library(settings.library, shared(settings.cache_folder))


def _forget(settings: Settings, yes: bool) -> None:
    if not yes and not terminal_question("Forget all documents that were indexed?"):
        raise typer.Exit(1)
    for ending in ("", "-wal", "-shm"):
        Path(f"{settings.library}{ending}").unlink(missing_ok=True)
    say("The coach quotes no documents any more.")


def _tell(event: Event) -> None:
    match event.type:
        case "care":
            note(event.text)
        case "piece":
            print(event.text, end="", flush=True)
        case "end":
            if event.text and not event.text.endswith("\n"):
                print()
            for source in event.sources:
                say(str(source))


def _summary(events: list[Event], model: str) -> dict[str, object]:
    end = events[-1]
    care = next((event for event in events if event.type == "care"), None)
    return {
        "model": model, "answer": end.text, "care": care.kind if care else "", "said": care.text if care else "",
        "sources": [asdict(each) for each in end.sources],
    }  # fmt: skip
