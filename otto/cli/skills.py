"""`otto skills`: what Otto can do, where that comes from, whether it is in order, and how to add to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from otto.cli.terminal import note, print_table, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from otto.config import Folders, Settings
    from otto.example import Example
    from otto.progress import Progress
    from otto.registry.registry import Registry, Snapshot
    from otto.route import Router
    from otto.skill import Skill

MOST_SHOWN = 20
"""Problems under a list, or examples of a skill, before the rest is only counted."""

app = typer.Typer(
    help="Show, check and add skills.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ExamplesFolder = Annotated[
    Path | None, typer.Option("--examples", metavar="DIR", help="Folder of example files, in place of the bundled.")
]
SkillsFolder = Annotated[
    Path | None, typer.Option("--skills", metavar="DIR", help="Folder of Python skills, in place of the bundled.")
]

LIST_EXAMPLES = """Examples:

otto skills list

otto skills list --json | jq -r '.skills[].call'"""
SHOW_EXAMPLES = """Examples:

otto skills show timer

otto skills show timer --all

otto skills show timer --json"""
CHECK_EXAMPLES = """Examples:

otto skills check

otto skills check --all   (your files and the bundled)

otto skills check lights_examples.txt   (beside all other skills)

otto skills check --quick --json"""
NEW_EXAMPLES = """Examples:

otto skills new lights   (asks for everything)

otto skills new lights --call 'lights(state="on|off") switches the lights' --example 'lights on => lights(state="on")'

