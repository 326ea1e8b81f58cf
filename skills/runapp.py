"""Opens an installed application: "open Firefox".

What was said only chooses from the list of installed applications; what is executed is the list's own argument list,
without a shell, and nothing of what was said becomes an argument.
"""

from __future__ import annotations

import shutil
import unicodedata

from otto import SkillError, skill, speech
from otto.applications import Application, installed_applications
from otto.likeness import likeness, words
from otto.program import start

SURE = 88.0
"""How alike a name must be to be opened, from 0 to 100."""
NEAR = 65.0
"""How alike it must be to be suggested."""
LONGEST = 64
"""Characters in a name."""

_MARKS = " .,'’!+-_"
_MIXED = frozenset(["CJK", "HANGUL", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"])  # written together every day
_FILLERS = frozenset(["app", "application", "program"])
_TERMINALS = ("xdg-terminal-exec", "x-terminal-emulator")


@skill(risk="confirm")
def runapp(program: str) -> str:
    """Opens an installed application."""
    _refuse_unpronounceable(program)
    applications = installed_applications()
    scored = sorted(((_alike(program, each), each) for each in applications), key=lambda pair: -pair[0])
    best = scored[0][0] if scored else 0.0
    if best < SURE:
        near = [each.name for score, each in scored[:3] if score >= NEAR]
        hint = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
        raise SkillError(f"I know no application called {speech.shortened(program, LONGEST)}.{hint}")
    equal = {each.arguments: each for score, each in scored if score == best}
    if len(equal) > 1:
        raise SkillError(f"Which one: {speech.listing(sorted({each.name for each in equal.values()}))}?")
    (application,) = equal.values()
    start(_in_terminal(application) if application.terminal else application.arguments)
    return f"Opening {application.name}."


def _refuse_unpronounceable(program: str) -> None:
    """A name is letters, digits and a few marks; letters of two scripts in one word only ever pretend to be another."""
    plain = all(
        character.isalnum() or character in _MARKS or unicodedata.category(character).startswith("M")
        for character in program
    )
    scripts = [
        {unicodedata.name(character, "?").split()[0] for character in word if character.isalpha()} - _MIXED
        for word in program.split()
    ]
    option = any(word.startswith("-") for word in program.split())
    if not plain or option or len(program) > LONGEST or any(len(each) > 1 for each in scripts):
        raise SkillError("That is no name of an application.")


def _alike(program: str, application: Application) -> float:
    asked = " ".join(word for word in words(program) if word not in _FILLERS) or program
    return max(likeness(asked, name) for name in application.names)


def _in_terminal(application: Application) -> tuple[str, ...]:
    terminal = next((path for name in _TERMINALS if (path := shutil.which(name))), None)
    if terminal is None:
        raise SkillError(f"{application.name} runs in a terminal: install xdg-terminal-exec and I can open one.")
    return (terminal, *(() if terminal.endswith("exec") else ("-e",)), *application.arguments)
