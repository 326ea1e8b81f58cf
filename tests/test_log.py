"""No secret ever, no utterance above debug, one line a record."""

from __future__ import annotations

import io
import logging
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otto import log
from otto.errors import CallSyntaxError
from otto.log import Spoken, escaped, hide, set_up, without_secrets

UTTERANCE = "remind me that the canary sings at nine"


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    yield
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, log._Handler)]:
        root.removeHandler(handler)
        handler.close()
    for package in log.PACKAGES:
        logging.getLogger(package).setLevel(logging.NOTSET)
    log._hidden.clear()


@pytest.fixture
def logged(tmp_path: Path) -> Callable[[str], Callable[[], str]]:
    """Sets up a log at a level; what is returned reads it."""

    def at(level: str) -> Callable[[], str]:
        file = tmp_path / "state" / "otto.log"
        set_up(level, file)
        return lambda: file.read_text(encoding="utf-8")

    return at


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x1b[2J", "\x00", "\x85", "\u2028", "\u202e", "\x9b"])
def test_no_text_can_begin_a_line_of_its_own_or_drive_a_terminal(
    logged: Callable[[str], Callable[[], str]], level: str, end: str
) -> None:
    read = logged(level)
    logging.getLogger("otto.test").error("said %s", f"hello{end}2026-01-01 00:00:00 ERROR otto: forged")
    assert len(read().splitlines()) == 1
    assert read().endswith("\n") and end not in read()[:-1]
    assert "hello\\" in read()


def test_an_exception_is_one_line_too(logged: Callable[[str], Callable[[], str]]) -> None:
    read = logged("debug")
    try:
        raise CallSyntaxError("bad\nnews", "x", 0)
    except CallSyntaxError:
        logging.getLogger("otto.test").exception("failed")
    assert len(read().splitlines()) == 1
    assert "\\nTraceback" in read() and "bad\\nnews" in read()


def raise_about(words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError as error:
        raise CallSyntaxError("cannot be read", words, 3) from error


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_what_was_said_is_logged_only_at_debug(logged: Callable[[str], Callable[[], str]], level: str) -> None:
    read, logger = logged(level), logging.getLogger("otto.test")
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("heard %s", Spoken(UTTERANCE))
        write("heard %r, %10s", Spoken(UTTERANCE), Spoken(UTTERANCE))
        write(f"heard {Spoken(UTTERANCE)}, {Spoken(UTTERANCE)!r}")
        try:
            raise_about(UTTERANCE)
        except CallSyntaxError:
            write("failed", exc_info=True)
    assert "canary" not in read()
    assert "heard [8 words]" in read()
    assert "CallSyntaxError" in read() and "caused by ValueError" in read() and "raise_about" in read()


def test_at_debug_it_is_logged(logged: Callable[[str], Callable[[], str]]) -> None:
    read, logger = logged("debug"), logging.getLogger("otto.test")
    logger.info("heard %s", Spoken(UTTERANCE))
    try:
        raise_about(UTTERANCE)
    except CallSyntaxError:
        logger.exception("failed")
    assert read().count("canary") >= 2


def test_a_message_formatted_by_another_handler_first_is_not_reused(
    logged: Callable[[str], Callable[[], str]], caplog: pytest.LogCaptureFixture
) -> None:
    """`logging` keeps the text of an exception in the record for the next handler."""
    read = logged("info")
    root = logging.getLogger()
    other = logging.StreamHandler(io.StringIO())
    root.handlers.insert(0, other)
    try:
        try:
            raise_about(UTTERANCE)
        except CallSyntaxError:
            logging.getLogger("otto.test").exception("failed")
    finally:
        root.removeHandler(other)
    assert "CallSyntaxError" in read() and "canary" not in read()


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_secret_is_ever_logged(
    logged: Callable[[str], Callable[[], str]], monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    read, logger = logged(level), logging.getLogger("otto.test")
    secrets = {}
    for name in ("OPENAI_API_KEY", "WANDB_API_KEY", "HF_TOKEN", "MQTT_PASSWORD", "my_secret", "AWS_CREDENTIALS"):
        secrets[name] = f"canary-{name.lower()}"
        monkeypatch.setenv(name, secrets[name])
    hide(told := "canary-told-1234")
    shapes = ["sk-proj-canary0123456789", "hf_canary0123456789ab", "ghp_canary0123456789ab"]
    for secret in (*secrets.values(), told, *shapes):
        logger.error("request failed: %s", {"key": secret})
        logger.error(f"GET https://example.org/?key={secret}&q=1")
        try:
            raise RuntimeError(f"401 for {secret}")
        except RuntimeError:
            logger.exception("no answer")
    logger.error("header Authorization: Bearer canary.abc-def and mqtt://otto:canarypass@broker:1883")
    logging.getLogger("httpx").warning("sent %s", secrets["HF_TOKEN"])
    assert "canary" not in read()
    assert read().count("[secret]") >= 3 * len(secrets) and "@broker:1883" in read()


def test_a_secret_within_a_secret_goes_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "abcdef")
    monkeypatch.setenv("B_TOKEN", "abcdefghijkl")
    assert without_secrets("x abcdefghijkl y") == "x [secret] y"


def test_a_short_value_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_KEYRING", "on")
    assert without_secrets("once upon") == "once upon"


def test_only_warnings_of_other_libraries_are_kept(logged: Callable[[str], Callable[[], str]]) -> None:
    read = logged("debug")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.example.org/?q=canary")
    logging.getLogger("httpx").warning("kept")
    assert "canary" not in read() and "kept" in read()


def test_the_log_is_private_and_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "state" / "otto" / "otto.log"
    for _ in range(2):
        set_up("warning", file)
        logging.getLogger("otto.test").warning("hello")
    assert file.read_text().count("hello") == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_large_log_makes_room_for_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "otto.log"
    file.write_text("x" * (log.LARGEST + 1))
    set_up("warning", file)
    assert file.stat().st_size == 0 and (tmp_path / "otto.log.1").stat().st_size > log.LARGEST


def test_a_log_that_cannot_be_written_goes_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "otto.log").mkdir()
    set_up("warning", tmp_path / "otto.log")
    logging.getLogger("otto.test").warning("hello")
    assert "cannot be written: Is a directory" in (error := capsys.readouterr().err) and "hello" in error


def test_whoever_converses_is_not_bothered_with_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "otto.log").mkdir()
    set_up("warning", tmp_path / "otto.log", conversing=True)
    logging.getLogger("otto.test").warning("hello")
    assert capsys.readouterr().err == ""


def test_a_log_on_a_full_disk_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("warning", Path("/dev/full"))
    logging.getLogger("otto.test").warning("hello")
    assert capsys.readouterr().err == ""


def test_escaped_text_keeps_what_is_printable() -> None:
    assert escaped("Öl, 50 %\t\x1b[31mred\ud800") == "Öl, 50 %\\t\\x1b[31mred\\ud800"
