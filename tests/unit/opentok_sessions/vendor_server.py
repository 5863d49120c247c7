"""A loopback server in the vendor's place: it creates sessions, refuses, or is down."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import jwt

from tests.aws import API_KEY, API_SECRET
from tests.unit.opentok_sessions.feature_server import Features

__all__ = ["VendorServer", "running", "session_id"]

DOWN = (503, {"Retry-After": "100"}, b"<html>down</html>")
Reply = tuple[int, dict[str, str], bytes]


def session_id(number: int, project: str = API_KEY, *, relayed: bool = False) -> str:
    """An id as the vendor makes them."""
    fields = ["1", project, "", "1700000000000", f"random{number}", "P" if relayed else "", "", ""]
    return "1_" + base64.urlsafe_b64encode("~".join(fields).encode()).decode().rstrip("=")


class VendorServer:
    """What a test can see and set of the vendor."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secrets = {API_KEY: API_SECRET}
        """The projects that it knows, and their secrets."""
        self.made: list[str] = []
        """The ids that it gave out, in order."""
        self.forms: list[dict[str, str]] = []
        """The options that it was requested."""
        self.connections: dict[str, list[str]] = {}
        """The ids of the clients that are connected to each session."""
        self.features = Features(self.connections)
        """The features of sessions, and the requests about them."""
        self.is_down = False
        self.before_answer: deque[Callable[[], object]] = deque()
        """What happens before it answers the next requests, one each."""
        self.next_replies: deque[Reply] = deque()
        """What it answers to the next requests instead of a session."""
        self.failed = 0
        """The number of calls that failed at random."""
        self._share, self._random = 0.0, random.Random()
        self._lock = threading.Lock()

    def fail_at_random(self, share: float, seed: int) -> None:
        """Fails this share of all calls from now on, the same ones for the same seed."""
        self._share, self._random = share, random.Random(seed)

    @property
    def asked(self) -> int:
        """How many requests reached it."""
        return len(self.forms)

    def reply(
        self,
        method: str,
        path: str,
        form: dict[str, str],
        authentication: str,
        body: str = "",
    ) -> Reply:
        """Returns the response to one request."""
        with self._lock:
            self.forms.append(form)
            action = self.before_answer.popleft() if self.before_answer else None
            scripted = self.next_replies.popleft() if self.next_replies else None
            fails = self._random.random() < self._share
            self.failed += fails
        if action is not None:
            action()
        if self.is_down:
            return DOWN
        if fails:
            return 500, {}, b'{"message":"an accident"}'
        if scripted is not None:
            return scripted
        try:
            project = jwt.decode(authentication, options={"verify_signature": False})["iss"]
            jwt.decode(authentication, self.secrets[project], algorithms=["HS256"])
        except (jwt.InvalidTokenError, KeyError):
            return 403, {}, b'{"code":-1,"message":"Invalid token"}'
        with self._lock:
            if self.features.serves(path):
                return self.features.reply(method, path, body)
            if method == "POST":
                return self._create(form, project)
            return self._moderate(method, path.split("/"), project)

    def _create(self, form: dict[str, str], project: str) -> Reply:
        relayed = form["p2p.preference"] == "enabled"
        new = session_id(len(self.made), project, relayed=relayed)
        self.made.append(new)
        body = [{"session_id": new, "project_id": project, "create_dt": "now"}]
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def _moderate(self, method: str, path: list[str], project: str) -> Reply:
        """Lists or disconnects: `/v2/project/{project}/session/{session}/connection[/{id}]`."""
        assert path[1:4] == ["v2", "project", project]
        connected = self.connections.get(path[5], [])
        if method == "GET" and connected:
            items = [{"connectionId": each, "createdAt": "1700000000000"} for each in connected]
            return 200, {}, json.dumps({"count": len(items), "items": items}).encode()
        if method == "DELETE" and path[7] in connected:
            connected.remove(path[7])
            return 204, {}, b""
        return 404, {}, b'{"code":404,"message":"Not found. No clients are connected."}'


@contextmanager
def running() -> Iterator[VendorServer]:
    """A vendor on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            authentication = self.headers.get("X-OPENTOK-AUTH", "")
            status, headers, answer = vendor.reply(
                self.command, self.path, dict(parse_qsl(body)), authentication, body
            )
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_DELETE = do_PUT = do_PATCH = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        vendor = VendorServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()
