"""The gazetteer: cities, countries and some countries' states by any of their names, offline, from GeoNames.

Its index, `otto/data/places/places.db`, is made by `scripts/build_places.py` and checked against its sha256 when it is
opened (3 ms); a name is then found in about 30 µs. GeoNames is licensed CC BY 4.0 (www.geonames.org).
"""

from __future__ import annotations

import atexit
import hashlib
import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from otto.errors import ModelFileError

if TYPE_CHECKING:
    import sqlite3

FOLDER = Path(__file__).parent.parent / "data" / "places"
INDEX, SUMS = "places.db", "SHA256SUMS"


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
    """All that has this name (a `key`), the likeliest first: countries, then by population.

    Raises `ModelFileError` if the index is missing or damaged.
    """
    global _connection
    with _lock:
        if _connection is None:
            _connection = opened(FOLDER)
            atexit.register(_connection.close)
        rows = _connection.execute(_LOOK_UP, (name_key,)).fetchall()
    return tuple(Spot(*row) for row in rows)


_LOOK_UP = """
SELECT kind, spelling, country, state, latitude, longitude, timezone, population, spot.id
FROM name JOIN spot ON spot.row = name.spot WHERE name.key = ? ORDER BY score DESC LIMIT 40
"""
_lock = threading.Lock()
_connection: sqlite3.Connection | None = None


def opened(folder: Path) -> sqlite3.Connection:
    """The index in `folder`, whole and not to be written. Raises `ModelFileError` naming the file."""
    import sqlite3

    path = folder / INDEX
    try:
        digest = (folder / SUMS).read_text(encoding="utf-8").split()[:1]
        if [hashlib.sha256(path.read_bytes()).hexdigest()] != digest:
            raise ModelFileError(f"The index of places is damaged: {path} is not what it should be; {_REMEDY}")
    except (OSError, UnicodeError) as error:
        lacking = getattr(error, "filename", None) or folder / SUMS
        reason = getattr(error, "strerror", None) or "unreadable"
        raise ModelFileError(f"The index of places is not whole: {lacking}: {reason}; {_REMEDY}") from error
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)


_REMEDY = "install Otto again: pip install --force-reinstall --no-deps otto-assistant"
