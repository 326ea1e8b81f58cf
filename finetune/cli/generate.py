"""`otto data generate`: more examples for a skill, from any OpenAI-compatible model, looked at before they count."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.workers import OPTION, Workers, workers
from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from finetune.ask import Endpoint, Limits, Spent
    from finetune.candidate import Candidate
    from finetune.generate import Run
    from finetune.journal import Journal
    from otto.example import Example
    from otto.registry.snapshot import Registered, Snapshot

EXAMPLES = """Examples:

otto data generate --skill timer -n 50 --model mistral-small

otto data generate --skill timer -n 20 --not --model llama3.2   (sentences that must not reach it)

otto data generate --file lights_examples.txt -n 30 --offline --yes"""

STALE_SAMPLES = 400
"""As `finetune.generate.STALE`, without a model."""


File = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="An example file, wherever it is; it is added to.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no model: sample from the examples' own structure.")]


def generate(
    skill: Annotated[str, typer.Option("--skill", help="The skill's name; `other`: what no skill should answer.")] = "",
    file: File = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=100_000, help="How many examples.")] = 20,
    negative: Annotated[bool, typer.Option("--not", help="Sentences that must not reach the skill.")] = False,
    model: Annotated[str, typer.Option(help="Model at OPENAI_BASE_URL; without it, the setting openai_model.")] = "",
    offline: Offline = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Keep what passes every check, without looking.")] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Questions asked at the same time.")] = 4,
    per_minute: Annotated[float, typer.Option(min=0, help="Requests a minute, at most; 0: no limit.")] = 0,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="Sent along where given.")] = None,
    max_tokens: Annotated[int, typer.Option(min=0, help="Of an answer; 0: as the server likes.")] = 0,
    price_in: Annotated[float, typer.Option(min=0, help="Price of a million tokens asked.")] = 0,
    price_out: Annotated[float, typer.Option(min=0, help="Price of a million tokens answered.")] = 0,
    seed: Annotated[int, typer.Option(help="Draws who speaks and how.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Put an unfinished run away and begin anew.")] = False,
    by: Annotated[str, typer.Option("--workers", help=OPTION)] = "here",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write more examples for a skill with a language model; unfinished runs go on where they were."""
    from finetune.ask import Limits, spent
    from finetune.candidate import Judge
    from finetune.generate import Run, Wish, append, target
    from finetune.review import review
    from otto.config import load

    settings = load()
    if not yes and not sys.stdin.isatty():
        raise OttoError("nobody is there to look at the examples; --yes keeps what passes every check")
    limits = Limits(concurrency=concurrency, requests_per_minute=per_minute, price_in=price_in, price_out=price_out)
    endpoint = None if offline else _endpoint(model or settings.openai_model, limits, temperature, max_tokens)
    snapshot, entry = _entry(skill, file)
    path = target(entry, settings, file)
    wish = Wish(entry.skill, count, negative, seed)
    judge = Judge({name: each.skill for name, each in snapshot.skills.items()}, _examples(snapshot))
    place = settings.state_folder / "generate" / f"{path.stem}{'.not' if negative else ''}.jsonl"
    with _journal(place, restart) as journal:
        run = Run(wish, judge, journal)
        if run.accepted:
            note(f"going on: {len(run.accepted)} of {count} were there already")
        _fill(run, snapshot, entry, endpoint, journal, by)
        finished = yes or review(run)
        kept = run.kept(unseen=finished)
        new, refused = append(path, kept)
        total = spent(journal)
        if finished:
            journal.add({"kind": "done", "file": str(path)})
    _tell(run, path, new, refused, total, as_json)
    if not finished:
        note("The rest waits: the same command goes on.")


def _endpoint(model: str, limits: Limits, temperature: float | None, max_tokens: int) -> Endpoint:
    from finetune.ask import from_environment

    parameters = {"temperature": temperature, "max_tokens": max_tokens or None}
    return from_environment(model, limits, {name: value for name, value in parameters.items() if value is not None})


def _examples(snapshot: Snapshot) -> list[Example]:
    """Of all skills."""
    return [example for each in snapshot.skills.values() for example in each.examples]


def _entry(skill: str, file: Path | None) -> tuple[Snapshot, Registered]:
    """All skills, and the one meant."""
    from otto.cli.skills import refuse_unknown, registry
    from otto.config import load
    from otto.examples.draft import name_of

    if bool(skill) == bool(file):
        raise OttoError("which skill? Give --skill NAME or --file FILE")
    snapshot = registry(load(), None, None, [file] if file else []).snapshot
    if file is not None:
        here = [each for each in snapshot.skills.values() if any(one.resolve() == file.resolve() for one in each.files)]
        skill = here[0].skill.name if here else name_of(file)
    return snapshot, snapshot.skills.get(skill) or refuse_unknown(skill, snapshot)


def _journal(path: Path, restart: bool) -> Journal:
    """The journal to go on with; a finished one is put away."""
    from finetune.journal import Journal

    journal = Journal(path)
    if journal.entries and (restart or journal.entries[-1].get("kind") == "done"):
        journal.put_away()
        return Journal(path)
    return journal


def _fill(
    run: Run, snapshot: Snapshot, entry: Registered, endpoint: Endpoint | None, journal: Journal, by: str
) -> None:
    """Asks or samples until there is enough, or nothing new comes any more."""
    from finetune.generate import STALE
    from otto.cli.terminal import progress_bar

    stale, patience = 0, STALE if endpoint else STALE_SAMPLES
    with workers(by if endpoint else "here") as several, progress_bar() as progress:
        answers = _answers(run, snapshot, entry, endpoint, journal, several)
        try:
            while not run.complete and stale < patience and (answer := next(answers, None)):
                known = run.knows(answer[0])  # what an earlier part of the run had judged tells nothing about this one
                stale = 0 if run.take(*answer) or known else stale + 1
                progress("writing examples", len(run.accepted) / run.wish.count)
        except KeyboardInterrupt:
            note("Stopping. Answers that are on their way are waited for and kept; the same command goes on.")
            raise
        finally:
            answers.close()
    if not run.complete:
        note(f"Only {len(run.accepted)} of {run.wish.count}: nothing new came in the last {stale} answers.")


def _answers(
    run: Run,
    snapshot: Snapshot,
    entry: Registered,
    endpoint: Endpoint | None,
    journal: Journal,
    workers: Workers,
) -> Generator[tuple[str, list[Candidate]], None, None]:
    from finetune.ask import ask
    from finetune.generate import check, questions, read, sampled

    wish = run.wish
    schemas = {name: each.skill for name, each in snapshot.skills.items()}
    if endpoint is None:
        yield from sampled(wish, schemas, _examples(snapshot))
        return
    shown = [each for each in entry.examples if each.calls[0].name == entry.skill.name]
    for answer in ask(questions(wish, shown, schemas.values(), run), [endpoint], journal, check(wish), workers):
        if answer.problem:
            note(f"question {answer.key}: {answer.problem}")
        yield answer.key, [] if answer.problem else read(answer.text, wish)


def _tell(run: Run, path: Path, new: int, refused: list[str], total: Spent, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        figures = {"file": str(path), "added": new, "refused": dict(run.refused), "problems": refused}
        print(json.dumps({**figures, "spent": asdict(total)}, ensure_ascii=False))
        return
    say(f"{new} new examples in {path}")
    for reason, times in run.refused.most_common():
        note(f"refused: {times} ({reason})")
    for problem in refused:
        note(f"not written: {problem}")
    if total.answers or total.failures:
        note(f"asked: {total}")
