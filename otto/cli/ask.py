"""`otto ask`: a command as text, lines on standard input, or a conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otto.call import Call
from otto.cli.terminal import note, say, terminal_question
from otto.errors import OttoError
from otto.skill import Skill

if TYPE_CHECKING:
    from otto.conversation import Conversation
    from otto.turn import Assistant, Turn

EXAMPLES = """Examples:

otto ask "what is nine times nine"

otto ask --json --dry-run "wake me at seven"

otto ask   (a conversation; Ctrl-D ends it)

printf 'stop\\nwhat time is it in tokyo\\n' | otto ask --json"""


def ask(
    text: Annotated[
        list[str] | None, typer.Argument(help="The command; without it, lines from standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each command.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and run nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Say yes to skills that ask before they run.")] = False,
    examples: Annotated[Path | None, typer.Option(help="Folder of example files, in place of the bundled.")] = None,
    skills: Annotated[Path | None, typer.Option(help="Folder of Python skills, in place of the bundled.")] = None,
) -> None:
    """Carry out a command given as text."""
    from otto.cli.terminal import progress_bar
    from otto.config import folders, load
    from otto.conversation import Conversation
    from otto.log import set_up
    from otto.turn import Assistant

    if text and not examples and not skills and (code := by_daemon(" ".join(text), as_json, dry_run, yes)) is not None:
        raise typer.Exit(code)
    settings = load()
    for folder in (examples, skills):
        if folder is not None and not folder.is_dir():
            raise OttoError(f"{folder} is not a folder")
    set_up(settings.log_level, settings.state_folder / "otto.log", conversing=True)

    def confirm(skill: Skill, call: Call) -> bool:
        return yes or terminal_question(f"Shall I run {call}?")

    with progress_bar() as progress:
        otto = Assistant(settings, confirm, where=folders(settings, examples, skills), progress=progress)
    with otto:
        if otto.store.trouble:
            note(otto.store.trouble)
        if text:
            turn = otto.turn(" ".join(text), dry_run=dry_run)
            show(turn, as_json)
            ring_later(otto)
            raise typer.Exit(0 if dry_run and not turn.route.rejected or turn.ok else 1)
        if sys.stdin.isatty() and not as_json:
            from otto.cli.conversation import converse

            converse(otto, dry_run)
        else:
            talk = Conversation()
            for said in lines():
                answer_line(otto, said, talk, as_json, dry_run)
        ring_later(otto)


def by_daemon(text: str, as_json: bool, dry_run: bool, yes: bool) -> int | None:
    """Has the running daemon answer; the exit code, or None when there is no daemon."""
    from otto.daemon.client import ask_daemon
    from otto.turn import UtteranceError

    answer = ask_daemon(text, dry_run=dry_run, confirm=lambda question: yes or terminal_question(question))
    if answer is None:
        return None
    if "error" in answer and not answer.get("calls"):
        raise UtteranceError(str(answer["error"]))
    ok, rejected = bool(answer.pop("ok", False)), bool(answer.pop("rejected", False))
    if as_json:
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    else:
        say(str(answer["reply"]))
    return 0 if ok or (dry_run and not rejected) else 1


def lines() -> Iterator[str]:
    """Standard input, line by line as it comes; bytes that are no text become U+FFFD."""
    sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]
    for line in sys.stdin:
        if line.strip():
            yield line.rstrip("\n")


def answer_line(otto: Assistant, said: str, talk: Conversation, as_json: bool, dry_run: bool) -> None:
    """One line of standard input. A line that is no command is answered, too: the next one may be."""
    from otto.turn import UtteranceError

    try:
        show(otto.turn(said, talk, dry_run=dry_run), as_json)
    except UtteranceError as error:
        if as_json:
            print(json.dumps({"text": said, "calls": [], "error": str(error), "reply": str(error)}), flush=True)
        else:
            say(str(error))


def show(turn: Turn, as_json: bool) -> None:
    """The answer on standard output; on a terminal with what was understood."""
    if as_json:
        print(json.dumps(turn.to_json(), ensure_ascii=False), flush=True)
        return
    if sys.stdout.isatty():
        note(f"{turn.route}  {turn.route.confidence:.2f}  {sum(turn.timings_ms.values()):.0f} ms")
    say(turn.reply.text)


def ring_later(otto: Assistant) -> None:
    """Leaves a small process behind when a timer is running, so that it rings after this command has ended."""
    from otto.ringer import start_ringer

    place = otto.settings.database
    if isinstance(place, Path) and otto.store.saves and otto.store.alerts.pending():
        start_ringer(place)
