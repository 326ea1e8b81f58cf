"""`otto skills`: list, show, check and new, over real folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from otto.cli.skills import app
from otto.config import load
from otto.errors import OttoError
from otto.example import Example
from otto.progress import Progress
from otto.route import Context, Route
from otto.skill import Skill

LIGHTS = """\
#### Prompt:
lights(state="on|off", room="[room]") switches the lights.

#### Examples:
User: kitchen lights on
Assistant: lights(state="on", room="kitchen")
User: lights off
Assistant: lights(state="off")
User: dim
Assistant: lights(state="dim")

#### Action:
publish: home/{room}/light {state}
risk: confirm
"""

Skills = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "examples"
    path.mkdir()
    (path / "lights_examples.txt").write_text(LIGHTS)
    return path


@pytest.fixture
def skills(tmp_path: Path, folder: Path) -> Skills:
    """`skills("list")`, with the example folder in place of the bundled ones and no Python skills."""
    (tmp_path / "skills").mkdir()

    def run(command: str, *arguments: str, stdin: str = "") -> Result:
        folders = [] if command == "new" else ["--examples", str(folder), "--skills", str(tmp_path / "skills")]
        return CliRunner().invoke(app, [command, *folders, *arguments], input=stdin)

    return run


def own(name: str) -> Path:
    return load().config_folder / "examples" / f"{name}_examples.txt"


def refused(result: Result) -> str:
    assert isinstance(result.exception, OttoError)
    return str(result.exception)


@pytest.fixture(autouse=True)
def no_bundled_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`new` looks at the bundled folders, whose Python files take seconds to read on first sight."""
    for kind in ("examples", "skills"):
        (tmp_path / "bundled" / kind).mkdir(parents=True)
    (tmp_path / "bundled" / "examples" / "news_examples.txt").write_text("User: news\nAssistant: news()\n")
    monkeypatch.setattr("otto.config.bundled", lambda name: tmp_path / "bundled" / name)


def test_list_shows_calls_and_problems(skills: Skills, folder: Path) -> None:
    result = skills("list")
    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("lights("))
    assert row.split() == [
        'lights(state="on|off",',
        'room="[room]")',
        "2",
        "asks",
        "first",
        f"{folder}:",
        "examples",
        "1",
    ]
    assert f"{folder}/lights_examples.txt:10: lights: state: 'dim' is not one of on, off" in result.stderr


def test_list_as_json(skills: Skills, folder: Path) -> None:
    found = json.loads(skills("list", "--json").stdout)
    lights, other = found["skills"]
    assert other["name"] == "other"
    assert (lights["call"], lights["examples"], lights["risk"], lights["runs"]) == (
        'lights(state="on|off", room="[room]")',
        2,
        "confirm",
        "action",
    )
    assert found["problems"] == lights["problems"]
    assert found["problems"][0]["line"] == 10


def test_show_tells_everything_about_one_skill(skills: Skills, folder: Path) -> None:
    text = skills("show", "lights").stdout
    assert text.startswith('lights(state="on|off", room="[room]") switches the lights.\n')
    assert "state      choice  required  on, off" in text
    assert "publish: home/{room}/light {state}" in text
    assert "asks for a yes first" in text
    assert str(folder / "lights_examples.txt") in text
    assert 'kitchen lights on  lights(state="on", room="kitchen")' in text


def test_show_as_json(skills: Skills) -> None:
    lights = json.loads(skills("show", "lights", "--json").stdout)
    assert lights["parameters"]["properties"]["state"]["enum"] == ["on", "off"]
    assert lights["parameters"]["required"] == ["state"]
    assert lights["action"] == ["publish: home/{room}/light {state}", "risk: confirm"]
    assert [(example["text"], example["line"]) for example in lights["examples"]] == [
        ("kitchen lights on", 5),
        ("lights off", 7),
    ]


def test_show_shows_the_first_examples_or_all(skills: Skills, folder: Path) -> None:
    many = "".join(f"User: say {number}\nAssistant: many()\n" for number in range(30))
    (folder / "many_examples.txt").write_text(many)
    first = skills("show", "many")
    assert "say 19" in first.stdout
    assert "say 20" not in first.stdout
    assert "and 10 more" in first.stderr
    assert "say 29" in skills("show", "many", "--all").stdout


def test_show_names_what_may_have_been_meant(skills: Skills) -> None:
    assert refused(skills("show", "light")) == "there is no skill 'light'; did you mean lights?"
    assert "otto skills list" in refused(skills("show", "xyzzy"))


def test_a_folder_must_be_one(skills: Skills, tmp_path: Path) -> None:
    assert refused(skills("list", "--examples", str(tmp_path / "none"))) == f"{tmp_path / 'none'} is not a folder"


def test_check_prints_problems_and_exits_with_1(skills: Skills, folder: Path) -> None:
    result = skills("check", "--quick")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert f"{folder}/lights_examples.txt:10: lights: state: 'dim' is not one of on, off" in lines
    assert any(": warning: lights has 2 examples" in line for line in lines)
    assert "2 skills checked: 1 error, 1 warning" in result.stderr


