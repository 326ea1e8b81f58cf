"""What is heard and said stays in memory, and no secret is logged (docs/reliability.md 6.1, 6.2)."""

from __future__ import annotations

import io
import json
import os
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from websockets.sync.client import connect

from otto.audio.chunk import RATE
from otto.audio.scripted import ScriptedSpeech, loudness
from otto.log import set_up
from otto.service.engines import Engines
from otto.service.run import Server
from otto.turn import Assistant
from tests.service.conftest import over_tcp, serving

opened: list[str] = []
"""Files that were opened for writing while `watching`."""
watching = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if watching and event == "open":
        path, mode, flags = arguments
        writes = isinstance(mode, str) and set(mode) & set("wax+")
        if (writes or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))) and isinstance(
            path, (str, bytes)
        ):
            opened.append(os.fsdecode(path))


sys.addaudithook(_audit)


def engines(speech: ScriptedSpeech) -> object:
    def made(otto: Assistant) -> Engines:
        return Engines(lambda snapshot: speech, lambda: otto.live.ready.snapshot, lambda: loudness)

    return made


def as_wav(samples: object, channels: int = 1, rate: int = RATE) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return written.getvalue()


def use_everything(server: Server, speech: ScriptedSpeech, sentence: str) -> None:
    sound = speech.say(sentence)
    large = as_wav(np.repeat(sound, 24), channels=2, rate=12 * RATE)
    assert len(large) > 1 << 20, "larger than what parsers of forms keep in memory"
    with over_tcp(server) as client:
        headers = {"Content-Type": "audio/wav"}
        assert client.post("/api/transcribe", content=as_wav(sound), headers=headers).json()["text"] == sentence
        answer = client.post("/v1/audio/transcriptions", files={"file": ("a.wav", large, "audio/wav")})
        assert answer.json()["text"] == sentence
        client.post("/api/ask", json={"text": sentence})
        client.post("/api/ask", json={"text": sentence, "canary": sentence})
        client.post("/api/transcribe", content=b"broken", headers=headers)
        client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": sentence}]})
    token = {"Authorization": f"Bearer {server.service.token.secret}"}
    address = f"ws://127.0.0.1:{server.port}/api/listen"
    with connect(address, additional_headers=token, proxy=None, compression=None) as websocket:
        websocket.send(sound.tobytes()[:60_000])
        websocket.send(np.zeros(RATE, np.int16).tobytes())
        while json.loads(websocket.recv(10))["type"] not in ("reply", "refused"):
            pass


def written(tmp_path: Path) -> set[str]:
    """What was opened for writing while everything was used, beside the store and the log."""
    global watching
    sentence = "paint the old door"
    speech = ScriptedSpeech(sentence)
    with serving(tmp_path, engines=engines(speech)) as server:  # type: ignore[arg-type]
        opened.clear()
        watching = True
        try:
            use_everything(server, speech, sentence)
        finally:
            watching = False
    return {path for path in opened if not path.startswith((str(tmp_path / "state_folder"), os.devnull))}


def test_only_the_store_and_the_log_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("soundfile")
    assert not written(tmp_path / "one")
    monkeypatch.setattr("otto.service.openai._InMemory.spool_max_size", 1000)
    assert written(tmp_path / "two"), "a recording on the disk would have been seen"


def test_neither_words_nor_the_token_are_logged(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    sentence = "paint the canarybird"
    speech = ScriptedSpeech(sentence)
    log = tmp_path / "log"
    set_up("info", log)
    try:
        with serving(tmp_path, engines=engines(speech)) as server:  # type: ignore[arg-type]
            use_everything(server, speech, sentence)
            secret = server.service.token.secret
            code = server.service.token.code()
            with over_tcp(server) as client:
                client.post("/api/login", json={"code": code})
                client.get("/api/skills", headers={"Authorization": f"Bearer {secret[:-1]}"})
    finally:
        set_up()
    told = log.read_text()
    assert told, "the log is on"
    for canary in ("canarybird", secret, code):
        assert canary not in told