otto skills new lock --action 'run: loginctl lock-session' --example 'lock the screen => lock()'"""


@app.command("list", epilog=LIST_EXAMPLES)
def list_skills(as_json: AsJson = False, examples: ExamplesFolder = None, skills: SkillsFolder = None) -> None:
    """List every skill: how it is called, its examples, where it comes from, what is wrong."""
    from otto.cli import skillview as view
    from otto.config import load
    from otto.signature import write

    settings = load()
    snapshot = with_tools(registry(settings, examples, skills).snapshot, settings)
    if as_json:
        rows = [view.summary(entry, snapshot) for entry in snapshot.skills.values()]
        problems = view.problem_rows(snapshot.problems)
        print(json.dumps({"skills": rows, "problems": problems}, ensure_ascii=False))
        return
    table = [
        (
            write(entry.skill),
            str(len(entry.written)),
            "asks first" if entry.skill.risk == "confirm" else "",
            view.whence(entry, settings.config_folder),
            str(len(view.problems_of(entry, snapshot)) or ""),
        )
        for entry in snapshot.skills.values()
    ]
    print_table(("call", "examples", "risk", "from", "problems"), table)
    for problem in snapshot.problems[:MOST_SHOWN]:
        note(view.line(problem))
    if len(snapshot.problems) > MOST_SHOWN:
        note(f"… and {len(snapshot.problems) - MOST_SHOWN} more; see: otto skills check")


@app.command(epilog=SHOW_EXAMPLES)
def show(
    name: Annotated[str, typer.Argument(help="The skill's name.")],
    everything: Annotated[bool, typer.Option("--all", help="Show every example.")] = False,
    as_json: AsJson = False,
    examples: ExamplesFolder = None,
    skills: SkillsFolder = None,
) -> None:
    """Show one skill: its parameters, its examples, what runs, and the files it comes from."""
    from otto import action as actions
    from otto.call import write
    from otto.cli import skillview as view
    from otto.config import load
    from otto.signature import write as write_signature

    settings = load()
    snapshot = with_tools(registry(settings, examples, skills).snapshot, settings)
    entry = snapshot.skills.get(name) or refuse_unknown(name, snapshot)
    if as_json:
        print(json.dumps(view.details(entry, snapshot), ensure_ascii=False))
        return
    say(f"{write_signature(entry.skill)} {entry.skill.description}".rstrip())
    if entry.skill.parameters:
        say("")
        rows = [view.parameter_row(parameter) for parameter in entry.skill.parameters]
        print_table(("parameter", "type", "", "limits", "description"), rows)
    say(f"\nruns      {view.runs(entry)}")
    for text in actions.write(entry.action) if entry.action else ():
        say(f"          {text}")
    say(f"risk      {'asks for a yes first' if entry.skill.risk == 'confirm' else 'none'}")
    for number, path in enumerate(entry.files):
        say(f"{'' if number else 'files':10}{view.near(path)}")
    shown = entry.examples if everything else entry.examples[:MOST_SHOWN]
    say("")
    print_table((f"{view.count(len(entry.examples), 'example')}", ""), [(e.text, write(e.calls)) for e in shown])
    if len(shown) < len(entry.examples):
        note(f"… and {len(entry.examples) - len(shown)} more; --all shows them")
    for problem in view.problems_of(entry, snapshot):
        note(view.line(problem))


@app.command(epilog=CHECK_EXAMPLES)
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Only these example and Python files, wherever they are.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Train no router: leave out the cross-validation.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="What is bundled, too, beside files of your own.")] = False,
    as_json: AsJson = False,
    examples: ExamplesFolder = None,
    skills: SkillsFolder = None,
) -> None:
    """Find bad examples, arguments that no sentence supports, and skills that fight over sentences.

    Looks at your own files, beside all others; where there are none, at the bundled.

    Prints file:line: message, and exits with 1 if any is an error.
    """
    from otto.cli import skillview as view
    from otto.cli.terminal import progress_bar
    from otto.config import is_bundled, load
    from otto.examples.check import check as check_skills

    settings = load()
    opened = registry(settings, examples, skills, files or ())
    snapshot = opened.snapshot
    if settings.mcp_servers:
        from otto.mcp.use import without_sentences

        snapshot = without_sentences(snapshot, settings)
    only = [known(path, opened.folders) for path in files or ()] or ([] if everything else opened.folders.yours())
    with progress_bar() as progress:
        problems = check_skills(snapshot, None if quick else train, files=only, progress=progress)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        print(json.dumps({"errors": errors, "problems": view.problem_rows(problems)}, ensure_ascii=False))
    else:
        for problem in problems:
            say(view.line(problem))
        found = f"{view.count(errors, 'error')}, {view.count(len(problems) - errors, 'warning')}"
        mixed = only and not files and any(map(is_bundled, (*opened.folders.examples, *opened.folders.skills)))
        rest = " in your files (--all: in the bundled, too)" if mixed else ""
        note(f"{view.count(len(snapshot.skills), 'skill')} checked: {found}{rest}")
    raise typer.Exit(1 if errors else 0)


@app.command(epilog=NEW_EXAMPLES)
def new(
    name: Annotated[str, typer.Argument(help="The skill's name: letters, digits and _.")],
    call: Annotated[str, typer.Option(metavar="SIGNATURE", help="How it is called, and then what it does.")] = "",
    example: Annotated[
        list[str] | None, typer.Option(metavar="'SENTENCE => CALL'", help="A sentence and its call; many times.")
    ] = None,
    refused: Annotated[
        list[str] | None, typer.Option("--not", metavar="SENTENCE", help="A sentence it must not take; many times.")
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(metavar="'KEY: VALUE'", help="A line of its action (run, http, publish, reply …); many times."),
    ] = None,
) -> None:
    """Write an example file into your own folder; the skill answers at once."""
    from otto.cli.skillview import count, near
    from otto.config import load
    from otto.examples.draft import SUFFIX, name_of
    from otto.examples.newskill import drawn_up

    settings = load()
    path = settings.config_folder / "examples" / f"{name}{SUFFIX}"
    if name_of(path) != name:
        raise OttoError(f"{name!r} cannot be a skill's name: letters, digits and _, a letter first")
    if path.exists():
        raise OttoError(f"{near(path)} is there already: edit it, or choose another name")
    examples, refusals, lines = list(example or ()), list(refused or ()), list(action or ())
    if not (call or examples or lines):
        if not at_terminal():
            raise OttoError(f"say how it is called: otto skills new {name} --call '{name}(state=\"on|off\")'")
        call, examples, refusals, lines = ask(name)
    before = registry(settings, None, None).snapshot.skills.get(name)
    file = drawn_up(path, call, examples, refusals, lines)
    if before and (own := [file for file in before.files if settings.config_folder in file.parents]):
        raise OttoError(f"{name} is a skill of yours already, in {near(own[0])}")
    try:
        file.save()
    except OSError as error:
        raise OttoError(f"{near(path)} cannot be written: {error.strerror}") from error
    say(f"Wrote {near(path)}")
    if before:
        note(f"It takes the place of the bundled examples of {name} ({count(len(before.examples), 'example')}).")
    note(f"Check it with: otto skills check {near(path)}")


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


def ask(name: str) -> tuple[str, list[str], list[str], list[str]]:
    """Signature, examples, refused sentences and action, from the person at the terminal."""
    say(f'How is it called, and what does it do? Such as: {name}(state="on|off", room="[room]") switches a light')
    call = input("> ").strip() or f"{name}()"
    examples = ask_lines('Sentences and their calls, such as: lights on => lights(state="on")')
    refused = ask_lines("Sentences that must not reach it")
    action = ask_lines("What is done: 'run: …', 'http: GET …', 'publish: …' or 'reply: …'")
    return call, examples, refused, action


def ask_lines(question: str) -> list[str]:
    """What the person types until an empty line."""
    say(f"{question}   (an empty line ends)")
    return list(iter(lambda: input("> ").strip(), ""))


def registry(settings: Settings, examples: Path | None, skills: Path | None, files: Sequence[Path] = ()) -> Registry:
    """The registry of the folders in force, with single files over them."""
    from otto.config import folders
    from otto.registry.registry import Registry

    for folder in (examples, skills):
        if folder is not None and not folder.is_dir():
            raise OttoError(f"{folder} is not a folder")
    for file in files:
        if not file.exists():
            raise OttoError(f"there is no file {file}")
    where = folders(settings, examples, skills)
    places = {folder.resolve() for folder in (*where.examples, *where.skills)}
    elsewhere = [known(file, where) for file in files if file.resolve().parent not in places]
    return Registry(where, cache=settings.cache_folder, files=elsewhere)


def with_tools(snapshot: Snapshot, settings: Settings) -> Snapshot:
    """The snapshot with the tools of the MCP servers that the settings name; they are asked, for some seconds."""
    if not settings.mcp_servers:
        return snapshot
    from otto.mcp import use

    return use.with_tools(snapshot, settings)


def known(file: Path, where: Folders) -> Path:
    """A file by the name that the registry knows it by."""
    folder = next((each for each in (*where.examples, *where.skills) if each.resolve() == file.resolve().parent), None)
    return folder / file.name if folder else file.absolute()


def train(
    skills: Sequence[Skill], examples: Sequence[Example], development: Sequence[Example], progress: Progress
) -> Router:
    """The router that skills are told apart with."""
    from otto.routers.fewshot import FewshotRouter

    return FewshotRouter.train(skills, examples, development=development, progress=progress)


def refuse_unknown(name: str, snapshot: Snapshot) -> NoReturn:
    """Names the skills that may have been meant."""
    from otto.likeness import closest

    names = list(snapshot.skills)
    meant = " or ".join(names[place] for place in closest(name, names))
    raise OttoError(f"there is no skill {name!r}; {f'did you mean {meant}?' if meant else 'see: otto skills list'}")
