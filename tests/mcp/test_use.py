"""Real MCP servers used by Otto: over pipes and over HTTP, slow ones, broken ones, ones that go away."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otto.config import Settings
from otto.errors import ConfigError, SkillError
from otto.mcp.use import Address, Servers, address
from otto.turn import Assistant

GREENHOUSE = Path(__file__).parent / "greenhouse.py"
PIPES = f"greenhouse: {sys.executable} {GREENHOUSE}"


@pytest.fixture
def greenhouse() -> Iterator[Servers]:
    servers = Servers([PIPES])
    servers.wait()
    yield servers
    servers.close()


def test_tools_are_listed_and_called(greenhouse: Servers) -> None:
    skills, problems = greenhouse.adopted()
    assert skills.keys() == {"soil_moisture", "water_plants", "count_aphids", "burn_down"}
    assert [str(problem.origin) for problem in problems] == ["mcp:greenhouse/plough"]
    assert skills["soil_moisture"].skill.risk == "none"
    assert skills["water_plants"].skill.risk == "confirm"
    remote = skills["water_plants"].remote
    assert remote is not None
    assert remote.call({"bed": "the roses", "minutes": 7}, 10) == "Watering the roses for 7 minutes."


def test_what_goes_wrong_is_a_sentence(greenhouse: Servers) -> None:
    with pytest.raises(SkillError, match="too many aphids"):
        greenhouse.call("greenhouse", "count_aphids", {}, 10)
    with pytest.raises(SkillError, match="took too long"):
        greenhouse.call("greenhouse", "count_aphids", {"seconds": 5}, 0.3)


def test_fifty_tools_are_routable_beside_the_bundled_skills(tmp_path: Path, trained: Path) -> None:
    settings = Settings(
        config_folder=tmp_path / "config", state_folder=tmp_path / "state", cache_folder=trained / "otto",
        mcp_servers=(f"{PIPES} 0 50",),
    )  # fmt: skip
    with Assistant(settings, lambda skill, call: True) as otto:
        asked = otto.turn("please polish the lamp of the greenhouse")
        assert str(asked.route) == "polish_lamp()"
        assert asked.reply.text == "Done."
        assert str(otto.turn("what is nine times nine", dry_run=True).route) == 'math(question="9*9")'
        assert len(otto.live.ready.snapshot.skills) > 70


def test_a_server_that_ends_is_started_again(greenhouse: Servers) -> None:
    with pytest.raises(SkillError):
        greenhouse.call("greenhouse", "burn_down", {}, 5)
    deadline = time.monotonic() + 20
    answer = ""
    while not answer and time.monotonic() < deadline:
        try:
            answer = greenhouse.call("greenhouse", "soil_moisture", {"bed": "the roses"}, 5)
        except SkillError:
            time.sleep(0.1)
    assert answer == "The soil of the roses is damp."


def test_a_server_is_reached_over_http() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = subprocess.Popen([sys.executable, str(GREENHOUSE), str(port)], stderr=subprocess.DEVNULL)
    came: list[bool] = []
    servers = Servers([f"greenhouse: http://127.0.0.1:{port}/mcp"])
    servers.follow(lambda: came.append(True))
    try:
        deadline = time.monotonic() + 20
        while not came and time.monotonic() < deadline:
            time.sleep(0.05)
        assert servers.call("greenhouse", "soil_moisture", {"bed": "the roses"}, 5) == "The soil of the roses is damp."
    finally:
        servers.close()
        running.terminate()
        running.wait(10)


def test_a_server_that_cannot_be_started_is_a_problem_and_nothing_more() -> None:
    servers = Servers(["nothing: /nowhere/at-all", "broken: " + sys.executable + " -c pass"])
    servers.wait()
    skills, problems = servers.adopted()
    servers.close()
    assert skills == {}
    assert {str(problem.origin) for problem in problems} == {"mcp:nothing", "mcp:broken"}
    assert all("cannot be reached" in problem.message for problem in problems)


def test_what_a_server_is_given_holds_none_of_the_users_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    seen = tmp_path / "environment"
    script = tmp_path / "spy.py"
    script.write_text(f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(str(dict(os.environ)))")
    servers = Servers([f"spy: {sys.executable} {script}"])
    servers.wait()
    servers.close()
    assert "PATH" in seen.read_text()
    assert "canary" not in seen.read_text()


def test_addresses_are_programs_or_urls() -> None:
    assert address("files: npx -y server '/home/a b'") == Address("files", ("npx", "-y", "server", "/home/a b"))
    assert address("house: https://example.org/mcp") == Address("house", url="https://example.org/mcp")


@pytest.mark.parametrize(
    "entry", ["", "npx server", "files:", "two words: npx", "x: npx 'unclosed", "far: http://example.org/mcp"]
)
def test_an_address_that_makes_no_sense_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError, match="mcp_servers"):
        address(entry)
