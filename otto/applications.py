"""The applications that are installed: what `runapp` may open, and nothing else.

On Linux and the BSDs from desktop entries (freedesktop.org, "Desktop Entry Specification" 1.5) in
`$XDG_DATA_HOME/applications` and `$XDG_DATA_DIRS/applications`; on a Mac from the folders of applications. Nothing is
started here.

    [application.name for application in installed_applications()]
"""

from __future__ import annotations

import locale
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_FILE = 1_000_000
"""Bytes in a desktop entry; larger files are none."""

_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)")
_ARGUMENT = re.compile(r'"((?:[^"\\`$]|\\.)*)"|([^\s"\'\\`$<>~|&;*?#()]+)')
_FIELD = re.compile(r"%(.)")


@dataclass(frozen=True, slots=True)
class Application:
    """One application."""

    name: str
    """As its menu shows it, in the user's language."""
    also: tuple[str, ...]
    """Other names for it: in English, what kind it is ("Web Browser"), the program's file name."""
    arguments: tuple[str, ...]
    """What to execute; the first is an absolute path."""
    terminal: bool = False
    """Whether it only runs in a terminal."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.also)


def installed_applications(environment: Mapping[str, str] = os.environ) -> tuple[Application, ...]:
    """Those that a menu would show, by name."""
    found = _mac() if sys.platform == "darwin" else _desktop(environment)
    return tuple(sorted(found, key=lambda application: application.name.casefold()))


def _desktop(environment: Mapping[str, str]) -> Iterator[Application]:
    home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    shared = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    seen: set[str] = set()
    for folder in (Path(each) / "applications" for each in (home, *shared.split(":")) if os.path.isabs(each)):
        for file in sorted(folder.rglob("*.desktop")):
            identity = "-".join(file.relative_to(folder).parts)
            if identity in seen:
                continue
            seen.add(identity)  # also of a hidden one: this is how a user hides one of the system's
            if (entry := _entry(file)) and (application := _application(entry, file, environment)):
                yield application


def _entry(file: Path) -> dict[str, str]:
    """The keys of the group `[Desktop Entry]`; empty for a file that cannot be read."""
    try:
        if file.stat().st_size > MAX_FILE:
            return {}
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    entry: dict[str, str] = {}
    inside = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            inside = line == "[Desktop Entry]"
        elif inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            entry.setdefault(key.strip(), value.strip())
    return entry


def _application(entry: Mapping[str, str], file: Path, environment: Mapping[str, str]) -> Application | None:
    if entry.get("Type") != "Application" or "true" in (entry.get("NoDisplay"), entry.get("Hidden")):
        return None
    if not _shown_here(entry, environment.get("XDG_CURRENT_DESKTOP", "")):
        return None
    search = environment.get("PATH")
    if (wanted := _text(entry.get("TryExec", ""))) and not shutil.which(wanted, path=search):
        return None
    languages = _languages(environment)
    name = _localised(entry, "Name", languages)
    arguments = _arguments(_text(entry.get("Exec", "")), name, file)
    program = shutil.which(arguments[0], path=search) if arguments else None
    if not name or program is None or not os.path.isabs(program):
        return None
    others = [_text(entry.get("Name", "")), _localised(entry, "GenericName", languages), Path(program).name]
    also = tuple(dict.fromkeys(other for other in others if other and other != name))
    return Application(name, also, (program, *arguments[1:]), entry.get("Terminal") == "true")


def _shown_here(entry: Mapping[str, str], desktop: str) -> bool:
    """Whether the entry is meant for the desktop that runs; without one every entry is."""
    current = set(desktop.split(":")) - {""}
    only, never = (set(entry.get(key, "").split(";")) - {""} for key in ("OnlyShowIn", "NotShowIn"))
    return not current or (not (only and not only & current) and not never & current)


def _localised(entry: Mapping[str, str], key: str, languages: tuple[str, ...]) -> str:
    values = (entry.get(f"{key}[{language}]", "") for language in languages)
    return _text(next((value for value in values if value), entry.get(key, "")))


def _languages(environment: Mapping[str, str]) -> tuple[str, ...]:
    """ "de_AT@euro" is looked up as itself, without its modifier, and as "de"."""
    named = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(key))), "")
    named = named or (locale.getlocale()[0] or "")
    base, _, modifier = named.partition("@")
    base = base.partition(".")[0]
    language = base.partition("_")[0]
    every = (f"{base}@{modifier}", base, f"{language}@{modifier}", language) if modifier else (base, language)
    return tuple(dict.fromkeys(each for each in every if each))


def _text(value: str) -> str:
    """A value with the escapes of the specification undone."""
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), value)


def _arguments(line: str, name: str, file: Path) -> list[str]:
    """`Exec=` as an argument list; empty where it asks for what only a shell could do."""
    arguments: list[str] = []
    at = 0
    line = line.strip()
    while at < len(line):
        found = _ARGUMENT.match(line, at)
        if not found or (found.end() < len(line) and not line[found.end()].isspace()):
            return []
        at = found.end()
        while at < len(line) and line[at].isspace():
            at += 1
        quoted, bare = found.groups()
        argument = bare if quoted is None else _ESCAPE.sub(r"\1", quoted)
        # The field codes stand for files to open and icons: there is none, so they go, as the specification says.
        kept = _FIELD.sub(lambda code: {"%": "%", "c": name, "k": str(file)}.get(code[1], ""), argument)
        if kept or not _FIELD.search(argument):
            arguments.append(kept)
    return arguments


def _mac() -> Iterator[Application]:
    seen: set[str] = set()
    for folder in (Path.home() / "Applications", Path("/Applications"), Path("/System/Applications")):
        for bundle in sorted((*folder.glob("*.app"), *folder.glob("*/*.app"))):
            if bundle.stem not in seen:
                seen.add(bundle.stem)
                yield Application(bundle.stem, (), ("/usr/bin/open", "-a", str(bundle)))
