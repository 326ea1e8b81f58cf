"""Tells the weather: "what's the weather in Berlin". From open-meteo.com, which wants no key (CC BY 4.0).

Without a place it is the setting `home`; the setting `units` chooses Celsius or Fahrenheit.
"""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

from otto import FetchError, Place, Reply, Session, SkillError, skill, speech
from otto.values.place import known

FORECAST = "https://api.open-meteo.com/v1/forecast"
GEOCODING = "https://geocoding-api.open-meteo.com/v1/search"
HOSTS = ("api.open-meteo.com", "geocoding-api.open-meteo.com")
SECONDS = 4.5
"""For each of the at most two questions."""
LIKELY_RAIN = 30
"""Percent from which rain is worth a word."""

# The WMO's table 4677, as far as open-meteo.com uses it.
_SKY = {
    0: "clear", 1: "mostly clear", 2: "partly cloudy", 3: "cloudy", 45: "foggy", 48: "foggy with rime",
    51: "drizzling lightly", 53: "drizzling", 55: "drizzling heavily", 56: "drizzling and freezing",
    57: "drizzling and freezing", 61: "raining lightly", 63: "raining", 65: "raining heavily",
    66: "raining and freezing", 67: "raining and freezing", 71: "snowing lightly", 73: "snowing",
    75: "snowing heavily", 77: "snowing", 80: "showery", 81: "showery", 82: "showery with heavy rain",
    85: "showery with snow", 86: "showery with heavy snow", 95: "stormy with thunder", 96: "stormy with hail",
    99: "stormy with hail",
}  # fmt: skip


@skill
def weather(session: Session, location: Place | None = None) -> Reply:
    """Tells the weather now and today, here or in another place."""
    place = _located(location or _home(session), session)
    fahrenheit = session.settings.units == "imperial"
    asked = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "current": "temperature_2m,weather_code,wind_speed_10m",
        "daily": "temperature_2m_max,temperature_2m_min,precipitation_probability_max",
        "forecast_days": 1,
        "timezone": "auto",
        "temperature_unit": "fahrenheit" if fahrenheit else "celsius",
        "wind_speed_unit": "mph" if fahrenheit else "kmh",
    }
    answer = session.fetch(f"{FORECAST}?{urlencode(asked)}", hosts=HOSTS, seconds=SECONDS).json()
    return _told(place, answer)


def _home(session: Session) -> Place:
    if not session.settings.home:
        raise SkillError('For which place? Say one, or set home = "…" in otto.toml.', asks="location")
    return known(session.settings.home) or Place(session.settings.home)


def _located(place: Place, session: Session) -> Place:
    """The place with its point on the map; what Otto does not know, open-meteo.com may."""
    if place.latitude is not None:
        return place
    asked = urlencode({"name": place.name, "count": 1, "language": "en", "format": "json"})
    answer = session.fetch(f"{GEOCODING}?{asked}", hosts=HOSTS, seconds=SECONDS).json()
    match answer:
        case {"results": [{"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}, *_]}:
            return Place(place.name, latitude=latitude, longitude=longitude)
        case _:
            raise SkillError(f"I don't know where {place.name} is.")


def _told(place: Place, answer: Any) -> Reply:
    match answer:
        case {
            "current": {"temperature_2m": now, "weather_code": code, **current},
            "daily": {"temperature_2m_max": [high, *_], "temperature_2m_min": [low, *_], **daily},
        } if all(map(_is_number, (now, high, low))):
            chances = daily.get("precipitation_probability_max")
            rain = chances[0] if isinstance(chances, list) and chances and _is_number(chances[0]) else 0
        case _:
            raise FetchError("The weather service answered with something that I can't read.")
    sky = f" and {_SKY[code]}" if code in _SKY else ""
    text = f"It is {_degrees(now)}{sky} in {place.name}, today between {speech.number(round(low))} and {_degrees(high)}"
    if rain >= LIKELY_RAIN:
        text += f"; rain is {round(rain)} percent likely"
    shown = {"place": place.name, "now": now, "low": low, "high": high, "rain_percent": rain}
    return Reply(f"{text}.", {**shown, "wind": current.get("wind_speed_10m")})


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _degrees(temperature: float) -> str:
    degrees = round(temperature)
    return f"{speech.number(degrees)} {'degree' if abs(degrees) == 1 else 'degrees'}"
