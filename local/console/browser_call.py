"""The page of a call, and the vendor's browser SDK set to the emulator."""

from __future__ import annotations

import json
from pathlib import Path

from aiohttp import web
from yarl import URL

from local import browser_sdk

__all__ = ["SDK_PATH", "BrowserCall"]

PAGE = Path(__file__).parent / "page" / "call.html"

#: Open to pages of every origin, because sample apps load it as their SDK.
SDK_PATH = "/sdk/opentok.min.js"

MISSING = (
    "Calls require the vendor's browser SDK, which is not installed. Install Node.js 20 or later "
    "with npm, run `make setup`, and reload this page."
)


class BrowserCall:
    """`GET /call` and the SDK's script. `vendor_url` is the emulator."""

    def __init__(self, vendor_url: str, sdk: Path | None = None) -> None:
        self._vendor_url = vendor_url
        self._sdk = sdk or browser_sdk.sdk_file()

    def table(self) -> list[web.RouteDef]:
        return [web.get("/call", self.page), web.get(SDK_PATH, self.script)]

    @property
    def unavailable(self) -> str | None:
        """Returns why no call is possible; None if the SDK is installed."""
        return None if self._sdk.exists() else MISSING

    async def page(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE, headers={"Content-Security-Policy": self._policy()})

    async def script(self, _request: web.Request) -> web.Response:
        """Returns the unmodified SDK after the line that sets its addresses."""
        if not self._sdk.exists():
            return web.json_response({"message": MISSING}, status=404)
        addresses = {
            "apiURL": self._vendor_url,
            "loggingURL": self._vendor_url,
        }
        settings = f"window.OTProperties = {json.dumps(addresses)};\n"
        body = settings.encode() + self._sdk.read_bytes()
        return web.Response(body=body, content_type="text/javascript", charset="utf-8")

    def _policy(self) -> str:
        """Returns the page's policy: the emulator, and what the SDK needs for itself."""
        url = URL(self._vendor_url)
        emulator = f"{url.origin()} {url.with_scheme('ws').origin()}"
        return (
            f"default-src 'self'; connect-src 'self' data: {emulator}; "
            "style-src 'self' 'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval'; "
            "worker-src 'self' data: blob:; img-src 'self' data: blob:; media-src 'self' blob:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        )
