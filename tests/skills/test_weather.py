"""The weather from a real server that answers as open-meteo.com does, and as it should not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from otto import FetchError, Place, SkillError
from otto.config import Settings
from otto.function import SkillFunction
from otto.session import Session

Loader = Callable[[str], SkillFunction[Any, Any]]

BERLIN = Place("Berlin", "Germany", 52.52, 13.41, "Europe/Berlin")


def forecast(now: object = 21.4, code: int = 2, low: float = 9.6, high: float = 24.2, rain: object = 10) -> bytes:
    return json.dumps(
        {
            "current": {"temperature_2m": now, "weather_code": code, "wind_speed_10m": 11.0},
            "daily": {
                "temperature_2m_max": [high],
                "temperature_2m_min": [low],
                "precipitation_probability_max": [rain],
            },
        }
    ).encode()


@pytest.fixture
def ask(now: datetime, web: Any, function: Loader) -> Callable[..., str]:
    def asked(location: Place | None = BERLIN, **settings: Any) -> str:
        session = Session(now, settings=Settings(**settings), fetch=web.fetch)
        return function("weather").run({"location": location} if location else {}, session).text

    return asked


def test_now_and_today_in_one_sentence(ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = 200, forecast()
    assert ask() == "It is 21 degrees and partly cloudy in Berlin, today between 10 and 24 degrees."
    asked = parse_qs(urlsplit(web.asked[0]).query)
    assert (asked["latitude"], asked["longitude"], asked["temperature_unit"]) == (["52.52"], ["13.41"], ["celsius"])


def test_cold_and_wet(ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = 200, forecast(now=-1.2, code=71, low=-7, high=0.4, rain=80)
    assert ask() == (
        "It is minus 1 degree and snowing lightly in Berlin, today between minus 7 and 0 degrees; "
        "rain is 80 percent likely."
    )


def test_units_of_the_settings(ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = 200, forecast(now=70)
    ask(units="imperial")
    asked = parse_qs(urlsplit(web.asked[0]).query)
    assert (asked["temperature_unit"], asked["wind_speed_unit"]) == (["fahrenheit"], ["mph"])


def test_home_where_no_place_is_said(ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = 200, forecast()
    assert " in Hamburg, " in ask(None, home="Hamburg")
    with pytest.raises(SkillError, match=r"For which place\? Say one, or set home"):
        ask(None)


def test_a_place_that_only_the_service_knows(ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/search"] = 200, json.dumps({"results": [{"latitude": 54.1, "longitude": 7}]}).encode()
    web.answers["/v1/forecast"] = 200, forecast()
    assert " in Düne, " in ask(Place("Düne"))
    assert web.asked[0].startswith("/v1/search?name=D%C3%BCne&")
    assert "latitude=54.1&longitude=7&" in web.asked[1]


@pytest.mark.parametrize("found", [b"{}", b'{"results": []}', b'{"results": [{"name": "x"}]}', b"[]"])
def test_a_place_that_nobody_knows(found: bytes, ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/search"] = 200, found
    with pytest.raises(SkillError, match=r"^I don't know where grandma's house is\.$"):
        ask(Place("grandma's house"))


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, b"", "answered with error 500"),
        (200, b"<html>log in</html>", "can't read"),
        (200, b"{}", "can't read"),
        (200, b"null", "can't read"),
        (200, forecast(now=None), "can't read"),
        (200, forecast(now="warm"), "can't read"),
        (200, forecast(low=float("nan")), "can't read"),
    ],
)
def test_a_service_out_of_order(status: int, body: bytes, sentence: str, ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = status, body
    with pytest.raises(FetchError, match=sentence):
        ask()


@pytest.mark.parametrize("rain", [None, "much", []])
def test_without_a_chance_of_rain(rain: object, ask: Callable[..., str], web: Any) -> None:
    web.answers["/v1/forecast"] = 200, forecast(code=1234, rain=rain)
    assert ask() == "It is 21 degrees in Berlin, today between 10 and 24 degrees."


def test_no_network_is_one_sentence(now: datetime, function: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def unreachable(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(FetchError, match=r"^I couldn't reach api\.open-meteo\.com\.$"):
        function("weather").run({"location": BERLIN}, Session(now, settings=Settings()))
