"""Chromium with fake media devices, the vendor's SDK, and the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import opentok
import pytest
from playwright.sync_api import Browser, sync_playwright

from local import browser_sdk
from tests.contract.browser_sdk.tab import Tab, page_server
from tests.emulator import Emulator, running
from tests.integration.console.browser import ARGUMENTS, FAKE_MEDIA, NO_BROWSER, chromium

TIMEOUT = 60
OpenTab = Callable[[], Tab]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as process:
        yield process


@pytest.fixture(scope="module")
def sdk_script() -> Path:
    """The pinned SDK of package-lock.json."""
    try:
        browser_sdk.install()
    except browser_sdk.SdkUnavailable as error:
        pytest.skip(str(error))
    return browser_sdk.sdk_file()


@pytest.fixture(scope="module")
def media_browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *FAKE_MEDIA])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def new_tab(media_browser: Browser, emulator: Emulator, sdk_script: Path) -> Iterator[OpenTab]:
    """Opens a tab with the SDK in the module's browser context."""
    context = media_browser.new_context(permissions=["camera", "microphone"])
    with page_server(emulator.url, sdk_script) as address:
        Tab(context, address)  # it stays open, and with it the process that has compiled the SDK
        yield lambda: Tab(context, address)
        context.close()


@pytest.fixture
def open_tab(new_tab: OpenTab) -> Iterator[OpenTab]:
    """Opens a tab with the SDK; the test fails for errors in the page's scripts."""
    tabs: list[Tab] = []

    def opened() -> Tab:
        tabs.append(new_tab())
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.page.close()
    assert [tab.errors for tab in tabs if tab.errors] == []


@pytest.fixture
def server_sdk(emulator: Emulator) -> Any:
    """The vendor's server SDK, for sessions, tokens and moderation."""
    return opentok.Client(
        emulator.api_key, emulator.api_secret, api_url=emulator.url, timeout=TIMEOUT
    )
