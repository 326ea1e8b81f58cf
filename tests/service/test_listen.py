"""`/api/listen` with a real WebSocket client: sound in, events out."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from otto.audio.scripted import ScriptedSpeech, loudness
from otto.audio.synthesis import synthesise
from otto.audio.tts import find_voice
from otto.service import listen
from otto.service.engines import Engines
from otto.service.run import Server
from tests.damage import damaged, resident_mb
from tests.service.conftest import over_tcp, serving

SENTENCES = ("paint the old door", "crush the old car", "yes", "no", "build the tree", "how do magnets work")
Event = dict[str, Any]


@pytest.fixture(scope="module")
def speech() -> ScriptedSpeech:
    """A language of tones, in which every sentence is understood."""
    return ScriptedSpeech(*SENTENCES)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, speech: ScriptedSpeech) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("v"),
        engines=lambda otto: Engines(lambda snapshot: speech, lambda: otto.live.ready.snapshot, lambda: loudness),
    ) as server:
        yield server


class Talk:
    """One connection."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.events: list[Event] = []

    def say(self, sound: NDArray[np.int16]) -> None:
        data = sound.astype("<i2").tobytes()
        for start in range(0, len(data), 3001):  # frames need not end with a chunk, nor with a sample
            self.websocket.send(data[start : start + 3001])

    def tell(self, kind: str) -> None:
        self.websocket.send(json.dumps({"type": kind}))

    def until(self, *kinds: str, seconds: float = 10) -> Event:
        """The next event of one of these kinds."""
        deadline = time.monotonic() + seconds
        while True:
            event: Event = json.loads(self.websocket.recv(deadline - time.monotonic()))
            self.events.append(event)
            if event["type"] in kinds:
                return event

    def kinds(self) -> list[str]:
        """What has come, without the levels, each kind once for several in a row."""
        found = [event["type"] for event in self.events if event["type"] != "level"]
        return [kind for place, kind in enumerate(found) if place == 0 or found[place - 1] != kind]


@contextmanager
def talking(server: Server, **more: Any) -> Iterator[Talk]:
    headers = {"Authorization": f"Bearer {server.service.token.secret}", **more}
    with connect(
        f"ws://127.0.0.1:{server.port}/api/listen", additional_headers=headers, proxy=None, compression=None
    ) as websocket:
        yield Talk(websocket)


def test_a_spoken_command_is_told_step_by_step(server: Server, speech: ScriptedSpeech) -> None:
    with talking(server) as talk:
        talk.say(speech.say("paint the old door"))
        reply = talk.until("reply")
    assert talk.kinds() == ["ready", "speech", "transcript", "route", "result", "reply"]
    told = {event["type"]: event for event in talk.events}
    assert told["transcript"]["text"] == "paint the old door"
    assert told["route"]["calls"] == ['paint(thing="old door")']
    assert told["result"]["outcome"] == "ran"
    assert reply["text"] == "Painted old door." and reply["ok"]
    assert {"transcribe", "route", "speech_to_call", "dispatch"} <= reply["timings_ms"].keys()
    levels = [event["db"] for event in talk.events if event["type"] == "level"]
    assert max(levels) > -30 and min(levels) < -60


@pytest.mark.parametrize(("answer", "outcome"), [("yes", "Crushed old car."), ("no", "crush was not done")])
@pytest.mark.parametrize("spoken", [True, False])
def test_a_risky_command_wants_a_yes(
    server: Server, speech: ScriptedSpeech, answer: str, outcome: str, spoken: bool
) -> None:
    with talking(server) as talk:
        talk.say(speech.say("crush the old car"))
        assert talk.until("question", "reply")["text"] == "Shall I run crush, old car?"
        if spoken:
            talk.say(speech.say(answer))
        else:
            talk.tell(answer)
        assert outcome in talk.until("reply")["text"]


def test_a_key_says_where_a_command_ends(server: Server, speech: ScriptedSpeech) -> None:
    sound = speech.say("paint the old door", silence=0.0)
    with talking(server) as talk:
        talk.until("ready")
        talk.tell("begin")
        talk.say(sound)
        time.sleep(0.3)
        talk.tell("end")
        talk.say(np.zeros(1024, np.int16))
        assert talk.until("reply")["text"] == "Painted old door."


def test_what_is_no_command_is_answered_too(server: Server, speech: ScriptedSpeech) -> None:
    with talking(server) as talk:
        talk.say(speech.say("how do magnets work"))
        assert "don't know" in talk.until("reply")["text"]


def test_cancel_ends_what_is_done(server: Server, speech: ScriptedSpeech) -> None:
    with talking(server) as talk:
        talk.say(speech.say("build the tree"))
        talk.until("route")
        while server.service.turns.commands.idle:
            time.sleep(0.005)
        talk.tell("cancel")
        assert talk.until("result")["outcome"] == "failed"


