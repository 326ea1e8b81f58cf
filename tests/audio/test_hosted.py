"""Transcription at an endpoint: a real server on this machine, good and bad answers."""

from __future__ import annotations

import io
import json
import threading
import wave
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from otto.audio.hosted import Hosted, TranscriptionError
from otto.audio.score import whole_chunks

SOUND = np.arange(-8000, 8000, dtype=np.int16)


class Server(ThreadingHTTPServer):
    """Keeps what it was asked, and answers what it is told to."""

    status = 200
    body = b'{"text": " Turn it  up. ", "language": "en"}'

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[tuple[str, str, dict[str, bytes]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Answering(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + body)
        fields = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in parts.iter_parts()
        }
        self.server.asked.append((self.path, self.headers.get("Authorization", ""), fields))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_the_sound_is_sent_as_a_wav_file_and_the_text_comes_back(server: Server) -> None:
    engine = Hosted(server.address, model="some-model", key="k-1", prompt="lights on.")
    hearing = engine.listen()
    for chunk in whole_chunks(SOUND):
        hearing.feed(chunk)
        assert hearing.partial() == ""
    transcript = hearing.finish()
    assert (transcript.text, transcript.language) == ("Turn it up.", "en")
    assert transcript.seconds == pytest.approx(1.0, abs=0.033)
    path, key, fields = server.asked[0]
    assert (path, key) == ("/v1/audio/transcriptions", "Bearer k-1")
    assert (fields["model"], fields["language"], fields["prompt"]) == (b"some-model", b"en", b"lights on.")
    with wave.open(io.BytesIO(fields["file"])) as sent:
        assert (sent.getframerate(), sent.getnchannels(), sent.getsampwidth()) == (16_000, 1, 2)
        heard = np.frombuffer(sent.readframes(len(SOUND)), "<i2")
    assert np.array_equal(heard, SOUND)


def test_a_server_of_ones_own_needs_no_key(server: Server) -> None:
    Hosted(server.address, model="m").transcribe(whole_chunks(SOUND))
    assert server.asked[0][1] == ""


def test_nothing_is_sent_when_nothing_was_said(server: Server) -> None:
    assert Hosted(server.address, model="m").listen().finish().text == ""
    assert server.asked == []


def test_what_was_heard_is_snapped(server: Server) -> None:
    engine = Hosted(server.address, model="m", snap=str.upper)
    assert engine.transcribe(whole_chunks(SOUND)).text == "TURN IT UP."


@pytest.mark.parametrize(
    ("status", "body", "names"),
    [
        (401, b'{"error": "bad key k-secret"}', "check OPENAI_API_KEY"),
        (404, b"", "check stt_model and OPENAI_BASE_URL"),
        (413, b"", "too long"),
        (429, b"", "too much to do"),
        (500, b"k-secret", "error 500"),
        (200, b"<html>", "no transcript"),
        (200, b"[]", "no transcript"),
        (200, json.dumps({"text": None}).encode(), "no transcript"),
        (200, b"\xff\xfe", "no transcript"),
    ],
)
def test_a_bad_answer_becomes_a_sentence_without_the_key(server: Server, status: int, body: bytes, names: str) -> None:
    server.status, server.body = status, body
    engine = Hosted(server.address, model="m", key="k-secret")
    with pytest.raises(TranscriptionError, match=names) as refused:
        engine.transcribe(whole_chunks(SOUND))
    assert "k-secret" not in str(refused.value)


def test_nobody_there(server: Server) -> None:
    address = server.address
    server.server_close()
    server.shutdown()
    with pytest.raises(TranscriptionError, match="could not be reached"):
        Hosted(address, model="m", seconds=2.0).transcribe(whole_chunks(SOUND))


@pytest.mark.parametrize(
    ("address", "model", "key", "names"),
    [
        ("http://localhost:1/v1", "", "", "Set stt_model"),
        ("", "m", "", "set OPENAI_BASE_URL or OPENAI_API_KEY"),
        ("localhost", "m", "", "is no web address"),
        ("file:///etc/passwd", "m", "", "is no web address"),
    ],
)
def test_what_is_missing_is_named(address: str, model: str, key: str, names: str) -> None:
    with pytest.raises(TranscriptionError, match=names):
        Hosted(address, model=model, key=key)
