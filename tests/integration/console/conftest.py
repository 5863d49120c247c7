"""The console page of the running stack, and browsers to see it in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from tests.integration.conftest import Stack
from tests.integration.console.browser import NO_BROWSER, browser, chromium
from tests.integration.console.console_page import ConsolePage

PATIENCE_MS = 90_000
"""The first call of each function starts it, which takes its time on a busy machine."""

OpenConsole = Callable[..., ConsolePage]


@pytest.fixture(scope="module")
def running_browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=PATIENCE_MS)
    with browser() as running:
        yield running


@pytest.fixture
def open_console(running_browser: Browser, stack: Stack) -> Iterator[OpenConsole]:
    """Opens the console in a browser of its own, as somebody who was never here. At the test's end
    it fails for whatever went wrong in a page's own scripts."""
    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refused call is an error to the browser, but not to the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    with ExitStack() as contexts:

        def opened(width: int = 1280, height: int = 900, **options: Any) -> ConsolePage:
            context = running_browser.new_context(
                viewport={"width": width, "height": height}, **options
            )
            contexts.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", note)
            return ConsolePage(page, stack.facts["consoleUrl"]).open()

        yield opened
    assert not wrong
