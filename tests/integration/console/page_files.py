"""Pages of another origin, as those of sample apps are, and the session that these share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.integration.conftest import Stack, send

__all__ = ["new_session", "served"]


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """Serves a directory from an origin of its own; yields the address, which ends with a slash."""
    handler = partial(_QuietHandler, directory=str(directory))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def new_session(stack: Stack) -> None:
    """Closes the session of `GET /session`, so that the next request gets one without clients."""
    old = send("GET", stack.facts["consoleUrl"] + "/session", None, {}).body
    assert stack.call("DELETE", f"/sessions/{old['sessionId']}", user="alice").status == 204
