"""Actions carried out for real: programs, a web server, a message broker."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from otto.action import Action, Http, Publish, Run
from otto.errors import SkillError
from otto.reply import Reply
from otto.worker.perform import perform

_started: list[list[str]] = []


def _note_processes(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _started.append([str(each) for each in arguments[1]])
    elif event in ("os.system", "os.posix_spawn", "os.exec"):
        _started.append([event, *map(str, arguments)])


sys.addaudithook(_note_processes)


@pytest.fixture
def started() -> list[list[str]]:
    """The argument lists of all processes started since."""
    _started.clear()
    return _started


# run


def test_a_program_runs_and_its_output_can_be_said() -> None:
    action = Action(Run(("echo", "it is {room}", "and {level}")), "{output}, {room}.")
    assert perform(action, {"room": "kitchen", "level": 3}) == Reply("it is kitchen and 3, kitchen.")


def test_without_a_reply_a_short_yes_is_said() -> None:
    assert perform(Action(Run(("true",))), {}) == Reply("Done.")


def test_only_a_reply_is_said_and_each_placeholder_filled_once() -> None:
    assert perform(Action(None, "{a} and {b}"), {"a": "{b}", "b": True}) == Reply("{b} and true")


def test_what_names_a_missing_argument_is_left_out() -> None:
    action = Action(Run(("echo", "a", "--room={room}", "{level}", "b")), "{output}")
    assert perform(action, {}) == Reply("a b")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(SkillError, match="The program no-such-program is not installed"):
        perform(Action(Run(("no-such-program",))), {})


@pytest.mark.parametrize("program", ["./here", "bin/here", "here"])
def test_a_program_in_the_current_folder_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, started: list[list[str]]
) -> None:
    (tmp_path / "bin").mkdir()
    for place in (tmp_path / "here", tmp_path / "bin" / "here"):
        place.write_text("#!/bin/sh\n")
        place.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ".:")
    with pytest.raises(SkillError, match="not installed"):
        perform(Action(Run((program,))), {})
    assert started == []


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(SkillError, match="^ls failed: .*no-such-folder"):
        perform(Action(Run(("ls", "/no-such-folder"))), {})
    with pytest.raises(SkillError, match="^false failed: it ended with code 1"):
        perform(Action(Run(("false",))), {})


def test_a_program_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/pid\nwait\n")
    script.chmod(0o755)
    begun = time.monotonic()
    with pytest.raises(SkillError, match="longer than 0.5 seconds"):
        perform(Action(Run((str(script),)), timeout=0.5), {})
    assert time.monotonic() - begun < 3
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    end = time.monotonic() + 3
    while stat.exists() and stat.read_text().split()[2] != "Z" and time.monotonic() < end:
        time.sleep(0.02)
    assert not stat.exists() or stat.read_text().split()[2] == "Z"


def test_a_program_that_leaves_something_running_is_not_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "opens"
    script.write_text("#!/bin/sh\nsleep 5 &\necho opened\n")
    script.chmod(0o755)
    begun = time.monotonic()
    assert perform(Action(Run((str(script),)), "{output}"), {}) == Reply("opened")
    assert time.monotonic() - begun < 3


def test_a_program_that_prints_without_end_is_read_and_forgotten() -> None:
    reply = perform(Action(Run(("head", "-c", "20000000", "/dev/zero")), "{output}"), {})
    assert len(reply.text) <= 2000


HOSTILE = (
    "; rm -rf ~", "&& touch pwned", "| touch pwned", "|| touch pwned", "& touch pwned &", "$(touch pwned)", "#", "'",
    "`touch pwned`", "${IFS}touch${IFS}pwned", "$HOME", "${PATH}", "~", "~root", "*", "/*", "?", "[a-z]", "{a,b}", '"',
    "{text}", "{output}", "{/0}", "> pwned", ">> pwned", "< /etc/passwd", "2>&1", "<(touch pwned)", "!!", "!$", "''",
    '"" ', "\\", "\\\\", "\\'", "'; touch pwned; '", '"; touch pwned; "', "a\nb", "a\r\nb", "\n", "a\tb", " ", "",
    "  leading", "trailing  ", "a\0b", "\0", "-", "--", "-rf", "--help", "-f/etc/passwd", "-o ProxyCommand=touch",
    "../../bin/sh", "/bin/sh", "%s%n", "\x1b[2J", "\udcff", "\ud800", "ｒｍ", "рм", "\u202etxt.exe", "x" * 10_000,
    "x" * 200_000, "é" * 100, "😀",
)  # fmt: skip
"""What nobody says, but a model may write: shells, options, paths, endings, lengths."""


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that writes down its arguments, one JSON list a line."""
    program = tmp_path_factory.mktemp("bin") / "recorder"
    program.write_text(
        f"#!{sys.executable} -SE\nimport json, sys\n"
        f"with open({str(program)!r} + '.log', 'a') as file:\n    file.write(json.dumps(sys.argv[1:]) + '\\n')\n"
    )
    program.chmod(0o755)
    return program


