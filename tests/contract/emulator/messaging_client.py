"""A client of the messaging server without a browser, written from the protocol's description."""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Mapping
from typing import Any

import aiohttp

__all__ = ["Browser", "Received"]

MESSAGE, CONNECT, DISCONNECT, PING, PONG, STATUS = 2, 3, 4, 7, 8, 9
TIMEOUT_SECONDS = 20

Received = dict[str, Any]


class Browser:
    """One socket; `events` are the messages that arrived and were no responses."""

    def __init__(self, http: aiohttp.ClientSession, url: str, key: str, session_id: str) -> None:
        self.id = str(uuid.uuid4())
        self.socket_id = str(uuid.uuid4())
        self.uri = f"/v2/partner/{key}/session/{session_id}"
        self.events: list[Received] = []
        self._http = http
        self._url = url.replace("http", "ws", 1) + "/messaging"
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @property
    def socket(self) -> aiohttp.ClientWebSocketResponse:
        assert self._socket is not None
        return self._socket

    async def open(self, *, reconnect: bool = False) -> None:
        query = f"?socketId={self.socket_id}" + ("&reconnect=true" if reconnect else "")
        self._socket = await self._http.ws_connect(self._url + query)
        if not reconnect:
            await self.send(CONNECT, {"uniqueId": self.id}, "")

    async def join(self, token: str) -> tuple[int, Received]:
        """Connects to the session; returns status and body of the response."""
        await self.open()
        return await self.request("create", f"/connection/{self.id}", {}, token)

    async def request(
        self, method: str, path: str, content: Mapping[str, object], token: str = ""
    ) -> tuple[int, Received]:
        """Sends a request and returns status and body of the response."""
        transaction = str(uuid.uuid4())
        headers = {"TRANSACTION-ID": transaction}
        if token:
            headers["X-TB-TOKEN-AUTH"] = token
        body = {"method": method, "uri": self.uri + path, "content": content}
        await self.send(MESSAGE, headers, json.dumps(body))
        return await self.response(transaction)

    async def response(self, transaction: str) -> tuple[int, Received]:
        while True:
            kind, headers, payload = await self.receive()
            if kind == STATUS and headers["TRANSACTION-ID"] == transaction:
                return int(headers["STATUS"]), json.loads(payload)

    async def event(self, method: str, resource: str) -> Received:
        """Returns the first event of this kind, waiting for it."""
        while True:
            for event in self.events:
                if event["method"] == method and f"/{resource}" in event["uri"]:
                    self.events.remove(event)
                    return event
            await self.receive()

    async def receive(self) -> tuple[int, dict[str, str], str]:
        """Returns kind, headers and payload of the next frame; records events."""
        raw = await self.socket.receive_bytes(timeout=TIMEOUT_SECONDS)
        kind, headers, payload = _decoded(raw)
        if kind == MESSAGE:
            self.events.append(json.loads(payload) | {"from": headers["X-TB-FROM-ADDRESS"]})
        return kind, headers, payload

    async def send(self, kind: int, headers: Mapping[str, str], payload: str) -> None:
        await self.socket.send_bytes(_encoded(kind, headers, payload))


def _encoded(kind: int, headers: Mapping[str, str], payload: str) -> bytes:
    rest = struct.pack(">HBBB", 0, kind, 0, len(headers))
    for text in (text for pair in headers.items() for text in pair):
        rest += struct.pack(">H", len(text.encode())) + text.encode()
    rest += payload.encode()
    return struct.pack(">I", len(rest)) + rest


def _decoded(raw: bytes) -> tuple[int, dict[str, str], str]:
    length, _, kind, addresses = struct.unpack_from(">IHBB", raw)
    assert length == len(raw) - 4
    offset = 8

    def text() -> str:
        nonlocal offset
        (size,) = struct.unpack_from(">H", raw, offset)
        offset += 2 + size
        return raw[offset - size : offset].decode()

    for _ in range(addresses):
        text()
    offset += 1
    headers = {text(): text() for _ in range(raw[offset - 1])}
    return kind, headers, raw[offset:].decode()
