"""Place: a city, country, state or time zone.

    >>> PLACE.read("new york city", Limits(), now)
    Place(name='New York', country='United States', latitude=40.71427, longitude=-74.00597, timezone='America/New_York')
    >>> PLACE.write(PLACE.read("paris texas", Limits(), now))
    'Paris, Texas'

Of several with one name the largest is meant, unless the speaker adds a state or country. A country stands for its
capital, a state for its largest city. A name that is on no map ("grandma's house") is kept as it was said, without a
point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from otto.call import FORBIDDEN, Scalar
from otto.values.gazetteer import Spot, key, spots
from otto.values.text import TEXT, levelled
from otto.values.type import Limits, ValueType
from otto.values.words import said


@dataclass(frozen=True, slots=True)
class Place:
    """A name, and where it is if that is known."""

    name: str
    """As it is commonly written; with ", Texas" or ", Germany" only if the speaker said so."""
    country: str = ""
    """Name of the country in English."""
    latitude: float | None = None
    """Degrees north; None if the place is not known."""
    longitude: float | None = None
    """Degrees east."""
    timezone: str = ""
    """A name such as "Europe/Berlin"."""


_ALIASES = {
    "nyc": "New York", "ny": "New York", "new york city": "New York", "the big apple": "New York",
    "la": "Los Angeles", "l a": "Los Angeles", "sf": "San Francisco", "san fran": "San Francisco",
    "dc": "Washington, D.C.", "washington dc": "Washington, D.C.", "washington d c": "Washington, D.C.",
    "vegas": "Las Vegas", "philly": "Philadelphia", "rio": "Rio de Janeiro",
    "us": "United States", "usa": "United States", "u s": "United States", "u s a": "United States",
    "america": "United States", "the states": "United States", "united states of america": "United States",
    "uk": "United Kingdom", "u k": "United Kingdom", "great britain": "United Kingdom", "britain": "United Kingdom",
    "uae": "United Arab Emirates", "holland": "Netherlands", "burma": "Myanmar", "czech republic": "Czechia",
    "swaziland": "Eswatini",
}  # fmt: skip
"""Names that are short for others. What they lead to is also what is written."""
_STANDS_FOR = {
    "new york": "new york city", "washington dc": "washington", "washington state": "seattle",
    "new york state": "albany", "netherlands": "the netherlands", "bavaria": "munich", "sicily": "palermo",
}  # fmt: skip
"""Names by which the index has nothing, or something else, and where they are."""
_ZONES = {
    "utc": "UTC", "gmt": "GMT", "greenwich": "GMT", "zulu": "UTC", "eastern": "America/New_York",
    "central": "America/Chicago", "mountain": "America/Denver", "pacific": "America/Los_Angeles",
    "est": "America/New_York", "edt": "America/New_York", "cst": "America/Chicago", "mst": "America/Denver",
    "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "cet": "Europe/Paris", "cest": "Europe/Paris",
    "bst": "Europe/London", "ist": "Asia/Kolkata", "jst": "Asia/Tokyo", "aest": "Australia/Sydney",
}  # fmt: skip
_ZONE_NAMES = {"eastern", "central", "mountain", "pacific", "greenwich"}
_ZONE_TAILS = (" standard time", " daylight time", " time zone", " timezone", " time")
_IANA = re.compile(r"[A-Za-z_]{2,20}/[A-Za-z_+-]{2,32}(?:/[A-Za-z_]{2,32})?", re.ASCII)
_CODES = (
    "AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware FL:Florida "
    "GA:Georgia HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine "
    "MD:Maryland MA:Massachusetts MI:Michigan MN:Minnesota MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada "
    "NH:New_Hampshire NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina ND:North_Dakota OH:Ohio OK:Oklahoma "
    "OR:Oregon PA:Pennsylvania RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah "
    "VT:Vermont VA:Virginia WA:Washington WV:West_Virginia WI:Wisconsin WY:Wyoming"
)
_STATE_CODES = dict(pair.replace("_", " ").split(":") for pair in _CODES.split())
_FILLERS = re.compile(r"(?:in|at|for|near|around)\s+(?=\S)", re.IGNORECASE)


def read(scalar: Scalar, limits: Limits, now: datetime) -> Place:
    """The place, known or not. Raises `ValueReadError` only for what is no text of 1 to 400 characters."""
    text = " ".join(TEXT.read(said(scalar, "a place"), limits, now).split()).rstrip(".,;:!?…") or "?"
    if found := known(text):
        return found
    stripped = _FILLERS.sub("", text, count=1)
    return (known(stripped) if stripped != text else None) or Place(text)


def write(place: Place) -> str:
    return place.name


def same(one: Place, other: Place) -> bool:
    """The same point on the map, or the same name."""
    if levelled(one.name) == levelled(other.name):
        return True
    if one.latitude is None or other.latitude is None:
        return bool(one.timezone) and one.latitude == other.latitude and one.timezone == other.timezone
    return (one.latitude, one.longitude) == (other.latitude, other.longitude)


def known(text: str) -> Place | None:
    """The place of that name if it is on the map."""
    if len(text) > 80 or FORBIDDEN.search(text):
        return None
    name = key(text)
    if not name or name.isdecimal():
        return None
    return _plain(name, text) or _zone(text) or _qualified(text, name)


def _plain(name: str, text: str) -> Place | None:
    """A name on its own: the key and how it was said."""
    for one in (name, name.removeprefix("the ")):
        alias = _ALIASES.get(one, "")
        wanted = key(alias) if alias else one
        if found := spots(_STANDS_FOR.get(wanted, wanted)):
            break
    else:
        return None
    spelling = alias or (wanted.title() if wanted in _STANDS_FOR else found[0].name)
    if spelling.isascii() and not text.isascii():  # the index has "Munchen" for "München"
        spelling = text.title()
    return _at(found[0], spelling)


def _qualified(text: str, name: str) -> Place | None:
    """ "Paris, Texas", "berlin germany", "portland in oregon"."""
    parts = name.split()
    for split in range(len(parts) - 1, max(0, len(parts) - 5), -1):
        qualifier = " ".join(parts[split:])
        first = parts[: split - 1] if split > 1 and parts[split - 1] == "in" else parts[:split]
        region = _region(qualifier, text)
        if not region or not first:
            continue
        city = " ".join(first)
        city = key(_ALIASES.get(city, city))
        for spot in spots(_STANDS_FOR.get(city, city)):
            if spot.kind == "city" and region in (spot.state, spot.country):
                spelling = city.title() if city in _STANDS_FOR else spot.name
                return _at(spot, f"{spelling}, {region}")
    return None


def _region(qualifier: str, text: str) -> str:
    """The name of the state or country that a qualifier names, or an empty text. Codes of states must be capitals."""
    code = qualifier.upper()
    if code in _STATE_CODES and text.rstrip(". ").endswith(code):
        return _STATE_CODES[code]
    wanted = key(_ALIASES.get(qualifier, qualifier))
    wanted = "the netherlands" if wanted == "netherlands" else wanted
    # A state before a country: "Georgia" behind the name of a town is more often the American one.
    kinds = {spot.kind: spot for spot in reversed(spots(wanted)) if spot.kind != "city"}
    if state := kinds.get("state"):
        return state.state
    return kinds["country"].country if "country" in kinds else ""


def _zone(text: str) -> Place | None:
    """ "UTC", "eastern time", "Europe/Berlin"."""
    if _IANA.fullmatch(text):
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        name = "/".join(part.title() if part.islower() else part for part in text.split("/"))
        try:
            return Place(name, timezone=ZoneInfo(name).key)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
    plain = " ".join(text.casefold().split())
    stem = next((plain.removesuffix(tail) for tail in _ZONE_TAILS if plain.endswith(tail)), plain)
    if stem not in _ZONES or (stem == plain and stem in _ZONE_NAMES):
        return None
    return Place(f"{stem.title()} time" if stem in _ZONE_NAMES else stem.upper(), timezone=_ZONES[stem])


def _at(spot: Spot, name: str) -> Place:
    return Place(name, spot.country, spot.latitude, spot.longitude, spot.timezone)


PLACE = ValueType("place", Place, read, write, {"type": "string", "format": "place"}, "New York", same)
