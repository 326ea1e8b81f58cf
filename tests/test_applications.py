"""Installed applications, from real desktop entries."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from otto.applications import Application, installed_applications

Put = Callable[..., Path]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With a folder of programs, a user's folder of entries and two of the system's."""
    (tmp_path / "bin").mkdir()
    for name in ("fox", "calc", "top"):
        file = tmp_path / "bin" / name
        file.write_text("#!/bin/sh\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    shared = f"{tmp_path / 'local'}:{tmp_path / 'usr'}:relative"
    return {"PATH": str(tmp_path / "bin"), "XDG_DATA_HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": shared}


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, body: str, folder: str = "usr") -> Path:
        file = tmp_path / folder / "applications" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[Desktop Entry]\nType=Application\n{body}\n", encoding="utf-8")
        return file

    return write


def test_an_entry_is_read(put: Put, environment: dict[str, str]) -> None:
    put("fox.desktop", "# comment\nName=Fire Fox\nGenericName=Web Browser\nExec=fox %u\nTerminal=false\n"
        "[Desktop Action new]\nName=New Window\nExec=calc")  # fmt: skip
    program = str(Path(environment["PATH"]) / "fox")
    assert installed_applications(environment) == (Application("Fire Fox", ("Web Browser", "fox"), (program,)),)


def test_names_in_the_users_language(put: Put, environment: dict[str, str]) -> None:
    put("calc.desktop", "Name=Calculator\nName[de]=Taschenrechner\nName[de_AT]=Rechner\nExec=calc")
    named = {
        language: installed_applications({**environment, "LANG": language})[0].names
        for language in ("de_DE.UTF-8", "de_AT.UTF-8", "de_AT@euro", "C", "fr_FR.UTF-8")
    }
    assert named["de_DE.UTF-8"] == ("Taschenrechner", "Calculator", "calc")
    assert named["de_AT.UTF-8"][0] == named["de_AT@euro"][0] == "Rechner"
    assert named["C"] == named["fr_FR.UTF-8"] == ("Calculator", "calc")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("fox", []),
        ("fox %U", []),
        ("fox --new-window %u --private", ["--new-window", "--private"]),
        ("fox --file=%f", ["--file="]),
        ('fox "two words" plain', ["two words", "plain"]),
        (r'fox "a \\"quote\\" and a \\$dollar and \\\\"', ['a "quote" and a $dollar and \\']),
        ("fox 100%%", ["100%"]),
        ("fox --title %c", ["--title", "Fox"]),
        ('fox ""', [""]),
        ("fox %i %d %m", []),
    ],
)
def test_the_line_becomes_an_argument_list(
    line: str, arguments: list[str], put: Put, environment: dict[str, str]
) -> None:
    put("fox.desktop", f"Name=Fox\nExec={line}")
    (application,) = installed_applications(environment)
    assert list(application.arguments[1:]) == arguments


@pytest.mark.parametrize(
    "line",
    [
        "fox; rm -rf ~",
        "fox | calc",
        "$HOME/fox",
        "fox `calc`",
        'fox "open',
        "",
        "~/fox",
        "nothing",
        "relative/fox",
        'fox "a"b',
    ],
)
def test_a_line_that_needs_a_shell_or_leads_nowhere_is_none(line: str, put: Put, environment: dict[str, str]) -> None:
    put("fox.desktop", f"Name=Fox\nExec={line}")
    assert installed_applications(environment) == ()


@pytest.mark.parametrize(
    "body",
    [
        "Name=Fox\nExec=fox\nNoDisplay=true",
        "Name=Fox\nExec=fox\nHidden=true",
        "Name=Fox\nExec=fox\nTryExec=missing",
        "Name=Fox\nExec=fox\nOnlyShowIn=KDE;",
        "Name=Fox\nExec=fox\nNotShowIn=GNOME;",
        "Exec=fox",
        "Name=Fox",
        "Name=Fox\nType=Link\nExec=fox",
    ],
)
def test_what_a_menu_does_not_show_is_no_application(body: str, put: Put, environment: dict[str, str]) -> None:
    file = put("fox.desktop", body)
    if "Type=Link" in body:
        file.write_text(f"[Desktop Entry]\n{body}\n")
    assert installed_applications({**environment, "XDG_CURRENT_DESKTOP": "ubuntu:GNOME"}) == ()


def test_a_users_entry_hides_the_systems(put: Put, environment: dict[str, str]) -> None:
    put("fox.desktop", "Name=Fox\nExec=fox")
    put("fox.desktop", "Name=My Fox\nExec=fox --mine", folder="home")
    put("calc.desktop", "Name=Calculator\nExec=calc")
    put("calc.desktop", "Name=Calculator\nExec=calc\nHidden=true", folder="local")
    assert [application.name for application in installed_applications(environment)] == ["My Fox"]


def test_entries_in_folders_and_terminal_programs(put: Put, environment: dict[str, str]) -> None:
    put("tools/top.desktop", "Name=Top\nExec=top\nTerminal=true")
    assert [(each.name, each.terminal) for each in installed_applications(environment)] == [("Top", True)]


def test_broken_entries_are_left_out(put: Put, environment: dict[str, str]) -> None:
    put("good.desktop", "Name=Fox\nExec=fox")
    put("binary.desktop", "").write_bytes(b"\xff\xfe\x00\x01" * 100)
    put("empty.desktop", "").write_text("")
    put("large.desktop", "Name=Fox\nExec=fox\n#" + "x" * 1_100_000)
    put("folder.desktop/inside", "")
    os.symlink("/nonexistent", put("good.desktop", "Name=Fox\nExec=fox").parent / "dangling.desktop")
    assert [application.name for application in installed_applications(environment)] == ["Fox"]
