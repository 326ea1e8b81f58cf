"""Which router the settings mean, what is said where it cannot be had, and what stays while skills change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from otto.config import Folders, Settings
from otto.errors import ConfigError, ModelFileError, OttoError
from otto.models import calibration
from otto.models import card as cards
from otto.models.calibration import Calibration
from otto.prompt import router_prompt
from otto.registry.live import Live
from otto.route import Context
from otto.routers.choose import Models
from otto.skill import Parameter, Skill
from otto.values import Limits
from tests.models.chatserver import Server, running, said
from tests.routers.test_cascade import Fixed

LIGHTS = Skill("lights", (Parameter("state", "choice", True, Limits(("on", "off"))), Parameter("room")))
SKILLS = [LIGHTS]
FIRST = Fixed("fewshot", "other()", 0.3)


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as server:
        server.answers = [said(None, ("lights", '{"state": "off"}'))]
        yield server


@pytest.fixture
def asking(server: Server) -> Settings:
    """Settings with a server, and nothing said about the router."""
    return Settings(router_endpoint=server.address, router_endpoint_model="m")


def calibrated(models: Models, name: str = "openai", *, helps: bool, threshold: float = 0.9) -> Calibration:
    found = Calibration(
        key=models.key(name, SKILLS), model="m", rows=500, confidence=(2.0, 0.5, -1.0, 0.0, 0.0),
        threshold=threshold, belief=(0.0, -1.0, 1.0, 0.0, 0.0), helps=helps,
    )  # fmt: skip
    calibration.write(found, models.settings.cache_folder)
    return found


def gguf(tmp_path: Path, skills: list[Skill]) -> Path:
    """A file that no engine has to open, with a card that says it knows these skills by heart."""
    file = tmp_path / "small.gguf"
    file.write_bytes(b"GGUF")
    taught = json.loads(json.dumps(cards.taught(router_prompt("plain", ""), skills)))
    cards.write(file, cards.Card(name="small", kind="gguf", sha256={file.name: cards.digest(file)}, **taught))
    return file


def test_fewshot_is_the_first_router_itself(asking: Settings) -> None:
    assert Models(replace(asking, router="fewshot")).over(FIRST, SKILLS) is FIRST


def test_auto_asks_nobody_who_was_not_measured_to_help(asking: Settings) -> None:
    models = Models(asking)
    assert models.over(FIRST, SKILLS) is FIRST
    calibrated(models, helps=False)
    assert models.over(FIRST, SKILLS) is FIRST


def test_auto_asks_whom_it_was_measured_to_help(asking: Settings, server: Server, now: datetime) -> None:
    models = Models(replace(asking, router_model=str(server)))  # there is no such local model
    assert models.over(FIRST, SKILLS) is FIRST
    models = Models(asking)
    calibrated(models, helps=True)
    route = models.over(FIRST, SKILLS).route("lights off", Context(now))
    assert (str(route), route.router) == ('lights(state="off")', "openai")
    assert route.confidence == pytest.approx(1 / (1 + 2.718281828**-2))
    assert route.trace["cascade"] == "fewshot 0.30 < 0.90; openai 0.88 taken"


def test_a_calibration_is_for_one_model_prompt_and_set_of_skills(asking: Settings) -> None:
    calibrated(Models(asking), helps=True)
    changed = [Skill("lights", LIGHTS.parameters[:1])]
    assert Models(asking).over(FIRST, SKILLS) is not FIRST
    assert Models(asking).over(FIRST, changed) is FIRST
    assert Models(replace(asking, router_endpoint_model="n")).over(FIRST, SKILLS) is FIRST
    assert Models(replace(asking, router_format="gemma")).over(FIRST, SKILLS) is FIRST


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 3}', "null"])
def test_a_damaged_calibration_counts_as_none(asking: Settings, content: str) -> None:
    models = Models(asking)
    found = calibrated(models, helps=True)
    calibration.place(asking.cache_folder, found.key).write_text(content)
    assert models.over(FIRST, SKILLS) is FIRST


def test_a_calibration_comes_back_as_it_was_written(tmp_path: Path, asking: Settings) -> None:
    found = calibrated(Models(asking), helps=True)
    assert calibration.read(found.key, asking.cache_folder) == replace(
        found,
        confidence=list(found.confidence),
        belief=list(found.belief),  # type: ignore[arg-type]
    )
    beside = tmp_path / "tiny.gguf"
    calibration.write(found, tmp_path, beside)
    assert calibration.read(found.key, tmp_path / "empty", beside) is not None
    assert calibration.read("0" * 24, tmp_path / "empty", beside) is None


def test_by_name_the_model_answers_always(asking: Settings, now: datetime) -> None:
    router = Models(replace(asking, router="openai")).over(Fixed("fewshot", "other()", 1.0), SKILLS)
    assert router.name == "openai"
    assert router.route("lights off", Context(now)).router == "openai"


def test_a_cascade_asks_without_a_calibration_too(asking: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    assert Models(asking).stages() == ["llama", "openai"]
    assert Models(Settings(router_model=str(folder))).stages() == ["transformers"]
    with pytest.raises(OttoError, match=r"otto-tiny\.gguf|llama\.cpp"):
        Models(replace(asking, router="cascade")).over(FIRST, [Skill("else")])


@pytest.mark.parametrize(
    ("router", "command"),
    [("llama", "pip install 'otto-assistant[llama]'"), ("transformers", "pip install 'otto-assistant[finetune]'")],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    router: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("otto.models.transformer.find_spec", lambda name: None)
    monkeypatch.setattr("otto.routers.choose.find_spec", lambda name: None)
    weights = gguf(tmp_path, SKILLS) if router == "llama" else tmp_path
    settings = Settings(router=router, router_model=str(weights))  # type: ignore[arg-type]
    with pytest.raises(OttoError) as refused:
        Models(settings).over(FIRST, SKILLS)
    assert command in str(refused.value)
    unasked = Models(replace(settings, router="auto"))
    calibrated(unasked, router, helps=True)
    assert unasked.over(FIRST, SKILLS) is FIRST


def test_auto_starts_a_model_when_it_is_first_asked(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes on without one that turns out to be broken."""
    monkeypatch.setattr("otto.routers.choose.find_spec", lambda name: object())
    models = Models(Settings(router_model=str(gguf(tmp_path, SKILLS))))
    calibrated(models, "llama", helps=True)
    router = models.over(FIRST, SKILLS)
    assert router is not FIRST
    route = router.route("lights off", Context(now))
    assert route.router == "fewshot"
    assert "fewshot 0.30 < 0.90; llama: " in str(route.trace["cascade"])
    models.close()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="otto models pull qwen9"):
        Models(Settings(router="llama", router_model="qwen9")).over(FIRST, SKILLS)
    with pytest.raises(OttoError, match="there is no such model"):
        Models(Settings(router="llama", router_model=str(tmp_path / "gone.gguf"))).over(FIRST, SKILLS)
    with pytest.raises(ConfigError, match="router_endpoint_model"):
        Models(Settings(router="openai", router_endpoint="http://127.0.0.1:9/v1")).over(FIRST, SKILLS)


