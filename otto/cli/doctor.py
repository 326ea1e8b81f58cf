"""`otto doctor`: what works here, what is missing, and the command that mends it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from otto.cli.doctorvoice import voice
from otto.cli.finding import Finding
from otto.config import Settings, folders, load
from otto.errors import OttoError

EXAMPLES = """Examples:

otto doctor

otto doctor --json"""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False) -> None:
    """Check this installation: settings, store, encoder, skills, voice, programs."""
    findings = list(examine())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        show(findings)
    raise typer.Exit(1 if any(finding.state == "broken" for finding in findings) else 0)


def show(findings: list[Finding]) -> None:
    """The findings as a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    colours = {"ok": "green", "missing": "yellow", "broken": "red"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for finding in findings:
        remedy = f"\n[dim]{escape(finding.remedy)}[/dim]" if finding.remedy else ""
        table.add_row(
            finding.subject, f"[{colours[finding.state]}]{finding.state}[/]", f"{escape(finding.says)}{remedy}"
        )
    Console().print(table)


def examine() -> Iterator[Finding]:
    """Everything that is looked at, in the order in which a command meets it."""
    try:
        settings = load()
    except OttoError as error:
        yield Finding("settings", "broken", str(error), "correct it, or remove the file")
        return
    file = settings.config_folder / "otto.toml"
    yield Finding("settings", "ok", str(file) if file.exists() else f"all as they come; yours would stand in {file}")
    for subject, look in (("encoder", encoder), ("skills", skills), ("store", store)):
        yield found(subject, look, settings)
    yield from voice(settings)
    yield from programs()
    yield language_model(settings)


def found(subject: str, look: Callable[[Settings], Finding], settings: Settings) -> Finding:
    """What `look` finds; an error of Otto's is a finding, too."""
    try:
        return look(settings)
    except OttoError as error:
        return Finding(subject, "broken", str(error))


def encoder(settings: Settings) -> Finding:
    """Whether the sentence encoder is whole and loads."""
    from otto.encoder import Encoder

    started = time.perf_counter()
    Encoder.load(settings.cache_folder)
    return Finding("encoder", "ok", f"loads in {1000 * (time.perf_counter() - started):.0f} ms")


def skills(settings: Settings) -> Finding:
    """Whether all skill files can be read."""
    from otto.registry.registry import Registry

    registry = Registry(folders(settings), cache=settings.cache_folder)
    snapshot = registry.snapshot
    registry.close()
    errors = [problem for problem in snapshot.problems if problem.severity == "error"]
    count = f"{len(snapshot.skills)} skills"
    if errors:
        return Finding("skills", "missing", f"{count}; {len(errors)} problems, first: {errors[0]}", "otto skills check")
    return Finding("skills", "ok", count)


def store(settings: Settings) -> Finding:
    """Whether what is said to be kept can be kept."""
    from otto.store import open_store

    with open_store(settings.database) as opened:
        if not opened.saves:
            return Finding("store", "broken", opened.trouble, f"check {settings.state_folder} and its permissions")
        return Finding("store", "ok", opened.trouble or str(opened.path))


def programs() -> Iterator[Finding]:
    """Programs that skills use where they exist."""
    wanted = {
        "volume": (("wpctl", "pactl", "amixer"), "install wireplumber, pulseaudio-utils or alsa-utils"),
        "media": (("playerctl",), "install playerctl"),
        "notifications": (("notify-send",), "install libnotify-bin"),
        "lock": (("loginctl",), "no systemd here: write an example file `lock` with another program"),
    }
    if sys.platform != "linux":
        return
    for subject, (names, remedy) in wanted.items():
        name = next((name for name in names if shutil.which(name)), None)
        if name:
            yield Finding(subject, "ok", f"uses {name}")
        else:
            yield Finding(subject, "missing", f"none of {', '.join(names)} is installed", remedy)


def language_model(settings: Settings) -> Finding:
    """Whether the skills `openai` and `story` have somebody to ask. Nothing is sent."""
    from otto.network.openaiserver import OPENAI, origin

    where = os.environ.get("OPENAI_BASE_URL") or OPENAI
    if not settings.openai_model:
        return Finding("openai", "missing", "no model is named", "set openai_model in otto.toml, and OPENAI_BASE_URL")
    if not os.environ.get("OPENAI_API_KEY") and origin(where) == origin(OPENAI):
        return Finding("openai", "missing", "no key is set", "set OPENAI_API_KEY, or OPENAI_BASE_URL of a local server")
    return Finding("openai", "ok", f"{settings.openai_model} at {where}")
