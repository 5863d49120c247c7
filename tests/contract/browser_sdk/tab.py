"""A browser tab with the vendor's SDK, connected to the emulator."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

__all__ = ["DEADLINE_SECONDS", "Tab", "page_server"]

DEADLINE_SECONDS = 40

HERE = Path(__file__).parent


@contextmanager
def page_server(emulator_url: str, sdk: Path) -> Iterator[str]:
    """Serves the page and the SDK on a free port of this machine; yields the address."""
    page = (HERE / "call.html").read_text("utf-8").replace("EMULATOR_URL", emulator_url)
    files = {"/opentok.js": sdk, "/call.js": HERE / "call.js"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = files.get(self.path)
            body = script.read_bytes() if script else page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if script else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Tab:
    """One tab; its page calls the SDK and records the session's events."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*.opentok.com/**", lambda route: route.abort())
        self.page.goto(address)

    def join(self, key: str, session_id: str, token: str) -> dict[str, Any]:
        """Connects; returns the connection id and the capabilities, or the SDK's error."""
        arguments = [key, session_id, token]
        return self._call("([key, id, token]) => join(key, id, token)", arguments)

    def publish(self, **options: object) -> dict[str, Any]:
        """Publishes the fake camera and microphone; returns the stream id or the error."""
        return self._call("(options) => publish(options)", options)

    def subscribe(self, stream_id: str) -> dict[str, Any]:
        self.wait_for("streamCreated", id=stream_id)
        return self._call("(id) => subscribe(id)", stream_id)

    def media(self, stream_id: str) -> dict[str, Any]:
        """Returns the video's position and width, and the highest audio level."""
        return self._call("(id) => media(id)", stream_id)

    def signal(self, **signal: object) -> dict[str, Any]:
        return self._call("(signal) => send(signal)", signal)

    def run(self, script: str) -> Any:
        return self.page.evaluate(script)

    def seen(self, name: str, **fields: object) -> list[dict[str, Any]]:
        """Returns the recorded events of this name that have these fields."""
        events: list[dict[str, Any]] = self.page.evaluate("() => window.seen")
        return [e for e in events if e["event"] == name and fields.items() <= e.items()]

    def wait_for(self, name: str, **fields: object) -> dict[str, Any]:
        """Waits for an event."""
        self.until(lambda: bool(self.seen(name, **fields)), f"{name} {fields}")
        return self.seen(name, **fields)[0]

    def until(self, condition: Callable[[], bool], description: str) -> None:
        """Waits until a condition holds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{description}: {self.run('() => window.seen')}"
            self.page.wait_for_timeout(50)

    def _call(self, script: str, argument: object) -> dict[str, Any]:
        result: dict[str, Any] = self.page.evaluate(script, argument)
        return result
