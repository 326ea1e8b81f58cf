"""Which addresses belong to the open internet, and which to this machine, its network or its cloud provider.

`otto/network/fetch.py` asks here before it connects, so that no text from a model, a feed or a redirect can make Otto
talk to a router's settings page, a service on localhost or a cloud's metadata server (server-side request forgery).

    >>> refusal("127.0.0.1"), refusal("::ffff:10.0.0.1"), refusal("1.1.1.1")
    ('this machine', 'a private network', '')
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The IANA special-purpose registries, spelled out: `is_global` of the standard library differs between Python versions.
_NETWORKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("this machine", ("127.0.0.0/8", "::1/128")),
    ("no host at all", ("0.0.0.0/8", "::/128", "255.255.255.255/32")),
    # Azure's and Oracle's metadata servers sit outside of the link-local range that the other clouds use.
    (
        "a cloud's metadata server",
        (
            "169.254.169.254/32",
            "169.254.170.2/32",
            "100.100.100.200/32",
            "192.0.0.192/32",
            "168.63.129.16/32",
            "fd00:ec2::254/128",
            "fd20:ce::254/128",
        ),
    ),  # fmt: skip
    ("the local link", ("169.254.0.0/16", "fe80::/10")),
    ("a private network", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("a provider's shared network", ("100.64.0.0/10",)),
    ("a group of hosts", ("224.0.0.0/4", "ff00::/8")),
    (
        "a reserved range",
        (
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "240.0.0.0/4",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
        ),
    ),  # fmt: skip
)
_SPECIAL = tuple((what, ipaddress.ip_network(text)) for what, texts in _NETWORKS for text in texts)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = re.compile(r"0[02]005efe")
# A host whose last label is a number is read as an IPv4 address by most resolvers, whatever the form.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)
_DOTTED = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")


def refusal(address: str) -> str:
    """What kind of forbidden place a numeric address is ("this machine"), or "" when it is on the open internet."""
    try:
        return _refusal(ipaddress.ip_address(address))
    except ValueError:
        return "no host at all"


def is_metadata(address: str) -> bool:
    """Whether the address may not be reached even where the user has allowed the local network."""
    return refusal(address) in ("a cloud's metadata server", "the local link", "no host at all", "a group of hosts")


def literal(host: str) -> str | None:
    """The numeric address that `host` is written as, or None when it is a name.

    Raises `ValueError` for numbers in any form but the plain one: `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1`,
    `fe80::1%eth0`. Resolvers read these as addresses, and no honest caller writes them.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("an address with a zone")
        return str(ipaddress.IPv6Address(host))
    if not _NUMERIC.fullmatch(host):
        return None
    if not _DOTTED.fullmatch(host):
        raise ValueError("an address in an unusual form")
    return str(ipaddress.IPv4Address(host))


def _refusal(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return "the local link"
        if inner := _embedded(address):
            return _refusal(inner)
    for what, network in _SPECIAL:
        if address.version == network.version and address in network:
            return what
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _GLOBAL_V6:
            return "a reserved range"
        if _ISATAP.match(f"{int(address) & (2**64 - 1):016x}"):
            return "a tunnel"
    return ""


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address to which a packet really goes: mapped addresses, and NAT64 as IPv6-only networks use it."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
