"""A page of another origin that uses the console as the vendor's sample apps use their server.

Its requests, in this order, are those of the vendor's apps for basic video chat, signaling,
archiving and captions. `make samples` runs the apps themselves.
"""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from local.browser_sdk import sdk_file
from tests.contract.test_docs import blocks
from tests.emulator import ROOT
from tests.integration.conftest import Stack
from tests.integration.console.conftest import TIMEOUT_MS
from tests.integration.console.page_files import new_session, served

PAGE = (Path(__file__).parent / "sample.html").read_text()

PLAYS = """() => ["#publisher", "#subscriber"].every((place) =>
    [...document.querySelectorAll(`${place} video`)]
        .some((video) => video.currentTime > 0.3 && video.videoWidth > 0))"""


def write_pages(directory: Path, stack: Stack) -> None:
    """Writes the page with each of the two ways that docs/clients.md has to load the SDK."""
    console, emulator = stack.facts["consoleUrl"], stack.facts["opentokUrl"]
    with_address, settings = blocks(ROOT / "docs" / "clients.md", "html")
    shutil.copy(sdk_file(), directory / "opentok.min.js")
    ways = {
        "console": with_address.replace("http://127.0.0.1:PORT", console),
        "settings": settings.replace("http://127.0.0.1:PORT", emulator)
        + '<script src="opentok.min.js"></script>',
    }
    for name, tags in ways.items():
        page = PAGE.replace("SDK", tags, 1).replace("SERVER_URL", console)
        (directory / f"{name}.html").write_text(page)


def logged(page: Page, text: str) -> None:
    expect(page.get_by_role("listitem").filter(has_text=text)).to_have_count(1)


def test_two_sample_pages_call_each_other_signal_record_and_caption(
    media_browser: Browser, stack: Stack, tmp_path: Path
) -> None:
    new_session(stack)
    write_pages(tmp_path, stack)
    context = media_browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    context.route("**/*.opentok.com/**", lambda route: route.abort())
    with served(tmp_path) as address:
        first, second = context.new_page(), context.new_page()
        first.goto(f"{address}console.html")
        second.goto(f"{address}settings.html")
        for page in (first, second):
            page.wait_for_function(PLAYS)

        first.evaluate("send('hello')")
        logged(first, "mine: hello")
        logged(second, "theirs: hello")

        archive = first.evaluate("post('/archive/start', {sessionId: joined.sessionId})")
        assert (archive["ok"], archive["status"]) == (True, "started"), archive
        for page in (first, second):
            logged(page, f"archive {archive['id']} started")
        stopped = second.evaluate("(id) => post(`/archive/${id}/stop`, {})", archive["id"])
        assert (stopped["ok"], stopped["status"]) == (True, "stopped"), stopped
        for page in (first, second):
            logged(page, f"archive {archive['id']} stopped")

        captions = first.evaluate(
            "post('/captions/start', {sessionId: joined.sessionId, token: joined.token})"
        )
        assert captions["ok"], captions
        # The newer apps stop captions without a body.
        assert first.evaluate("(id) => post(`/captions/${id}/stop`)", captions["id"])["ok"]
        for page in (first, second):
            expect(page.get_by_text("failed")).to_have_count(0)

        second.goto(f"{stack.facts['consoleUrl']}/archive/{archive['id']}/view")
        expect(second.locator("body")).to_contain_text("The archive is")
    context.close()
