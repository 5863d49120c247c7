"""A receiver of callbacks, for tests: records requests and responds with the chosen status."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Received", "Receiver", "receiver"]

DEADLINE_SECONDS = 20


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    authorization: str | None
    raw: bytes
    time: float

    @property
    def body(self) -> dict[str, Any]:
        parsed = json.loads(self.raw)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def event(self) -> str:
        return str(self.body.get("event"))


@dataclass
class Receiver:
    """What arrived, and how to respond.

    Attributes:
        statuses: of the next responses; 200 once it is empty.
    """

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def wait(self, count: int) -> list[Received]:
        """Waits until this number of requests arrived and returns all."""
        self.until(lambda: len(self.requests) >= count)
        return list(self.requests)

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, [request.event for request in self.requests]
            time.sleep(0.01)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Runs a receiver on a free port."""
    running = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            running.requests.append(
                Received(self.path, self.headers["Authorization"], raw, time.monotonic())
            )
            self.send_response(running.statuses.pop(0) if running.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
