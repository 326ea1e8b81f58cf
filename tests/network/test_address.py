"""Which addresses belong to the open internet."""

from __future__ import annotations

import pytest

from otto.network.address import is_metadata, literal, refusal


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_the_open_internet_is_allowed(address: str) -> None:
    assert refusal(address) == ""


def test_the_place_is_named() -> None:
    assert refusal("127.0.0.1") == "this machine"
    assert refusal("10.1.2.3") == "a private network"
    assert refusal("not an address") == "no host at all"


def test_metadata_servers_stay_closed_on_an_allowed_local_network() -> None:
    assert is_metadata("169.254.169.254") and is_metadata("fd00:ec2::254") and is_metadata("168.63.129.16")
    assert not is_metadata("127.0.0.1") and not is_metadata("192.168.1.20")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.2.3.04", "0x7f.0.0.1", "a.1", "1.1.1.0x1"]
)
def test_unusual_numbers_are_no_address(host: str) -> None:
    with pytest.raises(ValueError, match="unusual|expected|octet"):
        literal(host)


def test_names_are_no_numbers() -> None:
    assert literal("api.open-meteo.com") is None
    assert literal("4chan.org") is None
    assert literal("8.8.8.8") == "8.8.8.8"
    assert literal("0:0::1") == "::1"
