"""The page of a call, and the SDK's script."""

import asyncio
from pathlib import Path

from aiohttp import ClientSession, web

from local.console.browser_call import SDK_PATH, BrowserCall

EMULATOR = "http://127.0.0.1:8123"


def fetch(calls: BrowserCall, path: str) -> tuple[int, str, str]:
    """Returns the status, the body and the Content-Security-Policy."""

    async def served() -> tuple[int, str, str]:
        app = web.Application()
        app.add_routes(calls.table())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            address = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
            async with ClientSession() as session, session.get(address) as response:
                policy = response.headers.get("Content-Security-Policy", "")
                return response.status, await response.text(), policy
        finally:
            await runner.cleanup()

    return asyncio.run(served())


def test_the_script_is_the_sdk_after_the_emulators_addresses(tmp_path: Path) -> None:
    sdk = tmp_path / "opentok.min.js"
    sdk.write_text("window.OT = {};")
    calls = BrowserCall(EMULATOR, sdk)

    status, body, _ = fetch(calls, SDK_PATH)

    assert status == 200
    settings, sdk_text = body.split("\n")
    assert settings == (
        f'window.OTProperties = {{"apiURL": "{EMULATOR}", "loggingURL": "{EMULATOR}"}};'
    )
    assert sdk_text == "window.OT = {};"
    assert calls.unavailable is None


def test_without_the_sdk_the_page_says_how_to_install_it(tmp_path: Path) -> None:
    calls = BrowserCall(EMULATOR, tmp_path / "missing.js")

    status, body, _ = fetch(calls, SDK_PATH)

    assert status == 404
    assert "Node.js 20" in body
    assert calls.unavailable is not None
    assert "make setup" in calls.unavailable


def test_the_page_of_a_call_reaches_the_emulator_and_no_other_server() -> None:
    status, body, policy = fetch(BrowserCall(EMULATOR), "/call")

    assert status == 200
    assert SDK_PATH in body
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["connect-src"] == f"'self' data: {EMULATOR} ws://127.0.0.1:8123"
    assert directives["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert directives["default-src"] == "'self'"
