"""The browsers that are connected to the messaging server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from aiohttp import ClientConnectionError, web

from local.emulator.messaging_frames import Frame

__all__ = ["Client", "Clients"]

KEPT_RESPONSES = 200


class Client:
    """One browser: its session and the frames that it has to receive.

    Frames that cannot be sent wait for the next socket, so that nothing is lost when the browser
    reconnects.

    Args:
        id: the connection id, chosen by the SDK.
        socket_id: the SDK's id of the socket, the same after a reconnection.
    """

    def __init__(self, id: str, socket_id: str) -> None:
        self.id = id
        self.socket_id = socket_id
        self.session_id: str | None = None
        self.suppresses_connections = False
        self.responses: OrderedDict[str, Frame] = OrderedDict()
        self._frames: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self._closing = False
        self._lost: asyncio.TimerHandle | None = None
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None

    def lost(self, seconds: float, give_up: Callable[[], None]) -> None:
        """Waits for a reconnection, and otherwise gives the client up."""
        self._lost = asyncio.get_running_loop().call_later(seconds, give_up)

    def send(self, frame: Frame) -> None:
        self._frames.append(frame.encode())
        self._changed.set()

    def respond(self, transaction: str, frame: Frame) -> None:
        """Sends the response to a request and keeps it for a repetition of the request."""
        self.responses[transaction] = frame
        while len(self.responses) > KEPT_RESPONSES:
            self.responses.popitem(last=False)
        self.send(frame)

    def close(self) -> None:
        """Closes the socket after the waiting frames."""
        self._closing = True
        self._changed.set()

    def uses(self, socket: web.WebSocketResponse) -> bool:
        """Returns whether this is the client's current socket."""
        return self._socket is socket

    def attach(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> asyncio.Task[None]:
        """Makes this the client's socket; returns the task that sends the frames to it."""
        if self._lost is not None:
            self._lost.cancel()
        self._socket, self._transport = socket, transport
        self._changed.set()
        return asyncio.create_task(self._write_to(socket))

    def drop(self) -> bool:
        """Aborts the socket; returns whether there was one."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.abort()
        return True

    async def _write_to(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed and self.uses(socket):
            while self._frames and self.uses(socket):
                try:
                    await socket.send_bytes(self._frames[0])
                except (ClientConnectionError, ConnectionError):
                    return
                self._frames.popleft()
            if self._closing:
                await socket.close()
                return
            self._changed.clear()
            await self._changed.wait()


class Clients:
    """All browsers, by connection id."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}

    def add(self, client: Client) -> None:
        self._clients[client.id] = client

    def remove(self, client: Client) -> None:
        self._clients.pop(client.id, None)

    def get(self, connection_id: str) -> Client | None:
        return self._clients.get(connection_id)

    def with_socket(self, socket_id: str) -> Client | None:
        """Returns the client that had this socket, for its reconnection."""
        return next(
            (client for client in self._clients.values() if client.socket_id == socket_id), None
        )

    def in_session(self, session_id: str) -> list[Client]:
        return [client for client in self._clients.values() if client.session_id == session_id]

    def send(self, connection_id: str, frame: Frame) -> None:
        """Sends a frame to a client; clients without a browser receive nothing."""
        client = self._clients.get(connection_id)
        if client is not None:
            client.send(frame)
