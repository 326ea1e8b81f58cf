"""The `otto` command: one verb a file. Run `otto --help`.

Exit codes: 0 done; 1 not understood, or a skill could not; 2 wrong usage, input, setting or file; 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from otto.cli import (
    ask,
    bench,
    calibrate,
    coach,
    daemon,
    doctor,
    fix,
    history,
    listen,
    mcp,
    models,
    report,
    route,
    serve,
    skills,
    transcribe,
    wyoming,
)
from otto.errors import OttoError

app = typer.Typer(
    name="otto",
    help="Speech in, a validated function call out, something done, on your own machine.",
    epilog='Start with: otto ask "set a timer for ten minutes"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (ask, listen, serve, history, report, fix, transcribe, bench, route, calibrate, mcp, wyoming, doctor):
    app.command(epilog=verb.EXAMPLES)(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(skills.app, name="skills")
app.add_typer(models.app, name="models")
app.add_typer(daemon.app, name="daemon")
app.add_typer(coach.app, name="coach")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"otto {version('otto-assistant')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Speech in, a validated function call out, something done, on your own machine."""


def _add_further_verbs(arguments: Sequence[str]) -> None:
    """Adds what other packages bring (entry points of the group `otto.commands`: the fine-tuning pipeline), but only
    where it is asked for: looking through everything that is installed takes longer than a command may."""
    own = [command.name or getattr(command.callback, "__name__", None) for command in app.registered_commands]
    own += [group.name for group in app.registered_groups]
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    if asked in own:
        return
    from importlib.metadata import entry_points

    for verb in sorted(entry_points(group="otto.commands"), key=lambda verb: verb.name):
        if asked is None or verb.name == asked:
            _add(verb.name, verb.load())


def _add(name: str, verb: typer.Typer | Callable[..., Any]) -> None:
    if isinstance(verb, typer.Typer):
        app.add_typer(verb, name=name)
    else:
        app.command(name, epilog=sys.modules[verb.__module__].EXAMPLES)(verb)


def main() -> None:
    """Runs the command line; every error of Otto's ends as one line on stderr and exit code 2."""
    try:
        _add_further_verbs(sys.argv[1:])
        app()
    except OttoError as error:
        print(f"otto: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader has left (`otto history | head`). Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