def test_messages_that_make_no_sense_are_answered(server: Server) -> None:
    with talking(server) as talk:
        for text in ("nonsense", "[]", '{"type": "fly"}', '{"type": "yes"}', "[" * 5000):
            talk.websocket.send(text)
            assert talk.until("error")["text"]


def test_a_third_listener_is_told_to_wait(server: Server) -> None:
    with talking(server) as one, talking(server) as two, talking(server) as three:
        one.until("ready")
        two.until("ready")
        assert "Too many" in three.until("error")["text"]
        with pytest.raises(ConnectionClosed) as closed:
            three.until("ready")
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
    with talking(server) as four:
        four.until("ready")


def test_silence_ends_the_connection(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "QUIET_SECONDS", 0.3)
    with talking(server) as talk, pytest.raises(ConnectionClosed):
        talk.until("never")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "http://evil.example"}, 403),
    ],
)
def test_strangers_do_not_listen(server: Server, headers: dict[str, str], status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, talking(server, **headers):
        pass
    assert refused.value.response.status_code == status


def listeners() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name in ("listening", "ears")]


def nobody_listens() -> None:
    deadline = time.monotonic() + 20
    while listeners() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listeners()


def test_connections_that_break_off_leave_nothing_behind(server: Server, speech: ScriptedSpeech) -> None:
    with talking(server) as talk:
        talk.until("ready")
    for _ in range(5):
        with talking(server) as talk:
            talk.say(speech.say("paint the old door")[:8000])
            talk.websocket.socket.close()
    nobody_listens()
    with over_tcp(server) as client:
        assert "otto_listening 0.0" in client.get("/metrics").text


def frame(kind: int, content: bytes) -> bytes:
    """As a client sends it: masked, here with zeros."""
    size = bytes([0x80 | len(content)]) if len(content) < 126 else bytes([0xFE, *len(content).to_bytes(2, "big")])
    return bytes([0x80 | kind]) + size + bytes(4) + content


TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
TALK = b"".join((
    frame(TEXT, b'{"type": "begin"}'), frame(BINARY, bytes(2 * 1600)), frame(PING, b"are you there"),
    frame(TEXT, b'{"type": "end"}'), frame(BINARY, bytes(range(256)) * 4), frame(TEXT, b'{"type": "no"}'),
    frame(TEXT, b'{"type": "cancel"}'), frame(CLOSE, b"\x03\xe8"),
))  # fmt: skip


def sent(server: Server, stream: bytes) -> None:
    """A connection over which this comes instead of proper frames; until the server closes it."""
    head = f"GET /api/listen HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    head += f"Authorization: Bearer {server.service.token.secret}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection, suppress(OSError):
        connection.sendall(head.encode())
        assert b" 101 " in connection.recv(1000)
        connection.sendall(stream)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("count", [40, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_no_stream_of_bytes_does_any_harm(server: Server, speech: ScriptedSpeech, count: int) -> None:
    def send(streams: Iterator[bytes]) -> None:
        while some := list(islice(streams, 100)):  # not all at once: they would fill the memory that is measured
            list(pool.map(lambda stream: sent(server, stream), some))

    with ThreadPoolExecutor(8) as pool:
        send(damaged(TALK, max(20, count // 10), 1))
        before = resident_mb()
        send(damaged(TALK, count, 2))
    nobody_listens()
    assert resident_mb() - before < 10
    with talking(server) as talk:
        talk.say(speech.say("paint the old door"))
        assert talk.until("reply")["text"] == "Painted old door."


Said = Callable[[str], NDArray[np.int16]]


@pytest.fixture
def voice() -> Said:
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("onnxruntime")
    found = find_voice(played=False)
    if found is None:
        pytest.skip("needs espeak-ng")

    def said(text: str) -> NDArray[np.int16]:
        from otto.audio.recording import resampled

        spoken = synthesise(found, text)
        sound = resampled(spoken.samples.astype(np.float32) / 32768, spoken.rate)
        quiet = np.zeros(16_000)
        return np.concatenate([quiet, sound * 32767, quiet]).astype(np.int16)

    return said


def test_a_voice_is_heard_by_the_real_parts(tmp_path: Path, voice: Said) -> None:
    with serving(tmp_path) as server, talking(server) as talk:
        talk.until("ready", seconds=60)
        talk.say(voice("could you paint the tree"))
        route = talk.until("route", "refused", seconds=30)
        assert route["type"] == "route" and route["calls"][0].startswith("paint(")
        assert talk.until("reply")["ok"]
    assert "partial" in talk.kinds()
