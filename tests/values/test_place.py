from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otto.call import FORBIDDEN
from otto.errors import ModelFileError, ValueReadError
from otto.values import TYPES, Limits, Place, gazetteer
from otto.values.place import known
from scripts.build_places import build
from tests.conftest import NOW

PLACE = TYPES["place"]

# Name as written, country, time zone.
SAID = {
    "berlin": ("Berlin", "Germany", "Europe/Berlin"),
    "Berlin.": ("Berlin", "Germany", "Europe/Berlin"),
    "in berlin": ("Berlin", "Germany", "Europe/Berlin"),
    "berlin germany": ("Berlin, Germany", "Germany", "Europe/Berlin"),
    "berlin in germany": ("Berlin, Germany", "Germany", "Europe/Berlin"),
    "paris": ("Paris", "France", "Europe/Paris"),
    "paris texas": ("Paris, Texas", "United States", "America/Chicago"),
    "Paris, Texas": ("Paris, Texas", "United States", "America/Chicago"),
    "Austin, TX": ("Austin, Texas", "United States", "America/Chicago"),
    "NYC": ("New York", "United States", "America/New_York"),
    "new york": ("New York", "United States", "America/New_York"),
    "new york city": ("New York", "United States", "America/New_York"),
    "L.A.": ("Los Angeles", "United States", "America/Los_Angeles"),
    "los angeles california": ("Los Angeles, California", "United States", "America/Los_Angeles"),
    "springfield illinois": ("Springfield, Illinois", "United States", "America/Chicago"),
    "portland in oregon": ("Portland, Oregon", "United States", "America/Los_Angeles"),
    "washington": ("Washington", "United States", "America/New_York"),
    "washington dc": ("Washington, D.C.", "United States", "America/New_York"),
    "texas": ("Texas", "United States", "America/Chicago"),
    "london": ("London", "United Kingdom", "Europe/London"),
    "london ontario": ("London, Ontario", "Canada", "America/Toronto"),
    "perth": ("Perth", "Australia", "Australia/Perth"),
    "perth scotland": ("Perth, Scotland", "United Kingdom", "Europe/London"),
    "scotland": ("Scotland", "United Kingdom", "Europe/London"),
    "germany": ("Germany", "Germany", "Europe/Berlin"),
    "japan": ("Japan", "Japan", "Asia/Tokyo"),
    "the netherlands": ("The Netherlands", "The Netherlands", "Europe/Amsterdam"),
    "the us": ("United States", "United States", "America/New_York"),
    "uk": ("United Kingdom", "United Kingdom", "Europe/London"),
    "georgia": ("Georgia", "Georgia", "Asia/Tbilisi"),
    "athens georgia": ("Athens, Georgia", "United States", "America/New_York"),
    "munich": ("Munich", "Germany", "Europe/Berlin"),
    "münchen": ("München", "Germany", "Europe/Berlin"),
    "cologne": ("Cologne", "Germany", "Europe/Berlin"),
    "bombay": ("Bombay", "India", "Asia/Kolkata"),
    "sao paulo": ("São Paulo", "Brazil", "America/Sao_Paulo"),
    "st. petersburg": ("St Petersburg", "Russia", "Europe/Moscow"),
    "utc": ("UTC", "", "UTC"),
    "eastern time": ("Eastern time", "", "America/New_York"),
    "Europe/Berlin": ("Europe/Berlin", "", "Europe/Berlin"),
}

UNKNOWN = [
    "grandma's house",
    "the moon",
    "home",
    "my office",
    "Mordor",
    "12345",
    "qqq zzz",
    "kitchen light",
    "Nowhere/Land",
]

AT_AND_OVER = [
    "", " ", "\t", "x" * 401, "x" * 10_000, "berlin " * 60, "\x00", "ber\x00lin", "ber\x1blin", "\u202eberlin",
    "\ud800",
    "a\u2028b", "\x7f", "\u200fx", True, False, float("nan"), float("inf"), float("-inf"), 10**500, "é" * 401,
]  # fmt: skip


@pytest.mark.parametrize(("words", "name", "country", "zone"), [(words, *rest) for words, rest in SAID.items()])
def test_finds_places_as_people_name_them(words: str, name: str, country: str, zone: str, now: datetime) -> None:
    place = PLACE.read(words, Limits(), now)
    assert (place.name, place.country, place.timezone) == (name, country, zone)
    assert PLACE.read(PLACE.write(place), Limits(), now) == place


