"""Takes the pictures of the page: docs/page.png (a desk) and docs/page-phone.png (a phone, dark).

    python scripts/picture_page.py

Needs the extras `dev` and `serve`, and Chromium. A service of its own is started, in folders of its own; nothing of
yours is read or changed, and what is pictured is what it answers.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from otto.config import Settings
from otto.service.run import Server, login_link
from otto.store import Alert

DOCS = Path(__file__).parent.parent / "docs"
DESK, PHONE = (1280, 930), (360, 740)
SAID = ("put milk on the list and wake me at seven", "what is nine times nine", "lock the screen")
BRIEFLY = ("set a timer for ten minutes", "what time is it in Tokyo")
WAIT_SECONDS = 60


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 1
    with serving() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        picture(browser, server, SAID, DESK, "light", DOCS / "page.png")
        picture(browser, server, BRIEFLY, PHONE, "dark", DOCS / "page-phone.png")
        browser.close()
    return 0


@contextmanager
def serving() -> Iterator[Server]:
    """The service, until the end of the block. Nothing rings."""

    def silent(alert: Alert, again: bool) -> None:
        pass

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config" / "examples").mkdir(parents=True)
        settings = Settings(
            config_folder=folder / "config", state_folder=folder / "state", cache_folder=folder / "cache", voice="none"
        )
        server = Server(settings, port=0, path=folder / "serve.sock", announce=silent)
        ready = threading.Event()
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        try:
            if not ready.wait(WAIT_SECONDS):
                raise TimeoutError("the service did not start")
            yield server
        finally:
            server.stop()
            thread.join()


def picture(
    browser: Browser, server: Server, said: tuple[str, ...], size: tuple[int, int], scheme: str, path: Path
) -> None:
    """Says everything, opens why of the last but one, and keeps what is seen then."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=1)
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(login_link(server.port or 0, server.service.token.code()))
    page.wait_for_url("**/")
    for sentence in said:
        say(page, sentence)
    page.locator("#turns .turn").nth(len(said) - 2).get_by_text("Why, and how long").click()
    page.get_by_label("Command").blur()
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=str(path))
    context.close()
    print(path)


def say(page: Page, sentence: str) -> None:
    """Types a command and waits for what comes of it."""
    before = page.locator("#turns .turn").count()
    page.get_by_label("Command").fill(sentence)
    page.keyboard.press("Enter")
    page.locator("#turns .turn").nth(before).wait_for(timeout=1000 * WAIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
