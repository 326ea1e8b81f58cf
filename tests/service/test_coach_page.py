"""The coach's page in a real browser (Debian's Chromium), against the real service and a model that streams."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'otto-assistant[dev]'")

from otto.config import Settings  # noqa: E402
from otto.service.run import Server, login_link  # noqa: E402
from tests import coachserver  # noqa: E402
from tests.service.conftest import serving  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt-get install chromium")
SHOTS = Path(os.environ.get("OTTO_SCREENSHOTS", ""))
PLAN = """**Two hours** is enough, *slowly*.

1. Add `10%` a week
   - not more
2. Rest every 4th week

| Week | Long run |
|------|----------|
| 1 | 18 km |
| 2 | 20 km |

> Eat early. [More](https://example.org/long_run_plan)

```
4 x 1 km
```
"""
HOSTILE = """<img src=x onerror="document.title='owned'"> <script>document.title='owned'</script>

[click](javascript:document.title='owned') ![pixel](https://example.org/track.png) **<b>bold</b>** [7]

- <a href="javascript:1">a</a>
"""


@pytest.fixture(scope="module")
def models() -> Iterator[coachserver.Server]:
    with coachserver.running() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: coachserver.Server) -> Iterator[Server]:
    named = (f"base: b @ {models.address}", f"tuned: t @ {models.address}")
    with serving(tmp_path_factory.mktemp("p"), Settings(coach_models=named)) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(server: Server, browser: sync_api.Browser, request: pytest.FixtureRequest) -> Iterator[sync_api.Page]:
    """The coach's view, logged in; what the browser complains of fails the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    shown = context.new_page()
    complaints: list[str] = []
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(login_link(server.port or 0, server.service.token.code()))
    shown.wait_for_url("**/")
    shown.set_default_timeout(20_000)
    shown.get_by_role("link", name="Coach").click()
    shown.get_by_label("base", exact=True).wait_for()
    yield shown
    if str(SHOTS) != ".":
        SHOTS.mkdir(parents=True, exist_ok=True)
        shown.screenshot(path=str(SHOTS / f"{request.node.name}.png"))
    context.close()
    assert complaints == []


def ask(page: sync_api.Page, question: str) -> sync_api.Locator:
    """Asks; the turn, which may not be answered yet."""
    before = page.locator("#coach-turns .turn").count()
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")
    return page.locator("#coach-turns .turn").nth(before)


def test_base_and_tuned_answer_side_by_side_are_voted_on_edited_and_become_training_data(
    page: sync_api.Page, server: Server, models: coachserver.Server, tmp_path: Path
) -> None:
    models.answers["t"] = [PLAN[:40], PLAN[40:90], PLAN[90:]]
    turn = ask(page, "How long should my long run be?")
    base, tuned = turn.get_by_label("Answer of base"), turn.get_by_label("Answer of tuned")
    tuned.get_by_role("button", name="Good answer").click()
    sync_api.expect(tuned.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    assert tuned.locator("strong").inner_text() == "Two hours" and tuned.locator("em").inner_text() == "slowly"
    assert tuned.locator("ol > li").count() == 2 and tuned.locator("ol ul li").inner_text() == "not more"
    assert tuned.locator("tbody tr").count() == 2 and tuned.locator("pre").inner_text().strip() == "4 x 1 km"
    assert tuned.locator("blockquote a").get_attribute("href") == "https://example.org/long_run_plan"
    base.get_by_role("button", name="Bad answer").click()
    base.get_by_role("button", name="Edit").click()
    base.get_by_label("The answer as it should be").fill("At most **three** hours.")
    base.get_by_role("button", name="Keep").click()
    sync_api.expect(base.locator(".written strong")).to_have_text("three")
    ask(page, "And before a half marathon?").get_by_label("Answer of base").get_by_role(
        "button", name="Edit"
    ).wait_for()
    sent = next(each for each in reversed(models.sent) if each["model"] == "b")
    assert [each["content"] for each in sent["messages"][1:]] == [
        "How long should my long run be?", "At most **three** hours.", "And before a half marathon?",
    ]  # fmt: skip
    collected = collect(server, tmp_path)
    assert ("How long should my long run be?", PLAN.strip()) in [(asked, said.strip()) for asked, said in collected]
    assert ("How long should my long run be?", "At most **three** hours.") in collected
    assert len(collected) == 2


def collect(server: Server, folder: Path) -> list[tuple[str, str]]:
    """What `otto data collect --votes` makes of the store: (question, answer)."""
    import json
    import subprocess
    import sys

    state = str(server.service.otto.settings.state_folder)
    program = "from otto.cli import main; main()"
    command = [sys.executable, "-c", program, "data", "collect", "--votes", "-o", str(folder / "data")]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OTTO_STATE_FOLDER": state}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    files = [folder / "data" / f"{name}.jsonl" for name in ("train", "valid", "test")]
    rows = [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]
    assert {row["source"] for row in rows} == {"votes"}
    return [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in rows]


def test_an_answer_is_stopped_in_the_midst(page: sync_api.Page, models: coachserver.Server) -> None:
    page.get_by_label("base", exact=True).uncheck()
    models.answers["t"] = coachserver.USUAL
    models.hold.set()
    models.left.clear()
    turn = ask(page, "How do I taper?")
    turn.get_by_text("easy").wait_for()
    assert turn.get_by_label("Answer of base").count() == 0
    page.get_by_role("button", name="Stop").click()
    turn.get_by_text("Stopped.").wait_for()
    assert models.left.wait(10)
    models.hold.clear()
    assert turn.locator(".written").inner_text().strip() == "Run easy"
    sync_api.expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def test_what_a_model_writes_is_never_read_as_markup(page: sync_api.Page, models: coachserver.Server) -> None:
    page.get_by_label("base", exact=True).uncheck()
    models.answers["t"] = [HOSTILE]
    turn = ask(page, "How do I run <i>far</i>?")
    turn.get_by_role("button", name="Copy").click()
    assert turn.locator(".said").inner_text() == "How do I run <i>far</i>?"
    written = turn.locator(".written")
    assert written.locator("img, script, a, i, b").count() == 0
    assert "onerror" in written.inner_text() and "javascript:" in written.inner_text()
    assert written.locator("strong").inner_text() == "<b>bold</b>"
    assert page.title() == "Otto: coach"
    turn.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == HOSTILE
    with page.expect_download() as waiting:
        turn.get_by_role("button", name="Download").click()
    assert Path(waiting.value.path()).read_text() == f"# How do I run <i>far</i>?\n\n{HOSTILE}\n"


def test_sources_are_shown_as_they_are_written(
    page: sync_api.Page, server: Server, models: coachserver.Server, tmp_path: Path
) -> None:
    for package in ("apsw", "sqlite_vec"):
        pytest.importorskip(package, reason="needs the extra library: pip install 'otto-assistant[library]'")
    from otto.encoder import Encoder
    from otto.library.index import Library

    (tmp_path / "plan.md").write_text("# Taper <b>\n\nThe taper lasts nine days. <img src=x onerror=alert(1)>")
    library = server.service.otto.settings.library
    with Library(library, Encoder.load()) as opened:
        opened.add(tmp_path / "plan.md")
    page.get_by_label("base", exact=True).uncheck()
    models.answers["t"] = ["Nine days [1], they say [9]."]
    turn = ask(page, "How long is the taper?")
    turn.get_by_text("Sources: 1").click()
    library.unlink()
    said = turn.locator(".sources").inner_text()
    assert "[1] plan.md, “Taper <b>”" in said and "<img src=x" in said
    assert turn.locator(".sources img").count() == 0


def test_care_comes_before_the_coach_and_everything_has_a_name(page: sync_api.Page, models: coachserver.Server) -> None:
    page.get_by_label("base", exact=True).uncheck()
    models.answers["t"] = coachserver.USUAL
    refused = ask(page, "I have chest pain, shall I run on?")
    refused.locator(".care", has_text="ambulance").wait_for()
    assert refused.locator(".written").inner_text() == ""
    warned = ask(page, "I have diabetes, what do I eat before a race?")
    warned.get_by_role("button", name="Copy").wait_for()
    assert "doctor" in warned.locator(".care").inner_text()
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, textarea, a')].filter(e => e.offsetParent)"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
