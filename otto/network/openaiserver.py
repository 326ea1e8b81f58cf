"""Servers that speak OpenAI's API: what their addresses are like, and a client that goes through the network door.

client(address, key, transport(**reach(address), seconds=20)).chat.completions.create(…)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx
    from openai import OpenAI

OPENAI = "https://api.openai.com/v1"
"""Where no other server is named."""


def usable(address: str) -> bool:
    """Whether it is an http address without a password in it."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def origin(address: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Reach(TypedDict):
    """What a door allows."""

    hosts: set[str]
    origins: set[str]


def reach(address: str) -> Reach:
    """What the door (`otto/network/fetch.py`, `otto/network/streaming.py`) must allow: OpenAI's own server as
    a host, which is never a local one; any other as an origin that the user has set."""
    if address == OPENAI:
        return {"hosts": {str(urlsplit(OPENAI).hostname)}, "origins": set()}
    return {"hosts": set(), "origins": {origin(address)}}


def client(address: str, key: str, door: httpx.BaseTransport) -> OpenAI:
    """A client that goes through `door`, and never waits and tries again by itself."""
    import httpx
    from openai import OpenAI

    # Local servers want no key, but the client insists on one.
    http = httpx.Client(transport=door, trust_env=False)
    return OpenAI(base_url=address, api_key=key or "none", max_retries=0, http_client=http)
