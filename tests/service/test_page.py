"""The page in a real browser (Debian's Chromium, driven by Playwright), against the real service."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'otto-assistant[dev]'")

from otto.call import parse  # noqa: E402
from otto.config import Settings  # noqa: E402
from otto.route import Question  # noqa: E402
from otto.routers.answers import choice  # noqa: E402
from otto.service.run import Server, login_link  # noqa: E402
from otto.turn import question_json  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt-get install chromium")
CLIP = Path(__file__).parent.parent / "data" / "speech" / "timer.flac"
SHOTS = Path(os.environ.get("OTTO_SCREENSHOTS", ""))
"""Where pictures of the page are kept, for people to look at."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    settings = Settings(
        config_folder=folder / "config", state_folder=folder / "state", cache_folder=trained / "otto",
        stt="sphinx", voice="none",
    )  # fmt: skip
    (settings.config_folder / "examples").mkdir(parents=True)
    running = Server(settings, port=0, path=Path(tmp_path_factory.mktemp("s")) / "serve.sock")
    ready = threading.Event()
    thread = threading.Thread(target=running.run, args=(ready.set,))
    thread.start()
    assert ready.wait(60)
    yield running
    running.stop()
    thread.join(15)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's microphone hears, over and over: a command, and silence after it."""
    said, rate = soundfile.read(CLIP, dtype="int16")
    quiet = np.zeros(2 * rate, np.int16)
    path = tmp_path_factory.mktemp("microphone") / "command.wav"
    soundfile.write(path, np.concatenate([quiet, said, quiet, quiet]), rate)
    return path


@pytest.fixture(scope="module")
def browser(spoken: Path) -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",  # the tests may run as root, and visit only their own server
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={spoken}",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def page(server: Server, browser: sync_api.Browser, request: pytest.FixtureRequest) -> Iterator[sync_api.Page]:
    """A page that is logged in; what it complains of in its console fails the test."""
    context = browser.new_context(permissions=["microphone"])
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    assert server.port is not None
    shown.goto(login_link(server.port, server.service.token.code()))
    shown.wait_for_url("**/")
    shown.set_default_timeout(20_000)
    yield shown
    if str(SHOTS) != ".":
        SHOTS.mkdir(parents=True, exist_ok=True)
        shown.screenshot(path=str(SHOTS / f"{request.node.name}.png"))
    context.close()
    assert complaints == []


def say(page: sync_api.Page, text: str) -> sync_api.Locator:
    """Types a command; its turn once it is answered."""
    before = page.locator("#turns .turn").count()
    page.get_by_label("Command").fill(text)
    page.keyboard.press("Enter")
    turn = page.locator("#turns .turn").nth(before)
    turn.wait_for()
    return turn


def test_a_typed_command_is_answered_with_why_and_how_long(page: sync_api.Page) -> None:
    turn = say(page, "what is nine times nine")
    assert "81" in turn.locator(".reply").inner_text()
    assert turn.locator("code").first.inner_text() == 'math(question="9*9")'
    turn.get_by_text("Why, and how long").click()
    assert "fewshot" in turn.locator("dl").inner_text()
    assert turn.locator(".stages span").count() >= 2


def test_who_has_said_nothing_yet_is_shown_what_to_say(page: sync_api.Page) -> None:
    page.get_by_role("button", name="what is nine times nine").click()
    assert "81" in page.locator("#turns .turn .reply").inner_text()
    assert page.get_by_text("What can I do for you?").count() == 0


def test_which_was_meant_is_one_click_and_no_failure(page: sync_api.Page, server: Server) -> None:
    talk = Question(options=(parse('math(question="1+1")'), parse('timer(duration="5 minutes")')))
    page.evaluate(
        SHOW, {"text": "five", "calls": [], "reply": "Did you mean …?", "ok": False, "asks": question_json(talk)}
    )
    turn = page.locator("#turns .turn")
    assert turn.locator(".failed").count() == 0
    turn.get_by_role("button", name='timer(duration="5 minutes")').click()
    assert page.evaluate("window.chosen") == "the second"
    assert choice("the second", talk.options) == talk.options[1]


