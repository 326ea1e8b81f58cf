"""A model file is opened only when it is whole: otherwise one line says what is wrong and what mends it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from otto.errors import ModelFileError
from otto.models import card as cards
from otto.models.card import SHIPPED, Card
from otto.models.verify import REINSTALL, refuse_other_skills, remedy, verified
from otto.prompt import router_prompt
from otto.skill import Parameter, Skill
from tests.models.ggufbytes import Made, flips

LIGHTS = Skill("lights", (Parameter("room"),), "Switches the lights of a room.")
PROMPT = router_prompt("plain", system="")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "house.gguf"
    file.write_bytes(bytes(Made()))
    made = Card(
        name="house", kind="gguf", sha256={file.name: cards.digest(file)}, size=file.stat().st_size,
        source="https://example.org/house.gguf", **cards.taught(PROMPT, [LIGHTS]),
    )  # fmt: skip
    cards.write(file, made)
    return file


def refusal(model: Path, cache: Path | None = None) -> str:
    began = time.monotonic()
    with pytest.raises(ModelFileError) as refused:
        verified(model, cache)
    assert time.monotonic() - began < 1
    message = str(refused.value)
    assert message.startswith(f"{model}: ")
    assert "\n" not in message
    return message


def test_a_whole_file_is_known_by_its_card(model: Path) -> None:
    card = verified(model)
    assert card is not None
    assert card.name == "house"


def test_a_file_without_a_card_is_only_well_formed(model: Path) -> None:
    cards.place(model).unlink()
    assert verified(model) is None
    assert "otto models pull house" in refusal(model.with_name("house.gguf.part"))


# reliability.md 4.4: the six states


def test_missing(model: Path) -> None:
    model.unlink()
    assert refusal(model).endswith("there is no such model; get it with: otto models pull house")


def test_empty(model: Path) -> None:
    model.write_bytes(b"")
    assert refusal(model).endswith("the file is empty; get it again with: otto models pull house")


def test_truncated(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-10])
    assert "bytes where its card says" in refusal(model)
    assert refusal(model).endswith("otto models pull house")
    cards.place(model).unlink()
    assert "it is cut off; get it again with: otto models pull house" in refusal(model)


def test_another_file(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    assert "not the file that its card describes (sha256" in refusal(model)
    assert refusal(model).endswith("otto models pull house")


def test_unreadable(model: Path, tmp_path: Path) -> None:
    circle = tmp_path / "circle.gguf"
    circle.symlink_to(circle)
    assert "cannot be read (" in refusal(circle)
    assert refusal(circle).endswith("otto models pull circle")
    assert "not a file" in refusal(tmp_path)
    if os.geteuid():
        model.chmod(0)
        assert "cannot be read (" in refusal(model)


def test_trained_for_other_skills(model: Path) -> None:
    card = verified(model)
    refuse_other_skills(model, card, PROMPT, [LIGHTS])
    dimmer = Skill("lights", (Parameter("room"), Parameter("level", "integer")), LIGHTS.description)
    with pytest.raises(ModelFileError) as refused:
        refuse_other_skills(model, card, PROMPT, [dimmer, Skill("kettle")])
    message = str(refused.value)
    assert message.startswith(f"{model}: ")
    assert "changed skills: lights" in message
    assert "kettle" in message
    assert message.endswith("otto train RECIPE")


def test_a_damaged_card_is_said(model: Path) -> None:
    cards.place(model).write_text("{")
    with pytest.raises(ModelFileError, match="this card cannot be read"):
        verified(model)


def test_every_flipped_byte_is_noticed_by_the_card(model: Path) -> None:
    whole = model.read_bytes()
    for data in flips(whole, [(at, 1) for at in range(0, len(whole), len(whole) // 100)]):
        model.write_bytes(data)
        refusal(model)


def test_what_is_whole_is_read_once(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    verified(model, cache)
    monkeypatch.setattr(cards, "digest", lambda path: pytest.fail("it was read again"))
    assert verified(model, cache) is not None
    monkeypatch.undo()
    status = model.stat()
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    refusal(model, cache)
    refusal(model, cache)  # what was refused is not remembered


def test_what_brings_a_model_back() -> None:
    assert remedy(SHIPPED / "tiny" / "otto-tiny.gguf") == REINSTALL
    assert remedy(Path("/x/y.gguf")) == "otto models pull y"
    assert remedy(Path("/x/y.gguf"), Card(name="mine", kind="gguf", recipe="otto")) == "otto export runs/otto"