def test_hostile_arguments_arrive_whole_or_not_at_all(
    recorder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[list[str]]
) -> None:
    assert len(HOSTILE) >= 60
    monkeypatch.chdir(tmp_path)
    log = recorder.with_name("recorder.log")
    wrong, refused = [], 0
    for value in HOSTILE:
        log.unlink(missing_ok=True)
        started.clear()
        try:
            perform(Action(Run((str(recorder), "say", "{text}"))), {"text": value})
        except SkillError:
            refused += 1
            # What cannot be an argument at all is only found out by the system, in starting the program.
            wrong += [value] if log.exists() or len(started) > 1 else []
            continue
        arrived = [json.loads(line) for line in log.read_text().splitlines()]
        if arrived != [["say", value]] or started != [[str(recorder), "say", value]]:
            wrong.append(value)
    assert wrong == []
    assert 7 <= refused <= 14
    assert list(tmp_path.iterdir()) == [tmp_path / "xdg"] or list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["-", "--", "-rf", "--help", "-f/etc/passwd", "-1"])
def test_an_option_is_no_argument(value: str, started: list[list[str]]) -> None:
    with pytest.raises(SkillError, match="like an option"):
        perform(Action(Run(("echo", "{text}"))), {"text": value})
    with pytest.raises(SkillError, match="like an option"):
        perform(Action(Run(("echo", "{text}x"))), {"text": value})
    assert started == []
    after = perform(Action(Run(("echo", "--", "{text}")), "{output}"), {"text": value})
    part = perform(Action(Run(("echo", "--text={text}")), "{output}"), {"text": value})
    assert (after.text, part.text) == (f"-- {value}", f"--text={value}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("sh", "-c", "echo {text}"),
        ("/bin/bash", "-lc", "{text}"),
        ("python3", "-c", "{text}"),
        ("perl", "-e", "{text}"),
    ],
)
def test_what_was_said_is_never_part_of_a_script(arguments: tuple[str, ...], started: list[list[str]]) -> None:
    with pytest.raises(SkillError, match="script"):
        perform(Action(Run(arguments)), {"text": "touch pwned"})
    assert started == []
    said = perform(Action(Run(("sh", "-c", 'echo "$1"', "sh", "{text}")), "{output}"), {"text": "$(touch pwned)"})
    assert said.text == "$(touch pwned)"


# http


