"""The `otto` command: one verb a file. Run `otto --help`.

Exit codes: 0 done; 1 not understood, or a skill could not; 2 wrong usage, input, setting or file; 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from otto.cli import ask, bench, daemon, doctor, fix, history, listen, skills, transcribe
from otto.errors import OttoError

app = typer.Typer(
    name="otto",
    help="Speech in, a validated function call out, something done, on your own machine.",
    epilog='Start with: otto ask "set a timer for ten minutes"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (ask, listen, history, fix, transcribe, bench, doctor):
    app.command(epilog=verb.EXAMPLES)(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(skills.app, name="skills")
app.add_typer(daemon.app, name="daemon")


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


def main() -> None:
    """Runs the command line; every error of Otto's ends as one line on stderr and exit code 2."""
    try:
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
