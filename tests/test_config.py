"""Settings: where they come from, in which order, and how mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from otto import config
from otto.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "otto.toml"
    file.write_text(text)
    return file


def test_file_then_environment_then_options(tmp_path: Path) -> None:
    file = write(tmp_path, 'home = "Hamburg"\nmemory_mb = 128\nhistory = false\n')
    settings = config.load({"memory_mb": 1024, "units": None}, {"OTTO_HOME": "Kiel"}, file)
    assert (settings.home, settings.memory_mb, settings.history, settings.units) == ("Kiel", 1024, False, "metric")


def test_folders_follow_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert config.load(environment={}).database == tmp_path / "elsewhere" / "otto" / "otto.db"


def test_lists_can_be_given_as_text_in_the_environment() -> None:
    assert config.load(environment={"OTTO_HIDDEN": "news, story"}).hidden == ("news", "story")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("homme = 'Kiel'", "'homme'"),
        ("home = 3", "home must be a text"),
        ("units = 'nautical'", "units must be one of 'metric', 'imperial'"),
        ("deadline_seconds = 0", "deadline_seconds must lie between 0.1 and 600"),
        ("deadline_seconds = 'soon'", "deadline_seconds must be a number"),
        ("memory_mb = 99.5", "memory_mb must be a whole number"),
        ("memory_mb = nan", "memory_mb must be a whole number"),
        ("history = 'maybe'", "history must be true or false"),
        ("hidden = [1]", "hidden must be a list of texts"),
        ("home =", "not valid TOML"),
    ],
)
def test_a_mistake_names_the_key_and_the_file(tmp_path: Path, text: str, names: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        config.load(environment={}, file=file)
    assert names in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(environment={}, file=tmp_path)


def test_a_mistaken_variable_is_named() -> None:
    with pytest.raises(ConfigError, match="environment variable OTTO_MEMORY_MB: memory_mb must be a whole number"):
        config.load(environment={"OTTO_MEMORY_MB": "lots"})


def test_bundled_folders_exist() -> None:
    assert all(config.bundled(name).is_dir() for name in ("examples", "skills", "prompts"))


def test_the_user_lays_folders_over_the_bundled_ones(tmp_path: Path) -> None:
    settings = config.Settings(config_folder=tmp_path)
    assert config.folders(settings).examples == (config.bundled("examples"), tmp_path / "examples")
    assert config.folders(settings).other is None, "it stands in the bundled folder"
    alone = config.folders(settings, examples=tmp_path)
    assert alone.examples == (tmp_path,)
    assert alone.other and alone.other.is_file()
    (tmp_path / "lights_examples.txt").write_text("")
    assert config.folders(settings, skills=tmp_path / "none").yours() == []
    assert alone.yours() == [tmp_path / "lights_examples.txt"]


def test_the_table_has_every_setting() -> None:
    assert all(f"| `{name}` |" in config.table() for name in config.FIELDS)