def test_a_model_that_knows_none_of_the_skills_is_refused(tmp_path: Path) -> None:
    file = gguf(tmp_path, [Skill("fridge")])
    with pytest.raises(ModelFileError, match=r"small\.gguf: it was trained for other skills"):
        Models(Settings(router="llama", router_model=str(file))).over(FIRST, SKILLS)


def test_the_engine_stays_when_skills_change(asking: Settings, server: Server, now: datetime) -> None:
    models = Models(asking)
    one, other = models.single("openai", SKILLS), models.single("openai", [Skill("music")])
    assert one.model is other.model
    other.route("play music", Context(now))
    assert [tool["function"]["name"] for tool in server.sent[0][1]["tools"]] == ["music"]


def test_while_running_new_skills_reach_the_model(
    server: Server, asking: Settings, tmp_path: Path, now: datetime
) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    sentences = [f"turn the {room} light off" for room in ("kitchen", "hall", "bath", "garage")]
    lines = "".join(f'User: {text}\nAssistant: lights(room="{text.split()[2]}")\n' for text in sentences)
    (folder / "lights_examples.txt").write_text(f'#### Prompt:\nlights(room="[room]")\n\n#### Examples:\n{lines}')
    live = Live(replace(asking, router="openai"), Folders((folder,), ()))
    try:
        live.ready.router.route("dance", Context(now))
        engine = live.models.single("openai", SKILLS).model
        live.watch()
        new = "#### Prompt:\nmusic()\n\n#### Examples:\nUser: play some music\nAssistant: music()\n"
        (folder / "music_examples.txt").write_text(new)
        end = time.monotonic() + 20
        while "music" not in live.ready.snapshot.skills and time.monotonic() < end:
            time.sleep(0.05)
        live.ready.router.route("dance", Context(now))
        names = [[tool["function"]["name"] for tool in body["tools"]] for _, body, _ in server.sent]
        assert names[0] == ["lights"]
        assert names[-1] == ["lights", "music"]
        assert live.models.single("openai", SKILLS).model is engine
    finally:
        live.close()