SHOW = """async (entry) => {
    const {turn} = await import("/page/turn.js");
    document.getElementById("turns").append(turn(entry, {choose: (text) => { window.chosen = text; }}));
}"""


def test_a_correction_may_be_any_skill(page: sync_api.Page) -> None:
    turn = say(page, "what is nine times nine")
    turn.get_by_role("button", name="Correct").click()
    turn.get_by_label("Another skill").select_option(label="timer")
    assert turn.get_by_label("What it should have meant").input_value() == 'timer(duration="")'
    turn.get_by_role("button", name="Correct").click()
    assert turn.locator(".correction").count() == 0


def test_what_is_wrong_with_a_skill_stands_above_the_skills(page: sync_api.Page, server: Server) -> None:
    broken = server.service.otto.settings.config_folder / "examples" / "candle_examples.txt"
    broken.write_text('User: light a candle\nAssistant: candle(\n\nUser: candle on\nAssistant: candle(state="on")\n')
    wrong = page.locator("#problems .problem", has_text="candle_examples.txt:2")
    until = time.monotonic() + 60
    while not wrong.count() and time.monotonic() < until:
        page.get_by_role("link", name="Timers").click()
        page.get_by_role("link", name="Skills").click()
        page.locator("#list tr").first.wait_for()
        page.wait_for_timeout(200)
    assert wrong.count() == 1
    assert page.locator("#problems .doubt", has_text="candle has 1 example").count() == 1
    broken.unlink()


def test_a_risky_command_asks_first(page: sync_api.Page) -> None:
    turn = say(page, "lock the screen")
    assert "lock" in turn.locator(".reply").inner_text()
    turn.get_by_role("button", name="No").click()
    page.locator(".reply", has_text="nobody said yes").wait_for()
    assert page.locator("#turns .turn").count() == 1  # the answer stands where the question stood


def test_a_spoken_command_is_understood_corrected_and_then_goes_to_the_right_skill(page: sync_api.Page) -> None:
    page.get_by_role("button", name="Speak").click()
    heard = page.locator("#turns .turn", has=page.locator(".said", has_text="timer")).first
    heard.wait_for(timeout=60_000)
    said = heard.locator(".said").inner_text()
    assert heard.locator("code").first.inner_text().startswith("timer(")
    page.get_by_role("button", name="Speak").click()
    heard.get_by_role("button", name="Correct").click()
    heard.get_by_label("What it should have meant").fill('notes(action="list")')
    assert f"User: {said}" in heard.locator("pre").inner_text()
    heard.get_by_role("button", name="Teach").click()
    heard.locator(".learnt").wait_for()
    until = time.monotonic() + 60  # a second, unless the machine is very busy
    while say(page, said).locator("code").first.inner_text() != 'notes(action="list")':
        assert time.monotonic() < until, "the correction was not learnt"


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_the_microphones_rate_becomes_ours_and_nothing_folds_back(page: sync_api.Page, rate: int) -> None:
    tones = {500: 1.0, 3000: 1.0, 9000: 0.0, 15_000: 0.0}
    for tone, kept in tones.items():
        if tone > rate / 2:
            continue
        heard = np.array(page.evaluate(RESAMPLED, [rate, tone])) / 32_767
        assert len(heard) == pytest.approx(16_000, abs=1200)  # the last block may not be full
        middle = heard[2000:-2000]
        assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5 * kept, abs=0.005)


RESAMPLED = """async ([rate, tone]) => {
    const context = new OfflineAudioContext(1, rate, rate);
    await context.audioWorklet.addModule("/page/resample.js");
    const worklet = new AudioWorkletNode(context, "resample", {numberOfOutputs: 0});
    const heard = [];
    worklet.port.onmessage = (message) => heard.push(...new Int16Array(message.data));
    const source = new OscillatorNode(context, {frequency: tone}), quieter = new GainNode(context, {gain: 0.5});
    source.connect(quieter).connect(worklet);
    source.start();
    await context.startRendering();
    await new Promise((done) => setTimeout(done, 300));
    return heard;
}"""
"""A second of a tone at half of full scale, as our audio thread gives it on."""


