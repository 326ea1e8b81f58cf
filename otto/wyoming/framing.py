"""Reading the protocol's events from somebody who is not trusted.

An event is a line of JSON, then as many bytes of JSON and of payload as the line says. The protocol's own package
believes these numbers (an endless length takes all memory, CVE-2021-32675 was the like); here each has a limit.

    event = await read_event(reader)        # None at the end of the stream
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from otto.errors import OttoError

MOST_LINE = 65_536
"""Bytes in the line that begins an event; the reader's own limit must be as high."""
MOST_DATA = 65_536
MOST_PAYLOAD = 1 << 20
"""Bytes of sound in one event: half a minute at 16 kHz."""
READ_SECONDS = 30.0
"""For the rest of an event whose beginning has come."""


class FramingError(OttoError):
    """What came is no event, and nothing that follows can be understood either."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """The next event; None when the stream has ended between two. Raises `FramingError`."""
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise FramingError("The stream ended in the middle of an event.") from error
        return None
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise FramingError(f"An event begins with a line of at most {MOST_LINE:,} bytes.") from error
    entry = _object(line)
    try:
        async with asyncio.timeout(READ_SECONDS):
            data = await reader.readexactly(_length(entry, "data_length", MOST_DATA))
            payload = await reader.readexactly(_length(entry, "payload_length", MOST_PAYLOAD))
    except (asyncio.IncompleteReadError, TimeoutError) as error:
        raise FramingError("The stream ended in the middle of an event.") from error
    content = entry.get("data") or {}
    if not isinstance(entry.get("type"), str) or not isinstance(content, dict):
        raise FramingError("An event has a type, and data that is an object.")
    return Event(entry["type"], {**content, **(_object(data) if data else {})}, payload or None)


def _object(text: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FramingError("An event is written as a JSON object.") from error
    if not isinstance(entry, dict):
        raise FramingError("An event is written as a JSON object.")
    return entry


def _length(entry: dict[str, Any], name: str, most: int) -> int:
    length = entry.get(name) or 0
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= most:
        raise FramingError(f"{name} is a number of bytes from 0 to {most:,}.")
    return length
