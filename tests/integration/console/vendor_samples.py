"""Runs the vendor's sample apps, unmodified, against the local stack: `make samples SAMPLES=path`.

SAMPLES is a copy of the vendor's repository, which is not part of this one. Each of its directories
with an index.html is an app. Two files do not come from the directory, as docs/clients.md says: the
console is the server that js/config.js names, and its script is answered for the vendor's SDK.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from tests.integration.conftest import Stack
from tests.integration.console.conftest import TIMEOUT_MS
from tests.integration.console.page_files import new_session, served

DIRECTORY = Path(os.environ.get("SAMPLES") or "samples")
APPS = sorted(
    page.parent.relative_to(DIRECTORY).as_posix()
    for page in DIRECTORY.glob("**/index.html")
    if (page.parent / "js" / "app.js").exists() and "node_modules" not in page.parts
)

SDK = re.compile(
    r"https://(static\.opentok\.com|video\.standard\.vonage\.com|unpkg\.com/@vonage/)"
    r".*/opentok(\.min)?\.js"
)
SERVER = re.compile(r"SAMPLE_SERVER_BASE_URL = '[^']*'")
NO_CONFIG = (
    "var SAMPLE_SERVER_BASE_URL = '';\nvar API_KEY = '';\nvar SESSION_ID = '';\nvar TOKEN = '';\n"
)

PLAYS = """(place) => [...document.querySelectorAll(`${place} video`)]
    .some((video) => video.currentTime > 0.3 && video.videoWidth > 0)"""


class App:
    """One sample app in two tabs. `errors` collects what its scripts report."""

    def __init__(self, context: BrowserContext, address: str, directory: Path, server: str) -> None:
        self.errors: list[str] = []
        self._context = context
        self._address = address
        self._directory = directory
        self._server = server
        context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), self._outside)
        context.route("**/js/config.js", self._config)

    def tab(self) -> Page:
        page = self._context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        page.goto(self._address)
        return page

    def _outside(self, route: Route) -> None:
        """Answers the SDK's address. There is no other internet."""
        if SDK.match(route.request.url):
            script = route.fetch(url=f"{self._server}/sdk/opentok.min.js")
            route.fulfill(response=script)
        else:
            route.abort()

    def _config(self, route: Route) -> None:
        file = self._directory / "js" / "config.js"
        text = file.read_text() if file.exists() else NO_CONFIG
        script = SERVER.sub(f"SAMPLE_SERVER_BASE_URL = '{self._server}'", text)
        route.fulfill(body=script, content_type="text/javascript")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        if message.text.startswith(("%cOpenTok:", "Failed to load")):
            # The SDK's own log, and the vendor's services that are missing: shown by `-rP`.
            print(message.text)
        else:
            self.errors.append(message.text)


def watch_each_other(first: Page, second: Page) -> None:
    for tab in (first, second):
        tab.wait_for_function(PLAYS, arg="#publisher")
        tab.wait_for_function(PLAYS, arg="#subscriber")


def record(first: Page, second: Page) -> None:
    watch_each_other(first, second)
    first.get_by_role("button", name="Start Archive").click()
    for tab in (first, second):
        expect(tab.get_by_role("button", name="Stop Archive")).to_be_visible()
    first.get_by_role("button", name="Stop Archive").click()
    for tab in (first, second):
        expect(tab.get_by_role("link", name="View Archive")).to_be_visible()
    with first.expect_popup() as opened:
        first.get_by_role("link", name="View Archive").click()
    expect(opened.value.locator("body")).to_contain_text("The archive is")


def caption(first: Page, second: Page) -> None:
    watch_each_other(first, second)
    first.get_by_role("button", name="Start Captions").click()
    stop = first.get_by_role("button", name="Stop Captions")
    expect(first.get_by_role("button", name="Start Captions")).to_be_hidden()
    with first.expect_response("**/captions/*/stop") as responded:
        stop.click()
    assert responded.value.ok


def chat(first: Page, second: Page) -> None:
    watch_each_other(first, second)
    first.locator("#msgTxt").fill("hello")
    first.locator("#msgTxt").press("Enter")
    expect(first.locator("#history .mine")).to_have_text("hello")
    expect(second.locator("#history .theirs")).to_have_text("hello")
    expect(first.locator("#msgTxt")).to_have_value("")


def show_own_picture(first: Page, _second: Page) -> None:
    first.wait_for_function(PLAYS, arg="#publisher")


def use_of(app: str) -> Callable[[Page, Page], None]:
    """Returns what is done with an app; for an app that is not known, both tabs must publish."""
    name = Path(app).name.removesuffix("-Promises").removesuffix(" Promises")
    uses = {
        "Basic Video Chat": watch_each_other,
        "Archiving": record,
        "Basic-Captions": caption,
        "Signaling": chat,
    }
    return uses.get(name, show_own_picture)


@contextmanager
def running(media_browser: Browser, stack: Stack, app: str) -> Iterator[App]:
    context = media_browser.new_context(permissions=["camera", "microphone"])
    with served(DIRECTORY) as origin:
        address = origin + quote(f"{app}/index.html")
        yield App(context, address, DIRECTORY / app, stack.facts["consoleUrl"])
        context.close()


@pytest.mark.parametrize("app", APPS)
def test_sample_app(media_browser: Browser, stack: Stack, app: str) -> None:
    new_session(stack)
    with running(media_browser, stack, app) as opened:
        use_of(app)(opened.tab(), opened.tab())
    assert opened.errors == [], "\n".join(opened.errors)