def test_a_known_place_has_its_point(now: datetime) -> None:
    place = PLACE.read("berlin", Limits(), now)
    assert place.latitude == pytest.approx(52.52, abs=0.01)
    assert place.longitude == pytest.approx(13.41, abs=0.01)


@pytest.mark.parametrize("words", UNKNOWN)
def test_an_unknown_place_is_kept_as_it_was_said(words: str, now: datetime) -> None:
    assert PLACE.read(words, Limits(), now) == Place(words)
    assert known(words) is None


@pytest.mark.parametrize("scalar", AT_AND_OVER, ids=lambda scalar: ascii(scalar)[:20])
def test_limits_of_places_hold(scalar: str | float, now: datetime) -> None:
    with pytest.raises(ValueReadError):
        PLACE.read(scalar, Limits(), now)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nyc", "New York City", True),
        ("berlin", "Berlin, Germany", True),
        ("mumbai", "bombay", True),
        ("paris", "paris texas", False),
        ("my office", "My Office.", True),
        ("my office", "your office", False),
        ("my office", "berlin", False),
        ("utc", "eastern time", False),
    ],
)
def test_places_are_the_same_at_one_point_or_with_one_name(one: str, other: str, same: bool, now: datetime) -> None:
    left, right = PLACE.read(one, Limits(), now), PLACE.read(other, Limits(), now)
    assert PLACE.same(left, right) is same
    assert PLACE.same(right, left) is same


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and not FORBIDDEN.search(text)))
def test_any_name_that_is_written_reads_back(text: str) -> None:
    place = PLACE.read(text, Limits(), NOW)
    assert PLACE.read(PLACE.write(place), Limits(), NOW) == place


@given(st.sampled_from([*SAID, *UNKNOWN]))
def test_places_that_are_written_read_back(words: str) -> None:
    place = PLACE.read(words, Limits(), NOW)
    assert PLACE.read(PLACE.write(place), Limits(), NOW) == place


def test_the_index_that_came_with_otto_is_what_its_script_makes(tmp_path: Path) -> None:
    build(tmp_path)
    for query in (
        "SELECT sql FROM sqlite_master ORDER BY name",
        "SELECT * FROM spot ORDER BY row",
        "SELECT * FROM name ORDER BY key, spot",
    ):
        contents = []
        for folder in (tmp_path, gazetteer.FOLDER):
            with closing(gazetteer.opened(folder)) as index:
                contents.append(index.execute(query).fetchall())
        assert contents[0] == contents[1] != []
    for name in ("README.md", "LICENSE"):
        assert (tmp_path / name).read_text() == (gazetteer.FOLDER / name).read_text()


def test_the_index_is_small() -> None:
    assert sum(path.stat().st_size for path in gazetteer.FOLDER.iterdir()) < 6_000_000


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(gazetteer.FOLDER, tmp_path / "places of a copy"))


@pytest.mark.parametrize("name", ["places.db", "SHA256SUMS"])
def test_a_missing_file_of_the_index_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ModelFileError, match=rf"{name}: No such file or directory; install Otto again: pip install"):
        gazetteer.opened(copied)


@pytest.mark.parametrize("name", ["places.db", "SHA256SUMS"])
@pytest.mark.parametrize("content", [b"", b"no database", b"\xff\xfe"])
def test_a_damaged_index_is_refused(copied: Path, name: str, content: bytes) -> None:
    (copied / name).write_bytes(content)
    with pytest.raises(ModelFileError, match="install Otto again: pip install"):
        gazetteer.opened(copied)


def test_one_changed_bit_is_noticed(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray((copied / "places.db").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "places.db").write_bytes(content)
    monkeypatch.setattr(gazetteer, "FOLDER", copied)
    monkeypatch.setattr(gazetteer, "_connection", None)
    gazetteer.spots.cache_clear()
    with pytest.raises(ModelFileError, match=r"places\.db is not what it should be"):
        known("berlin")


def test_the_index_is_never_written(copied: Path) -> None:
    before = sorted(path.name for path in copied.iterdir())
    with closing(gazetteer.opened(copied)) as index:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            index.execute("DELETE FROM spot")
        assert index.execute("SELECT count(*) FROM spot").fetchone()[0] > 30_000
    assert sorted(path.name for path in copied.iterdir()) == before
