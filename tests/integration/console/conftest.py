"""The console page of the running stack, and browsers for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from local import browser_sdk
from tests.integration.conftest import Stack
from tests.integration.console.browser import FAKE_MEDIA, NO_BROWSER, browser, chromium
from tests.integration.console.console_page import ConsolePage

TIMEOUT_MS = 90_000
"""The first call of each function is a cold start, which is slow on a busy machine."""

OpenConsole = Callable[..., ConsolePage]


@pytest.fixture(scope="module")
def running_browser() -> Iterator[Browser]:
    if chromium() is None:
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=TIMEOUT_MS)
    with browser() as running:
        yield running


@pytest.fixture
def media_browser() -> Iterator[Browser]:
    """A browser with fake media devices. The test is skipped without the vendor's browser SDK."""
    if chromium() is None:
        pytest.skip(NO_BROWSER)
    try:
        browser_sdk.install()
    except browser_sdk.SdkUnavailable as error:
        pytest.skip(str(error))
    expect.set_options(timeout=TIMEOUT_MS)
    with browser(*FAKE_MEDIA) as running:
        yield running


@pytest.fixture
def open_console(running_browser: Browser, stack: Stack) -> Iterator[OpenConsole]:
    """Opens the console in a new browser without stored data. The test fails for every error in a
    page's scripts."""
    wrong: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A rejected call is an error for the browser, but not for the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            wrong.append(message.text)

    with ExitStack() as contexts:

        def opened(width: int = 1280, height: int = 900, **options: Any) -> ConsolePage:
            context = running_browser.new_context(
                viewport={"width": width, "height": height}, **options
            )
            contexts.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", note)
            return ConsolePage(page, stack.facts["consoleUrl"]).open()

        yield opened
    assert not wrong
