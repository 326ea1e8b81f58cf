"""Getting models: what lies under its final name is whole and the right one, whatever happens on the way."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otto.config import Settings, load
from otto.errors import ModelFileError
from otto.models import card as cards
from otto.models import shelf
from otto.models.download import Remote, download
from otto.models.source import catalogue, source
from otto.models.verify import verified
from otto.prompt import chat_format
from tests.models.ggufbytes import STRING, Made
from tests.models.hub import Hub

HOUSE = bytes(Made(data=40_000))
CHAT = bytes(Made(data=5000).with_entry("tokenizer.chat_template", STRING, "{{ '<|im_start|>' }}"))
VOICE = {"en/voice.onnx": bytes(range(256)) * 20, "en/voice.onnx.json": b'{"audio": {"sample_rate": 22050}}'}
WHISPER = {
    "config.json": b"{}", "model.bin": b"w" * 20_000, "tokenizer.json": b"[]", "vocabulary.txt": b"a\nb\n",
    "README.md": b"not needed",
}  # fmt: skip


@pytest.fixture
def settings() -> Settings:
    return load()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    repositories = {
        "owner/house": {"house-q8_0.gguf": HOUSE, "house-Q4_K_M.gguf": CHAT, "README.md": b"hello"},
        "owner/voices": VOICE,
        "owner/whisper-small": WHISPER,
        "owner/split": {f"big-0000{number}-of-00002.gguf": HOUSE for number in (1, 2)},
    }
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", "/nonexistent")
    with Hub(repositories) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        yield made


def test_a_file_of_the_hub_gets_its_name_and_a_card(hub: Hub, settings: Settings) -> None:
    path = shelf.pull(source("owner/house/house-q8_0.gguf"), settings)
    assert path == settings.models_folder / "house-q8_0.gguf"
    assert path.read_bytes() == HOUSE
    card = verified(path)
    assert card is not None
    assert card.sha256 == {path.name: hashlib.sha256(HOUSE).hexdigest()}
    assert (card.licence, card.size, card.source) == ("mit", len(HOUSE), "owner/house/house-q8_0.gguf")
    assert [model.name for model in shelf.shelved(settings) if model.where == "models folder"] == ["house-q8_0"]
    assert shelf.find("house-q8_0", settings) == path
    assert not list((settings.models_folder / ".part").glob("*gguf"))


def test_a_model_is_found_by_what_it_was_pulled_as_and_in_the_hubs_cache(
    hub: Hub, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shelf.pull(source("owner/house/house-q8_0.gguf"), settings)
    assert shelf.find("owner/house/house-q8_0.gguf", settings) == path
    assert shelf.find(str(path), settings) == path
    with pytest.raises(ModelFileError, match="otto models pull owner/other/x.gguf"):
        shelf.find("owner/other/x.gguf", settings)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    cached = tmp_path / "cache" / "models--owner--other"
    (cached / "snapshots" / "5f0c").mkdir(parents=True)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("5f0c")
    (cached / "snapshots" / "5f0c" / "x.gguf").write_bytes(HOUSE)
    assert shelf.find("owner/other/x.gguf", settings) == cached / "snapshots" / "5f0c" / "x.gguf"


def test_of_a_repository_the_usual_file_is_taken_and_framed_as_its_template_is(hub: Hub, settings: Settings) -> None:
    path = shelf.pull(source("owner/house"), settings)
    card = cards.read(path)
    assert path.name == "house-Q4_K_M.gguf"
    assert card is not None
    assert (card.format, card.format_hash) == ("chatml", chat_format("chatml").hash)
    assert "{skills}" in card.system


def test_a_card_that_comes_along_says_what_the_model_was_taught(hub: Hub, settings: Settings) -> None:
    own = {"name": "theirs", "kind": "gguf", "format": "plain", "skills": {"lights": "0123"}, "metrics": {"exact": 0.9}}
    hub.repositories["owner/tuned"] = {"tuned.gguf": HOUSE, "tuned.gguf.card.json": json.dumps(own).encode()}
    path = shelf.pull(source("owner/tuned"), settings)
    card = cards.read(path)
    assert card is not None
    assert (card.name, card.format, card.system, card.skills) == ("tuned", "plain", "", {"lights": "0123"})
    assert card.sha256 == {"tuned.gguf": hashlib.sha256(HOUSE).hexdigest()}
    assert verified(path) == card


def test_a_voice_comes_with_its_description(hub: Hub, settings: Settings) -> None:
    hub.repositories["rhasspy/piper-voices"] = {
        file: b"x" * 3000 for entry in catalogue().values() if entry.kind == "piper" for file in entry.files
    }
    found = source("en_US-ljspeech-medium")
    path = shelf.pull(found, settings)
    assert path.suffix == ".onnx"
    assert path.with_name(f"{path.name}.json").is_file()
    (model,) = (each for each in shelf.shelved(settings) if each.kind == "piper")
    assert (model.name, model.size) == ("en_US-ljspeech-medium", 3000)
    shelf.remove(model)
    assert [each.name for each in settings.models_folder.iterdir()] == [".part"]


def test_a_whisper_model_is_a_folder(hub: Hub, settings: Settings) -> None:
    path = shelf.pull(source("owner/whisper-small"), settings)
    assert sorted(file.name for file in path.iterdir()) == sorted((WHISPER.keys() - {"README.md"}) | {"otto.card.json"})
    card = cards.read(path)
    assert card is not None
    cards.verify(path, card)
    (model,) = (each for each in shelf.shelved(settings) if each.kind == "whisper")
    shelf.pull(source("owner/whisper-small"), settings)
    shelf.remove(model)
    assert not path.exists()


def test_a_plain_address_is_held_to_its_sha256(hub: Hub, settings: Settings) -> None:
    url = f"{hub.address}/owner/house/house-q8_0.gguf"
    path = shelf.pull(source(url, sha256=hashlib.sha256(HOUSE).hexdigest().upper()), settings)
    assert path.read_bytes() == HOUSE
    path.unlink()
    with pytest.raises(ModelFileError, match="not the file that was meant"):
        shelf.pull(source(url, sha256="0" * 64), settings)
    assert not path.exists()
    assert shelf.pull(source(url), settings).read_bytes() == HOUSE  # what it is, is then recorded in the card


def test_a_broken_connection_is_taken_up_again(hub: Hub, tmp_path: Path) -> None:
    hub.breaks_after = 30_000
    remote = Remote(
        f"{hub.address}/owner/house/house-q8_0.gguf", "x", hashlib.sha256(HOUSE).hexdigest(), size=len(HOUSE)
    )
    assert download(remote, tmp_path / "house.gguf") == remote.sha256
    assert [each.partition(" ")[2] for each in hub.asked] == ["", "bytes=30000-"]
    assert sorted(file.name for file in tmp_path.glob("house*")) == ["house.gguf"]


def test_what_is_known_by_no_hash_is_continued_only_as_the_same_content(hub: Hub, tmp_path: Path) -> None:
    remote = Remote(f"{hub.address}/owner/house/house-q8_0.gguf", "x")
    hub.breaks_after = 10_000
    with pytest.raises(ModelFileError, match="broke off"):
        download(remote, tmp_path / "house.gguf")
    assert (tmp_path / "house.gguf.part").stat().st_size == 30_000
    hub.breaks_after = 0
    hub.repositories["owner/house"]["house-q8_0.gguf"] = other = bytes(reversed(HOUSE))
    download(remote, tmp_path / "house.gguf")
    assert (tmp_path / "house.gguf").read_bytes() == other


def test_a_server_without_parts_is_asked_from_the_beginning(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "house.gguf.part").write_bytes(HOUSE[:1000])
    hub.ranges = False
    remote = Remote(f"{hub.address}/owner/house/house-q8_0.gguf", "x", hashlib.sha256(HOUSE).hexdigest())
    download(remote, tmp_path / "house.gguf")
    assert (tmp_path / "house.gguf").read_bytes() == HOUSE


def test_wrong_content_is_thrown_away(hub: Hub, settings: Settings) -> None:
    hub.lies = True
    for name in ("owner/house/house-q8_0.gguf", "owner/whisper-small"):
        with pytest.raises(ModelFileError, match="not the file that was meant"):
            shelf.pull(source(name), settings)
    assert [each for each in settings.models_folder.iterdir() if each.name != ".part"] == []
    hub.lies = False
    assert shelf.pull(source("owner/house/house-q8_0.gguf"), settings).read_bytes() == HOUSE


def test_a_model_that_is_none_is_thrown_away(hub: Hub, settings: Settings) -> None:
    hub.repositories["owner/bad"] = {"bad.gguf": b"GGUF" + bytes(2000)}
    with pytest.raises(ModelFileError, match="not a usable GGUF file"):
        shelf.pull(source("owner/bad"), settings)
    assert not (settings.models_folder / "bad.gguf").exists()


def test_a_new_version_replaces_the_old_one(hub: Hub, settings: Settings) -> None:
    path = shelf.pull(source("owner/house/house-q8_0.gguf"), settings)
    hub.repositories["owner/house"]["house-q8_0.gguf"] = CHAT
    assert shelf.pull(source("owner/house/house-q8_0.gguf"), settings) == path
    assert path.read_bytes() == CHAT
    assert verified(path)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nonsense", "neither a name of the catalogue"),
        ("owner/missing", "the hub has no owner/missing"),
        ("owner/house/other.gguf", "has no other.gguf; it has: house-q8_0.gguf"),
        ("owner/voices", "which of its files"),
        ("owner/split/big-00001-of-00002.gguf", "a model in several files"),
        ("../house/x.gguf", "there is no model"),
        ("ow ner/house", "no name on the hub"),
        ("https://example.org/readme.txt", r"ends in \.gguf or \.onnx"),
        ("owner/house/README.md", r"ends in \.gguf or \.onnx"),
    ],
)
def test_what_cannot_be_got_is_said_in_one_line(hub: Hub, settings: Settings, asked: str, said: str) -> None:
    with pytest.raises(ModelFileError, match=said) as refused:
        shelf.pull(source(asked), settings)
    assert "\n" not in str(refused.value)


def test_servers_in_trouble_are_said_in_one_line(hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    found = source("owner/house")
    for status, said in ((401, "HF_TOKEN"), (404, "no such file"), (500, "error 500")):
        hub.status = status
        with pytest.raises(ModelFileError, match=said):
            shelf.pull(found, settings)
        with pytest.raises(ModelFileError, match="HF_TOKEN" if status < 500 else "error 500"):
            source("owner/house")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelFileError, match="cannot be reached"):
        source("owner/house")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelFileError, match="HF_HUB_OFFLINE"):
        source("owner/house")


def test_only_https_leaves_this_machine(tmp_path: Path) -> None:
    for url in ("http://example.org/x.gguf", "ftp://example.org/x.gguf", "file:///etc/passwd.gguf"):
        with pytest.raises(ModelFileError, match="only taken over https"):
            download(Remote(url, "x.gguf"), tmp_path / "x.gguf")


def test_a_full_disk_is_noticed_before(hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otto.models.download.SPARE", 1 << 60)
    with pytest.raises(ModelFileError, match="make room, or set models_folder"):
        shelf.pull(source("owner/house"), settings)


def test_progress_is_told(hub: Hub, settings: Settings) -> None:
    told: list[tuple[str, float]] = []
    shelf.pull(source("owner/house/house-q8_0.gguf"), settings, lambda what, share: told.append((what, share)))
    assert told[0][0] == "house-q8_0.gguf"
    assert told[-1] == ("Checking house-q8_0.gguf", 1.0)
    assert all(0 <= share <= 1 for _, share in told)


def test_the_names_of_the_catalogue_can_be_asked_for() -> None:
    assert len(catalogue()) > 5
    for entry in catalogue().values():
        assert entry.licence
        assert entry.purpose
        assert entry.repository.count("/") == 1
        assert entry.kind == "whisper" or entry.files
        assert not entry.format or chat_format(entry.format)


PULLER = """
import httpx
from otto.config import load
from otto.network.connection import certificates
from otto.models import shelf
from otto.models.source import source
certificates()
print("ready", flush=True)
shelf.pull(source("owner/large"), load())
print("done", flush=True)
"""


def killed(hub: Hub, settings: Settings, kills: int) -> None:
    """Kills a download so often; under the final name there is never anything but the whole file."""
    data = bytes(replace(Made(), data=9_000_000))
    hub.repositories["owner/large"] = {"large.gguf": data}
    hub.pause = 0.01
    final = settings.models_folder / "large.gguf"
    rng = random.Random(kills)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    deaths = 0
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", PULLER], stdout=subprocess.PIPE, env=environment) as puller:
            assert puller.stdout is not None
            assert puller.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.0, 0.7))
            puller.kill()
            deaths += puller.stdout.read() == b""
        if final.exists():
            assert final.read_bytes() == data
            assert verified(final) is not None
            final.unlink()
    assert deaths > kills // 3
    assert any(" bytes=" in each for each in hub.asked)  # it went on where it had stopped
    hub.pause = 0
    assert shelf.pull(source("owner/large"), settings).read_bytes() == data
    assert verified(final)


def test_a_killed_download_leaves_no_bad_file(hub: Hub, settings: Settings) -> None:
    killed(hub, settings, 5)


@pytest.mark.nightly
def test_fifty_killed_downloads_leave_no_bad_file(hub: Hub, settings: Settings) -> None:
    killed(hub, settings, 50)