def test_check_exits_with_0_when_nothing_has_to_be_mended(skills: Skills, folder: Path) -> None:
    (folder / "lights_examples.txt").write_text(LIGHTS.replace('User: dim\nAssistant: lights(state="dim")\n', ""))
    result = skills("check", "--quick", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["errors"] == 0
    assert {problem["severity"] for problem in found["problems"]} == {"warning"}


def test_check_trains_routers(skills: Skills, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Always:
        name = "always"

        def __init__(self, call: Any) -> None:
            self.call = call

        def route(self, text: str, context: Context) -> Route:
            return Route((self.call,), 0.9, self.name)

    def train(
        skills: Sequence[Skill], examples: Sequence[Example], held_out: Sequence[Example], progress: Progress
    ) -> Always:
        return Always(next(call for example in examples for call in example.calls if call.name == "many"))

    monkeypatch.setattr("otto.cli.skills.train", train)
    many = "".join(f"User: say {number}\nAssistant: many()\n" for number in range(10))
    (folder / "many_examples.txt").write_text(many)
    lamps = "".join(f"User: lamp {number}\nAssistant: lamp()\n" for number in range(10))
    (folder / "lamp_examples.txt").write_text(lamps)
    result = skills("check")
    assert result.exit_code == 1
    assert "'lamp 3' is taken for many when it is left out (confidence 0.90)" in result.stdout
    assert "lamp and many fight over sentences: 10 of 10 are taken for many" in result.stdout


def test_check_looks_at_ones_own_files_first() -> None:
    everything = CliRunner().invoke(app, ["check", "--quick"])  # there is nothing of one's own yet
    own("lights").parent.mkdir(parents=True)
    own("lights").write_text(LIGHTS)
    result = CliRunner().invoke(app, ["check", "--quick"])
    lines = result.stdout.splitlines()
    assert lines and {line.partition(":")[0] for line in lines} == {str(own("lights"))}
    assert "1 error, 1 warning in your files (--all: in the bundled, too)" in result.stderr
    both = CliRunner().invoke(app, ["check", "--quick", "--all"]).stdout.splitlines()
    assert set(both) == {*lines, *everything.stdout.splitlines()}


def test_check_of_one_file(skills: Skills, folder: Path, tmp_path: Path) -> None:
    inside = skills("check", "--quick", str(folder / "lights_examples.txt"))
    assert inside.exit_code == 1
    draft = tmp_path / "draft.txt"
    draft.write_text('lamp(on=true) is a lamp.\n#### Examples:\nUser: x\nAssistant: lights(state="bright")\n')
    result = skills("check", "--quick", str(draft))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == f"{draft}:4: lights: state: 'bright' is not one of on, off"
    assert str(folder) not in result.stdout
    assert refused(skills("check", "none.txt")) == "there is no file none.txt"


def test_new_writes_a_file_that_the_registry_reads(skills: Skills) -> None:
    result = skills(
        "new",
        "lamp",
        *("--call", 'lamp(state="on|off") switches a lamp'),
        *("--example", 'lamp on => lamp(state="on")', "--example", "no lamp => lamp(state='off')"),
        *("--not", "magic lamp", "--action", "publish: lamp {state}", "--action", "risk: confirm"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Wrote {own('lamp')}\n"
    assert own("lamp").read_text() == (
        "#### Prompt:\n"
        'lamp(state="on|off") switches a lamp\n'
        "\n"
        "#### Examples:\n"
        "\n"
        'User: lamp on\nAssistant: lamp(state="on")\n'
        "\n"
        'User: no lamp\nAssistant: lamp(state="off")\n'
        "\n"
        "#### Action:\npublish: lamp {state}\nrisk: confirm\n"
        "\n"
        "#### Not:\nUser: magic lamp\n"
    )


def test_new_never_overwrites(skills: Skills) -> None:
    own("lamp").parent.mkdir(parents=True)
    own("lamp").write_text("mine")
    assert "is there already" in refused(skills("new", "lamp", "--call", "lamp()"))
    assert own("lamp").read_text() == "mine"


def test_new_refuses_a_second_file_for_a_skill_of_the_user(skills: Skills) -> None:
    own("lamps").parent.mkdir(parents=True)
    own("lamps").write_text("lamp(on=true) is a lamp")
    assert "lamp is a skill of yours already" in refused(skills("new", "lamp", "--call", "lamp()"))
    assert not own("lamp").exists()


def test_new_says_when_it_takes_the_place_of_a_bundled_skill(skills: Skills) -> None:
    result = skills("new", "news", "--call", "news() tells", "--example", "what's new => news()")
    assert "takes the place of the bundled examples of news (1 example)" in result.stderr


def test_new_writes_nothing_that_makes_no_sense(skills: Skills) -> None:
    result = skills("new", "lamp", "--call", 'lamp(state="on|off")', "--example", 'dim => lamp(state="dim")')
    assert "'dim' is not one of on, off" in refused(result)
    assert "cannot be a skill's name" in refused(skills("new", "../../x", "--call", "x()"))
    assert not own("lamp").parent.exists()


def test_new_asks_at_a_terminal(skills: Skills, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "otto skills new lamp --call 'lamp(" in refused(skills("new", "lamp"))
    answers = iter(["lamp(on=true) is a lamp", "light => lamp(on=true)", "", "magic lamp", "", "reply: Done.", ""])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    monkeypatch.setattr("otto.cli.skills.at_terminal", lambda: True)
    assert skills("new", "lamp").exit_code == 0
    assert own("lamp").read_text().endswith("#### Action:\nreply: Done.\n\n#### Not:\nUser: magic lamp\n")


@pytest.mark.parametrize("command", ["list", "show", "check", "new"])
def test_help_has_examples(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).stdout
    assert f"otto skills {command}" in text.partition("Examples:")[2]
