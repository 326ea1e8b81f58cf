"""Events from somebody who is not trusted: whatever comes, it is an event, an end, or a refusal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random

import pytest
from wyoming.event import Event, async_write_event

from otto.wyoming.framing import MOST_LINE, MOST_PAYLOAD, FramingError, read_event


def read_all(stream: bytes) -> list[Event]:
    async def reading() -> list[Event]:
        reader = asyncio.StreamReader(limit=MOST_LINE)
        reader.feed_data(stream)
        reader.feed_eof()
        events = []
        while event := await read_event(reader):
            events.append(event)
        return events

    return asyncio.run(reading())


def written(*events: Event) -> bytes:
    """As the protocol's own package writes them."""

    class Kept(list[bytes]):
        def writelines(self, parts: list[bytes]) -> None:
            self.extend(parts)

        def write(self, part: bytes) -> None:
            self.append(part)

        async def drain(self) -> None:
            pass

    async def writing() -> bytes:
        kept = Kept()
        for event in events:
            await async_write_event(event, kept)  # type: ignore[arg-type]
        return b"".join(kept)

    return asyncio.run(writing())


def test_events_are_read_as_the_protocols_own_package_writes_them() -> None:
    events = [
        Event("describe"),
        Event("recognize", {"text": "wecke mich um sieben ⏰", "context": {"conversation_id": "x"}}),
        Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1}, b"\x00\n\xff" * 1000),
    ]
    assert read_all(written(*events)) == events


@pytest.mark.parametrize(
    "stream",
    [
        b"not json\n",
        b"[1, 2]\n",
        b'{"data": {}}\n',
        b'{"type": 5}\n',
        b'{"type": "x", "data": 7}\n',
        b'{"type": "x", "data_length": 99999999999}\n',
        b'{"type": "x", "data_length": -1}\n',
        b'{"type": "x", "data_length": true}\n',
        b'{"type": "x", "data_length": "5"}\n12345',
        b'{"type": "x", "payload_length": 1e12}\n',
        json.dumps({"type": "x", "payload_length": MOST_PAYLOAD + 1}).encode() + b"\n",
        b'{"type": "x", "data_length": 2}\n[]',
        b'{"type": "x", "payload_length": 100}\nshort',
        b'{"type": "x"',
        b"x" * (MOST_LINE + 10) + b"\n",
        b'{"type": "x", "data": ' + b"[" * 30_000 + b"\n",
    ],
)
def test_what_is_no_event_is_refused(stream: bytes) -> None:
    with pytest.raises(FramingError):
        read_all(stream)


def fuzzed(count: int, seed: int) -> None:
    chance = random.Random(seed)
    whole = written(Event("recognize", {"text": "stop"}), Event("audio-chunk", {"rate": 16000}, b"abcd" * 50))
    for _ in range(count):
        stream = bytearray(whole)
        for _ in range(chance.randrange(6)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        with contextlib.suppress(FramingError):
            read_all(bytes(stream[: chance.randrange(len(stream) + 1)]))


def test_random_streams_cut_anywhere_are_events_or_refused() -> None:
    fuzzed(1_000, seed=1)


@pytest.mark.nightly
def test_ten_thousand_random_streams() -> None:
    fuzzed(10_000, seed=2)
