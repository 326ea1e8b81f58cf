"""`otto fix`: says what the last command should have meant; it becomes an example and a regression test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from otto.call import OTHER, Call, parse, write
from otto.cli.terminal import note, say
from otto.clock import SystemClock
from otto.config import Settings
from otto.errors import OttoError, StoreError
from otto.examples.correction import correct, corrections, corrections_file, failing, validated
from otto.route import Context
from otto.store import Entry, open_store

if TYPE_CHECKING:
    from otto.registry.live import Ready

EXAMPLES = """Examples:

otto fix   (choose among what else it could have meant)

otto fix 'timer(duration="ten minutes")'

otto fix 'other()' --id 42   (that one was not meant for Otto)

otto fix --check   (are all earlier corrections still right?)"""


def fix(
    call: Annotated[str, typer.Argument(help="What was meant; without it, a choice is offered.")] = "",
    number: Annotated[int | None, typer.Option("--id", help="Number of the command in `otto history`.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Route earlier corrections again; exit 1 if one fails.")
    ] = False,
) -> None:
    """Correct the last command; the correction is learnt at once."""
    from otto.cli.terminal import progress_bar
    from otto.config import folders, load
    from otto.registry.live import Live

    settings = load()
    with progress_bar() as progress:
        live = Live(settings, folders(settings), progress)
    try:
        if check:
            raise typer.Exit(check_corrections(settings, live.ready))
        entry = entry_to_correct(settings, number)
        note(f"{entry.text!r} was taken for {entry.calls}")
        calls = parse(call) if call else choice(entry.text, live.ready)
        if not calls:
            raise typer.Exit(1)
        keep(settings, entry, calls, live.ready)
    finally:
        live.close()


def entry_to_correct(settings: Settings, number: int | None) -> Entry:
    """The last command in the history, or the one with this number."""
    with open_store(settings.database) as store:
        if not store.saves:
            raise StoreError(store.trouble)
        entry = next(iter(store.history.last(1)), None) if number is None else store.history.get(number)
    if entry is None:
        raise OttoError("there is nothing to correct yet" if number is None else f"there is no command number {number}")
    return entry


def choice(text: str, ready: Ready) -> tuple[Call, ...]:
    """Lets the person choose among what else the sentence could mean, or write a call. Empty: nothing chosen."""
    if not sys.stdin.isatty():
        raise OttoError("say what was meant: otto fix 'timer(duration=\"ten minutes\")'")
    route = ready.router.route(text, Context(SystemClock().now()))
    options = [route.calls, *(other.calls for other in route.alternatives)]
    if not any(calls == (Call(OTHER),) for calls in options):
        options.append((Call(OTHER),))
    for place, calls in enumerate(options, 1):
        say(f"{place:3}  {write(calls)}")
    answer = input("Which one was meant? Its number, or a call: ").strip()
    if not answer:
        return ()
    if answer.isdecimal():
        if not 1 <= int(answer) <= len(options):
            raise OttoError(f"there is no number {answer}")
        return options[int(answer) - 1]
    return parse(answer)


def keep(settings: Settings, entry: Entry, calls: tuple[Call, ...], ready: Ready) -> None:
    """Writes the correction everywhere it counts."""
    skills = {name: registered.skill for name, registered in ready.snapshot.skills.items()}
    path = correct(entry.text, validated(calls, skills, SystemClock().now()), settings)
    with open_store(settings.database) as store:
        store.history.correct(entry.id, write(calls))
    say(f"Learnt: {entry.text!r} means {write(calls)}")
    note(f"An example in {path}, a test in {corrections_file(settings)}")


def check_corrections(settings: Settings, ready: Ready) -> int:
    """Routes every correction again and tells which fail; the exit code."""
    rows = corrections(settings)
    skills = {name: registered.skill for name, registered in ready.snapshot.skills.items()}
    wrong = failing(rows, ready.router, skills, SystemClock().now())
    for row, calls in wrong:
        say(f"{row.text!r} should mean {write(row.calls)} and is taken for {write(calls)}")
    say(f"{len(rows) - len(wrong)} of {len(rows)} corrections hold.")
    return 1 if wrong else 0
