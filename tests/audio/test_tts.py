"""Spoken replies. The programs are shell scripts that write down what they are given; one test uses a real voice."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from otto.audio.chunk import RATE
from otto.audio.tts import ECHO_SECONDS, HOLD_SECONDS, Speaker, SpeechError, Voice, find_voice


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, beside the system's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def script(folder: Path, name: str, lines: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
    (folder / name).chmod(0o755)


def spoken(speaker: Speaker, text: str) -> None:
    thread = speaker.say(text)
    assert thread
    thread.join(10)


REPLIES = [
    "The timer is set.", "-5 degrees in Berlin.", "--help", "-w /tmp/file", "- - -", "--stdin", "-f/etc/passwd",
    "-v de", "--voices", "-x", "-1", "--", "-", "--version", "-h", "-q quiet", "-s 999", "--compile", "-p 5 high",
    "-m <mark>", "-k3 loud", "$(reboot)", "`id`", "a; rm -rf ~", "it's \"quoted\"", "two\nlines\tand a tab", "äöü",
]  # fmt: skip


@pytest.mark.parametrize("text", REPLIES)
def test_a_reply_is_spoken_and_never_an_option(programs: Path, tmp_path: Path, text: str) -> None:
    script(programs, "espeak-ng", f'echo "$@" > {tmp_path}/options\ncat > {tmp_path}/said')
    spoken(Speaker(find_voice("espeak-ng")), text)
    assert (tmp_path / "said").read_text() == " ".join(text.split()) + "\n"
    assert (tmp_path / "options").read_text() in ("-v en --stdin\n", "-v en --stdin --stdout\n")


def test_it_is_silent_at_once_and_says_nothing_of_what_waited(programs: Path, tmp_path: Path) -> None:
    script(programs, "espeak-ng", f"cat >> {tmp_path}/said\nexec sleep 60")
    speaker = Speaker(find_voice("espeak-ng"))
    threads = [speaker.say("one"), speaker.say("two")]
    while not (tmp_path / "said").exists() or not (tmp_path / "said").read_text():
        time.sleep(0.01)
    started = time.monotonic()
    assert speaker.stop()
    for thread in threads:
        assert thread
        thread.join(5)
    assert time.monotonic() - started < 5  # not the 60 s; this machine may be busy
    assert not speaker.speaking
    assert len((tmp_path / "said").read_text().split()) == 1
    assert not speaker.stop()


def test_one_thing_is_said_after_another(programs: Path, tmp_path: Path) -> None:
    script(
        programs,
        "espeak-ng",
        f"echo begin >> {tmp_path}/said\ncat >> {tmp_path}/said\nsleep 0.05\necho end >> {tmp_path}/said",
    )
    speaker = Speaker(find_voice("espeak-ng"))
    threads = [speaker.say(word) for word in ("one", "two", "three")]
    for thread in threads:
        assert thread
        thread.join(10)
    lines = (tmp_path / "said").read_text().split()
    assert lines[0::3] == ["begin"] * 3
    assert lines[2::3] == ["end"] * 3
    assert sorted(lines[1::3]) == ["one", "three", "two"]


def test_the_microphone_is_deaf_while_it_speaks_and_a_moment_longer(programs: Path) -> None:
    script(programs, "espeak-ng", "cat > /dev/null\nsleep 0.1")
    now = 100.0
    speaker = Speaker(find_voice("espeak-ng"), lambda: now)
    assert not speaker.deaf
    thread = speaker.say("hello")
    assert thread
    assert speaker.deaf
    thread.join(10)
    assert speaker.deaf
    now += ECHO_SECONDS + 0.01
    assert not speaker.deaf


def test_a_reply_waits_for_who_is_speaking_and_hears_them_meanwhile(programs: Path, tmp_path: Path) -> None:
    script(programs, "espeak-ng", f"cat >> {tmp_path}/said")
    now, speaking = 100.0, True
    speaker = Speaker(find_voice("espeak-ng"), lambda: now)
    speaker.hold = lambda: speaking
    thread = speaker.say("hello")
    assert thread
    assert not speaker.deaf
    assert not (tmp_path / "said").exists()
    speaking = False
    assert speaker.deaf
    thread.join(10)
    assert (tmp_path / "said").read_text() == "hello\n"
    polled = 0

    def going_on() -> bool:
        nonlocal now, polled
        now, polled = now + 1, polled + 1
        return True

    speaker.hold = going_on
    spoken(speaker, "who goes on is not waited for without end")
    assert "without end" in (tmp_path / "said").read_text()
    assert polled >= HOLD_SECONDS
    speaker.hold = lambda: True
    thread = speaker.say("this is not said")
    assert thread
    speaker.stop()
    thread.join(10)
    assert "not said" not in (tmp_path / "said").read_text()


def test_a_voice_that_fails_ends_nothing(programs: Path, caplog: pytest.LogCaptureFixture) -> None:
    script(programs, "espeak-ng", "exit 3")
    speaker = Speaker(find_voice("espeak-ng"))
    spoken(speaker, "hello " * 150)
    assert "the voice espeak-ng failed" in caplog.text
    spoken(Speaker(Voice("gone", ("/nowhere/espeak",))), "hello")
    assert "/nowhere/espeak: No such file" in caplog.text


def test_a_piper_voice_is_piped_into_a_player_at_its_rate(programs: Path, tmp_path: Path) -> None:
    script(programs, "piper", 'tr a-z A-Z\necho "$@"')
    script(programs, "paplay", f'echo "$@" > {tmp_path}/options\ncat > {tmp_path}/played')
    model = tmp_path / "amy.onnx"
    with pytest.raises(SpeechError, match="no Piper voice at"):
        find_voice(str(model))
    model.write_bytes(b"")
    with pytest.raises(SpeechError, match=r"needs its description amy\.onnx\.json"):
        find_voice(str(model))
    (tmp_path / "amy.onnx.json").write_text('{"audio": {"sample_rate": 22050}}')
    spoken(Speaker(find_voice(str(model))), "-hello")
    assert (tmp_path / "played").read_text() == f"-HELLO\n--model {model} --output-raw\n"
    assert "--rate=22050" in (tmp_path / "options").read_text()


def test_a_voice_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_voice("none") is None
    assert find_voice("auto") is None
    with pytest.raises(SpeechError, match="'espeak-ng' is not there: install it"):
        find_voice("espeak-ng")
    with pytest.raises(SpeechError, match="pip install piper-tts"):
        find_voice("voice.onnx")
    assert Speaker(None).say("hello") is None


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed: apt-get install espeak-ng")
def test_the_real_voice_takes_what_it_is_given(tmp_path: Path) -> None:
    program = shutil.which("espeak-ng")
    assert program
    voice = Voice("espeak-ng", (program, "--stdin", "-w", str(tmp_path / "said.wav")))
    spoken(Speaker(voice), "-h is no option")
    assert (tmp_path / "said.wav").stat().st_size > 20_000


def test_what_is_played_is_known_sample_by_sample(programs: Path, tmp_path: Path) -> None:
    samples = np.arange(-8000, 8000, dtype="<i2")
    (tmp_path / "sound").write_bytes(b"H" * 44 + samples.tobytes())
    script(programs, "espeak-ng", f"cat > /dev/null\ncat {tmp_path}/sound")
    script(programs, "paplay", f"cat > {tmp_path}/played")
    now = 100.0
    speaker = Speaker(find_voice("espeak-ng"), lambda: now)
    assert speaker.playback is None
    spoken(speaker, "hello")
    assert (tmp_path / "played").read_bytes() == samples.tobytes()
    assert speaker.playback
    assert len(speaker.playback) == pytest.approx(len(samples) * RATE / 22_050, abs=32)
    now += ECHO_SECONDS + 0.01
    assert speaker.playback is None


def test_stopping_ends_the_player_too(programs: Path, tmp_path: Path) -> None:
    script(programs, "espeak-ng", "cat > /dev/null\nexec cat /dev/zero")
    script(programs, "paplay", f"touch {tmp_path}/begun\nexec sleep 60")
    speaker = Speaker(find_voice("espeak-ng"))
    thread = speaker.say("hello")
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    assert thread
    assert speaker.stop()
    thread.join(1)
    assert not thread.is_alive()
