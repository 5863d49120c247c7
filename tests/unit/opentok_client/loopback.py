"""A small loopback server with configurable behaviour, correct or faulty."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl

__all__ = [
    "Received",
    "Reply",
    "Server",
    "created",
    "endless",
    "hang_up",
    "raw",
    "reset",
    "respond",
    "serve",
    "silence",
    "slowly",
    "unlistening_port",
]


@dataclass(frozen=True)
class Received:
    """One received request; header names in lower case."""

    at: float
    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


class Server:
    """The replies that a test configures, and the received requests. The last reply repeats."""

    def __init__(self, replies: tuple[Reply, ...], url: str) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.connections = 0
        self.sent = 0
        """The number of bytes that `endless` has sent."""
        self.stopped = threading.Event()
        self._replies = list(replies)
        self._lock = threading.Lock()

    def _reply_to(self, request: Received) -> Reply:
        with self._lock:
            self.requests.append(request)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


Reply = Callable[[Server, socket.socket], bool]
"""Writes to the connection; True keeps it open for the next request."""


@contextmanager
def serve(*replies: Reply, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serves on a free port during the body, then closes all connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    scheme = "http" if tls is None else "https"
    server = Server(replies, f"{scheme}://127.0.0.1:{port}")
    open_sockets: set[socket.socket] = set()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            open_sockets.add(connection)
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(plain: socket.socket) -> None:
        connection = plain
        with contextlib.suppress(OSError, ValueError):
            if tls is not None:
                connection = tls.wrap_socket(plain, server_side=True)
                open_sockets.add(connection)
            with connection.makefile("rb") as stream:
                while (request := _read(stream.readline, stream.read)) is not None:
                    if not server._reply_to(request)(server, connection):
                        break
        for each in (connection, plain):
            each.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in list(open_sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def _read(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> Received | None:
    line = readline().decode("latin-1").strip()
    if not line:
        return None
    headers: dict[str, str] = {}
    while header := readline().decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    body = read(int(headers.get("content-length", "0")))
    return Received(time.monotonic(), line, headers, body)


def respond(
    status: int,
    body: bytes | str | object = b"",
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
    zipped: bool = False,
) -> Reply:
    """Returns a complete response; a body that is neither bytes nor text becomes JSON."""
    content = body if isinstance(body, bytes) else b""
    if not isinstance(body, bytes):
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
    if zipped:
        content = gzip.compress(content)
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(content)}"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += ["Content-Encoding: gzip"] if zipped else []
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + content, keep=True)


def created(session_id: str, **more: object) -> Reply:
    """Returns the vendor's response to a creation."""
    return respond(200, [{"session_id": session_id, "project_id": "47665971", **more}])


def raw(content: bytes, *, keep: bool = False) -> Reply:
    """Sends these bytes, valid or not, and closes the connection unless it is kept."""

    def reply(server: Server, connection: socket.socket) -> bool:
        connection.sendall(content)
        return keep

    return reply


def hang_up(server: Server, connection: socket.socket) -> bool:
    """Closes the connection without a response."""
    return False


def reset(server: Server, connection: socket.socket) -> bool:
    """Resets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def silence(server: Server, connection: socket.socket) -> bool:
    """Sends nothing until the server stops."""
    server.stopped.wait(60)
    return False


def slowly(content: bytes) -> Reply:
    """Sends these bytes one by one, so slowly that the response does not end."""

    def reply(server: Server, connection: socket.socket) -> bool:
        for byte in content:
            connection.sendall(bytes([byte]))
            if server.stopped.wait(0.1):
                return False
        return False

    return reply


def endless(head: bytes, megabytes: int) -> Reply:
    """Sends this number of megabytes after the head, as long as the client reads."""

    def reply(server: Server, connection: socket.socket) -> bool:
        connection.sendall(head)
        for _ in range(megabytes * 16):
            connection.sendall(b" " * 65_536)
            server.sent += 65_536
        return False

    return reply


def unlistening_port() -> int:
    """Returns a port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
