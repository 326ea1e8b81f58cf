"""`runapp` opens what is installed, and no name that anybody can think of starts anything else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otto import OttoError, SkillError
from otto.call import Call
from otto.config import Settings
from otto.function import SkillFunction
from otto.session import Session

Do = Callable[[str], str]
Loader = Callable[[str], SkillFunction[Any, Any]]

STARTED: list[tuple[str, Any]] = []
"""Every process that this one tried to start."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.posix_spawn", "os.system", "os.exec", "os.fork", "os.forkpty", "os.spawn"):
        STARTED.append((event, arguments))


sys.addaudithook(_watch)

ENTRIES = {
    "firefox.desktop": "Name=Firefox Web Browser\nGenericName=Web Browser\nExec=firefox %u",
    "chrome.desktop": "Name=Google Chrome\nExec=google-chrome --new-window %U",
    "code.desktop": "Name=Visual Studio Code\nExec=code --unity-launch %F",
    "calc.desktop": "Name=Calculator\nName[de]=Taschenrechner\nExec=gnome-calculator",
    "writer.desktop": "Name=LibreOffice Writer\nExec=libreoffice --writer",
    "sheet.desktop": "Name=LibreOffice Calc\nExec=libreoffice --calc",
    "dateien.desktop": "Name=ファイル管理\nExec=nautilus --files",
    "htop.desktop": "Name=Htop\nExec=htop\nTerminal=true",
    "files.desktop": "Name=Files\nGenericName=File Manager\nExec=nautilus --new-window",
}


@pytest.fixture
def installed(programs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    folder = tmp_path / "share" / "applications"
    folder.mkdir(parents=True)
    for name, body in ENTRIES.items():
        (folder / name).write_text(f"[Desktop Entry]\nType=Application\n{body}\n")
    for name in ("firefox", "google-chrome", "code", "gnome-calculator", "libreoffice", "htop", "nautilus", "sh", "rm"):
        programs.add(name)
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    STARTED.clear()
    yield programs
    STARTED.clear()


def called(programs: Any) -> list[str]:
    """What the started program wrote down; it runs on its own, so this waits."""
    end = time.monotonic() + 5
    while not programs.called and time.monotonic() < end:
        time.sleep(0.01)
    (only,) = programs.called
    return list(only)


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Firefox Web Browser", ["firefox"]),
        ("firefox", ["firefox"]),
        ("fire fox", ["firefox"]),
        ("the web browser", ["firefox"]),
        ("chrome", ["google-chrome", "--new-window"]),
        ("google chrome app", ["google-chrome", "--new-window"]),
        ("visual studio code", ["code", "--unity-launch"]),
        ("Taschenrechner", ["gnome-calculator"]),
        ("calculator", ["gnome-calculator"]),
        ("calculater", ["gnome-calculator"]),
        ("libre office writer", ["libreoffice", "--writer"]),
        ("file manager", ["nautilus", "--new-window"]),
        ("ファイル管理", ["nautilus", "--files"]),
    ],
)
def test_an_application_is_opened(said: str, arguments: list[str], do: Do, installed: Any) -> None:
    assert do(f'runapp(program="{said}")').startswith("Opening ")
    assert called(installed) == arguments


HOSTILE = [
    "; rm -rf ~", "rm -rf ~", "firefox; rm -rf ~", "firefox;rm", "firefox && rm", "firefox || rm", "firefox & rm",
    "firefox | sh", "$(rm -rf ~)", "$(firefox)", "`firefox`", "${IFS}firefox", "$HOME/bin/firefox", "~/firefox",
    "-f/etc/passwd", "--help", "-c firefox", "--new-window firefox", "firefox --profile /tmp/x", "firefox -P evil",
    "../../bin/sh", "/bin/sh", "./firefox", "bin/firefox", "sh", "/usr/bin/env firefox", "sh -c firefox", "rm",
    "firefox\nrm", "firefox\r\nrm", "fire\nfox", "firefox\x00", "\x00", "fire\x00fox", "firefox\x1b[2J", "firefox\t-P",
    "f" * 10_000, "firefox " * 1_000, "firefox" + "." * 500, "\u202efirefox", "fire\u200bfox", "firefox\u2028rm",
    "f\u0456refox", "firef\u043ex", "\u0441hrome", "\uff46\uff49\uff52\uff45\uff46\uff4f\uff58", "𝐟𝐢𝐫𝐞𝐟𝐨𝐱", "fіrеfох",
    "file:///bin/sh", "http://evil.example/", "javascript:alert(1)", "firefox.desktop", "applications/firefox.desktop",
    "%F", "%u firefox", "firefox %u", "'firefox'; rm", '"firefox"', "firefox > /etc/passwd", "firefox < /dev/zero",
    "firefox*", "?irefox", "[f]irefox", "{firefox,rm}", "!!", "firefox #", "=firefox", "", " ", ".", "..", "\\firefox",
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_no_hostile_name_starts_a_process(said: str, session: Session, function: Loader, installed: Any) -> None:
    """Through the whole way of a call, and past it: the function itself must refuse, too."""
    skill = function("runapp")
    with pytest.raises(OttoError):
        skill.run(skill.schema.check(Call("runapp", {"program": said}), session.now), session)
    with pytest.raises(OttoError):
        skill.run({"program": said}, session)
    assert STARTED == []
    assert installed.called == []


def test_there_are_enough_hostile_names() -> None:
    assert len(set(HOSTILE)) >= 60


def test_a_near_name_is_suggested(do: Do, installed: Any) -> None:
    with pytest.raises(SkillError, match=r"no application called fire focks\. Did you mean Firefox Web Browser\?$"):
        do('runapp(program="fire focks")')
    with pytest.raises(SkillError, match=r"^I know no application called solitaire\.$"):
        do('runapp(program="solitaire")')
    assert STARTED == []


def test_which_one_is_asked(do: Do, installed: Any) -> None:
    with pytest.raises(SkillError, match="Which one: LibreOffice Calc and LibreOffice Writer"):
        do('runapp(program="libreoffice")')
    assert STARTED == []


def test_a_terminal_program_gets_a_terminal(do: Do, installed: Any) -> None:
    with pytest.raises(SkillError, match="Htop runs in a terminal: install xdg-terminal-exec"):
        do('runapp(program="htop")')
    terminal = installed.add("x-terminal-emulator")
    assert do('runapp(program="htop")') == "Opening Htop."
    assert called(installed) == [terminal.name, "-e", str(installed.folder / "htop")]


def test_a_yes_is_asked_for_first(function: Loader) -> None:
    assert function("runapp").schema.risk == "confirm"


def test_nothing_installed(now: Any, function: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    with pytest.raises(SkillError, match="I know no application called firefox"):
        function("runapp").run({"program": "firefox"}, Session(now, settings=Settings()))
