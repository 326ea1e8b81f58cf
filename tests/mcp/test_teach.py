"""Sentences of the user's own for tools of other servers: they lead to the tool, survive, and wait while it is away."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path

from mcp import types

from otto.call import parse
from otto.cli import skillview
from otto.config import Settings
from otto.example import Example, Origin
from otto.examples.correction import correct
from otto.mcp.adopt import adopt, taught
from otto.mcp.seen import Seen
from otto.mcp.use import Servers, with_tools, without_sentences
from otto.registry.snapshot import Registered, Snapshot
from otto.route import Context
from otto.skill import Skill
from otto.turn import Assistant

GREENHOUSE = Path(__file__).parent / "greenhouse.py"
SAID = "is it thirsty in the tulip bed"
MEANT = parse('soil_moisture(bed="tulip")')


def settings_of(folder: Path, cache: Path, program: Path = GREENHOUSE) -> Settings:
    return Settings(
        config_folder=folder / "config", state_folder=folder / "state", cache_folder=cache / "otto", router="fewshot",
        mcp_servers=(f"greenhouse: {sys.executable} {program}",),
    )  # fmt: skip


def sentences_of(name: str, text: str, call: str) -> Snapshot:
    """A skill that is only a sentence in a file."""
    file = Path(f"/examples/{name}_examples.txt")
    entry = Registered(Skill(name), (Example(text, parse(call), Origin(str(file), 3)),), files=(file,), hash="1")
    return Snapshot({name: entry})


def test_a_correction_teaches_a_tool_at_once_and_for_good(tmp_path: Path, trained: Path) -> None:
    settings = settings_of(tmp_path, trained)
    with Assistant(settings, lambda skill, call: True) as otto:
        assert otto.turn(SAID, dry_run=True).route.calls != MEANT
        otto.live.watch()
        correct(SAID, MEANT, settings)
        deadline = time.monotonic() + 60
        while otto.turn(SAID, dry_run=True).route.calls != MEANT and time.monotonic() < deadline:
            time.sleep(0.1)
        assert otto.turn(SAID).reply.text == "The soil of tulip is damp."
    with Assistant(settings, lambda skill, call: True) as again:
        assert again.turn(SAID, dry_run=True).route.calls == MEANT
        entry = again.live.ready.snapshot.skills["soil_moisture"]
        assert [example.text for example in entry.written] == [SAID]
        assert entry.remote is not None and entry.remote.server == "greenhouse"


def test_sentences_wait_while_their_server_is_away(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, tmp_path)
    snapshot = sentences_of("soil_moisture", SAID, 'soil_moisture(bed="tulip")')
    connected = with_tools(snapshot, settings)
    entry = connected.skills["soil_moisture"]
    assert entry.remote is not None
    assert skillview.whence(entry, Path("/")) == "server greenhouse: tool; yours: examples"
    assert skillview.runs(entry) == "a tool of the MCP server greenhouse"
    shown = skillview.summary(entry, connected)
    assert (shown["server"], shown["runs"], shown["examples"]) == ("greenhouse", "server", 1)
    away = with_tools(snapshot, settings_of(tmp_path, tmp_path, tmp_path / "gone.py"))
    assert "soil_moisture" not in away.skills
    (waiting,) = [problem for problem in away.problems if problem.origin.file.endswith("soil_moisture_examples.txt")]
    assert (waiting.severity, waiting.message) == (
        "warning", "waits for the server greenhouse, whose tool soil_moisture it is about"
    )  # fmt: skip
    assert "soil_moisture" not in without_sentences(snapshot, settings).skills


def test_a_skill_of_the_users_own_waits_for_nobody(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, tmp_path, tmp_path / "gone.py")
    snapshot = sentences_of("lights", "lights on", "lights()")
    assert "lights" in with_tools(snapshot, settings).skills
    assert "lights" in without_sentences(snapshot, settings).skills


def test_a_sentence_that_contradicts_the_tool_is_reported() -> None:
    degrees = {"type": "integer", "maximum": 30}
    tool = adopt(
        "house", types.Tool(name="heat", input_schema={"type": "object", "properties": {"degrees": degrees}})
    ).registered
    assert tool is not None
    written = sentences_of("heat", "make it warm", 'heat(degrees="warm")').skills["heat"]
    whole, (problem,) = taught(tool, written)
    assert whole.written == ()
    assert "degrees" in problem.message
    assert str(problem.origin) == "/examples/heat_examples.txt:3"


def test_the_names_of_tools_are_kept(tmp_path: Path) -> None:
    Seen(tmp_path).keep("house", ["heat", "cool"])
    assert Seen(tmp_path).of("house") == {"heat", "cool"}
    (tmp_path / "mcp_tools.json").write_text("[broken")
    assert Seen(tmp_path).of("house") == frozenset()
    Seen(None).keep("house", ["heat"])


def test_tools_take_nothing_from_the_bundled_skills(tmp_path: Path, trained: Path, now: datetime) -> None:
    alone = Settings(config_folder=tmp_path / "config", state_folder=tmp_path / "state", cache_folder=trained / "otto")
    sentences = ["set a timer for ten minutes", "what's the weather in rome", "turn it down", "add milk to my list"]
    with Assistant(alone, lambda skill, call: True) as otto:
        before = [otto.live.ready.router.route(text, Context(now)).calls for text in sentences]
        servers = Servers([f"greenhouse: {sys.executable} {GREENHOUSE} 0 50"])
        otto.live.adopt(servers)
        assert len(otto.live.ready.snapshot.skills) > 70
        assert [otto.live.ready.router.route(text, Context(now)).calls for text in sentences] == before