@dataclass
class Lamp:
    """A web server like that of a lamp in the house; `answers` by path."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture
def lamp() -> Iterator[Lamp]:
    lamp = Lamp()

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            lamp.requests.append((self.command, self.path, headers, body))
            status, more, content = lamp.answers.get(self.path.partition("?")[0], (200, {}, b"{}"))
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lamp.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield lamp
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_to_a_device_in_the_house(lamp: Lamp) -> None:
    lamp.answers["/api/lights/1"] = (200, {}, b'{"lamps": [{"name/long": "desk"}, {"on": true, "level": 4.5}]}')
    put = Http("PUT", f"{lamp.url}/api/lights/{{number}}", (("X-Key", "abc"),), '{"on": {on}, "note": "by {who} {x}"}')
    action = Action(put, "{/lamps/0/name~1long} is {/lamps/1/on} at {/lamps/1/level}, {who}")
    reply = perform(action, {"number": 1, "on": True, "who": 'Eve "x"'})
    assert reply.text == 'desk is true at 4.5, Eve "x"'
    ((method, path, headers, body),) = lamp.requests
    assert (method, path) == ("PUT", "/api/lights/1")
    assert (headers["x-key"], headers["content-type"]) == ("abc", "application/json")
    assert json.loads(body) == {"on": True, "note": 'by Eve "x" '}


def test_json_values_keep_their_type(lamp: Lamp) -> None:
    template = '{"text": {text}, "number": {number}, "list": {list}, "none": {none}, "{text}": 1}'
    arguments = {"text": '"}, "x": {"', "number": 2.5, "list": ("a", "b"), "none_": 1}
    perform(Action(Http("POST", lamp.url, (), template)), arguments)
    sent = json.loads(lamp.requests[0][3])
    assert sent == {"text": '"}, "x": {"', "number": 2.5, "list": ["a", "b"], "none": None, '"}, "x": {"': 1}


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("New York", "/w/New%20York?q=New%20York"),
        ("a/b?c&d=e#f", "/w/a%2Fb%3Fc%26d%3De%23f?q=a%2Fb%3Fc%26d%3De%23f"),
        ("../../admin", "/w/..%2F..%2Fadmin?q=..%2F..%2Fadmin"),
        ("@evil.example", "/w/%40evil.example?q=%40evil.example"),
        ("é\r\nHost: x", "/w/%C3%A9%0D%0AHost%3A%20x?q=%C3%A9%0D%0AHost%3A%20x"),
        ("%2e%2e", "/w/%252e%252e?q=%252e%252e"),
    ],
)
def test_an_argument_is_percent_encoded(lamp: Lamp, word: str, path: str) -> None:
    perform(Action(Http("GET", f"{lamp.url}/w/{{word}}?q={{word}}")), {"word": word})
    assert lamp.requests[0][1] == path


@pytest.mark.parametrize("word", ["..", "."])
def test_an_argument_cannot_climb(lamp: Lamp, word: str) -> None:
    with pytest.raises(SkillError, match="another address"):
        perform(Action(Http("GET", f"{lamp.url}/w/{{word}}/x")), {"word": word})
    assert lamp.requests == []


def test_hostile_arguments_stay_where_they_belong(lamp: Lamp) -> None:
    for value in HOSTILE:
        try:
            perform(Action(Http("POST", f"{lamp.url}/w/{{word}}", (), '{"a": {word}}')), {"word": value})
        except SkillError:
            continue
        _, path, headers, body = lamp.requests[-1]
        assert path.startswith("/w/") and path.count("/") == 2
        assert headers["host"] == lamp.url.removeprefix("http://")
        assert json.loads(body) == {"a": value}


def test_a_redirect_to_another_host_is_not_followed(lamp: Lamp) -> None:
    lamp.answers["/"] = (302, {"Location": "http://127.0.0.1:1/secret"}, b"")
    with pytest.raises(SkillError):
        perform(Action(Http("GET", f"{lamp.url}/")), {})
    assert len(lamp.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ((500, {}, b"{}"), ""),
        ((200, {}, b"<html>"), "{/x}"),
        ((200, {}, b'{"a": [1]}'), "{/a/1}"),
        ((200, {}, b"3"), "{/a}"),
    ],
)
def test_an_answer_that_does_not_serve_is_a_sentence(
    lamp: Lamp, answer: tuple[int, dict[str, str], bytes], reply: str
) -> None:
    lamp.answers["/"] = answer
    with pytest.raises(SkillError, match=r"\.$"):
        perform(Action(Http("GET", f"{lamp.url}/"), reply), {})


def test_nobody_at_the_address_is_a_sentence() -> None:
    with pytest.raises(SkillError, match="127.0.0.1"):
        perform(Action(Http("GET", f"http://127.0.0.1:{free_port()}/"), timeout=2), {})


# publish


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A mosquitto of our own."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/bin")
    if program is None:
        pytest.skip("needs the program mosquitto: apt-get install mosquitto")
    if importlib.util.find_spec("paho") is None:
        pytest.skip("needs paho-mqtt: pip install paho-mqtt")
    port = free_port()
    configuration = tmp_path_factory.mktemp("mosquitto") / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = subprocess.Popen(
        [program, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def heard(broker: str) -> Iterator[list[tuple[str, str]]]:
    """Every message that the broker hands out."""
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    messages: list[tuple[str, str]] = []
    ready = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        messages.append((message.topic, message.payload.decode()))

    client.on_message = take
    client.on_subscribe = lambda *_: ready.set()
    client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
    host, _, port = broker.partition(":")
    client.connect(host, int(port))
    client.loop_start()
    assert ready.wait(10)
    yield messages
    client.disconnect()
    client.loop_stop()


def settled(messages: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    end = time.monotonic() + 5
    while len(messages) < count and time.monotonic() < end:
        time.sleep(0.01)
    return messages


def test_a_message_reaches_the_broker(broker: str, heard: list[tuple[str, str]]) -> None:
    action = Action(Publish("home/{room}/light", "{state} {level}"), "{room} is {state}")
    assert perform(action, {"room": "living room", "state": "on"}, broker=broker).text == "living room is on"
    payload = Publish("home/lamp/set", '{"state": "{state}", "level": {level}}')
    perform(Action(payload), {"state": 'on", "x": "', "level": 3}, broker=broker)
    (first, second) = settled(heard, 2)
    assert first == ("home/living room/light", "on ")
    assert second[0] == "home/lamp/set"
    assert json.loads(second[1]) == {"state": 'on", "x": "', "level": 3}


@pytest.mark.parametrize("room", ["a/b", "#", "+", "a#", "", "\0"])
def test_an_argument_stays_within_its_level(broker: str, heard: list[tuple[str, str]], room: str) -> None:
    with pytest.raises(SkillError, match="topic"):
        perform(Action(Publish("home/{room}/light", "on")), {"room": room}, broker=broker)
    assert heard == []


def test_no_broker_is_a_sentence() -> None:
    pytest.importorskip("paho", reason="needs paho-mqtt")
    with pytest.raises(SkillError, match="couldn't reach the message broker at 127.0.0.1"):
        perform(Action(Publish("a", "b"), timeout=2), {}, broker=f"127.0.0.1:{free_port()}")


def test_a_broker_that_says_nothing_is_not_waited_for() -> None:
    pytest.importorskip("paho", reason="needs paho-mqtt")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(SkillError, match="did not take the message"):
            perform(Action(Publish("a", "b"), timeout=0.5), {}, broker=f"127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - begun < 5


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(SkillError, match=r"pip install 'otto-assistant\[mqtt\]'"):
        perform(Action(Publish("a", "b")), {})