def test_right_is_one_click(page: sync_api.Page) -> None:
    turn = say(page, "what is seven times six")
    turn.get_by_role("button", name="Right").click()
    turn.locator(".learnt").wait_for()


def test_history_is_searched(page: sync_api.Page) -> None:
    say(page, "what is one plus one")
    say(page, "what time is it in tokyo")
    page.get_by_role("link", name="History").click()
    page.locator("#entries .turn").nth(1).wait_for()
    page.get_by_label("Search").fill("tokyo")
    sync_api.expect(page.locator("#entries .turn")).to_have_count(1)
    assert "tokyo" in page.locator("#entries .said").inner_text()
    assert "commands" in page.locator("#reviewed").inner_text()


def test_skills_show_their_sentences_and_how_often_they_were_right(page: sync_api.Page) -> None:
    say(page, "what is two plus two")
    page.get_by_role("link", name="Skills").click()
    page.get_by_role("button", name="timer", exact=True).click()
    page.locator("#sentences-timer li").first.wait_for()
    assert "timer(" in page.locator("#sentences-timer").inner_text()
    row = page.locator("tr", has=page.get_by_role("button", name="math", exact=True))
    assert row.locator("td").nth(3).inner_text().endswith("%")


def test_timers_count_down(page: sync_api.Page) -> None:
    say(page, "set a timer for five minutes")
    page.get_by_role("link", name="Timers").click()
    left = page.locator("#alerts .left").first
    left.wait_for()
    before = left.inner_text()
    assert before.startswith(("4:5", "5:00"))
    sync_api.expect(left).not_to_have_text(before)


def test_what_was_said_is_never_read_as_markup(page: sync_api.Page) -> None:
    turn = say(page, '<img src=x onerror="document.title=1"> remind me to <b>sleep</b>')
    assert turn.locator("img").count() == 0
    assert "<b>" in turn.locator(".said").inner_text()
    assert page.title() == "Otto"


def test_it_is_used_with_the_keyboard_alone(page: sync_api.Page) -> None:
    page.get_by_label("Command").focus()
    page.keyboard.type("what is three plus four")
    page.keyboard.press("Enter")
    page.locator("#turns .turn").first.wait_for()
    reached = set()
    page.locator("body").click(position={"x": 1, "y": 1})
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
    assert {"Skip to content", "Talk", "History", "Skills", "Timers", "Send", "✓ Right", "✎ Correct"} <= reached


def test_everything_that_is_used_has_a_name_for_screen_readers(page: sync_api.Page) -> None:
    say(page, "what is three plus four")
    for view in ("History", "Skills", "Timers", "Talk"):
        page.get_by_role("link", name=view, exact=True).click()
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, a, meter')].filter(e => e.offsetParent)"
            ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))"
            ".map(e => e.outerHTML)"
        )
        assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read_in_both_lights(page: sync_api.Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    say(page, "set a timer for ten minutes")
    for view in ("History", "Skills", "Talk"):
        page.get_by_role("link", name=view, exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    ground, ink = page.evaluate(
        "(() => { const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]; })()"
    )
    assert contrast(ground, ink) > 7  # WCAG 2.2, 1.4.6


def contrast(one: str, other: str) -> float:
    """Relative luminance of two `rgb(…)` colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_without_a_login_the_page_says_what_to_do(server: Server, browser: sync_api.Browser) -> None:
    stranger = browser.new_page()
    stranger.goto(f"http://127.0.0.1:{server.port}/")
    stranger.get_by_label("Command").fill("stop")
    stranger.keyboard.press("Enter")
    stranger.get_by_text("not logged in").wait_for()
    stranger.close()


def test_the_page_is_served_with_headers_that_keep_others_out(server: Server) -> None:
    import httpx

    answer = httpx.get(f"http://127.0.0.1:{server.port}/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/page/__init__.py", "/page/../run.py", "/page/%2e%2e/run.py"):
        assert httpx.get(f"http://127.0.0.1:{server.port}{path}").status_code in (401, 404)
    with socket.create_connection(("127.0.0.1", server.port or 0)) as raw:
        raw.sendall(b"GET /page/../run.py HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(0.2)
        assert b"200 OK" not in raw.recv(1000)
