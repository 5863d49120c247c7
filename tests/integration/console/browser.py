"""The system's Chromium, headless and with an empty profile."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

__all__ = ["FAKE_MEDIA", "NO_BROWSER", "browser", "chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NO_BROWSER = (
    "the console page is tested in Chromium, which is not installed: "
    "tests/install_chromium.sh installs it on Debian for root; elsewhere use the system's packages"
)

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--process-per-site",  # the tabs of a context compile scripts once
)  # fmt: skip

FAKE_MEDIA = (
    "--use-fake-device-for-media-stream=fps=5",  # encoding takes most of the time of a call
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
"""A camera and a microphone without devices, and media that play without a click."""


def chromium() -> str | None:
    """Returns the path of the browser; None if it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser(*arguments: str) -> Iterator[Browser]:
    """Runs a browser with an empty profile and these command-line arguments in addition.

    Raises `FileNotFoundError` if it is not installed.
    """
    path = chromium()
    if path is None:
        raise FileNotFoundError(NO_BROWSER)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])
        try:
            yield running
        finally:
            running.close()
