"""The messaging server: one WebSocket per browser."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from local.emulator.client_messages import status
from local.emulator.client_requests import ClientRequests, Request
from local.emulator.clients import Client
from local.emulator.errors import BadRequest, NotFound, VendorError
from local.emulator.events import Reason
from local.emulator.messaging_frames import Frame, Kind, MalformedFrame
from local.emulator.state import EmulatorState

__all__ = ["MESSAGING_PATH", "Messaging"]

MESSAGING_PATH = "/messaging"

MAX_MESSAGE = 1_000_000  # bytes
_LEFT = (WSCloseCode.OK, WSCloseCode.GOING_AWAY)
"""Close codes of a browser that leaves; after any other it may reconnect."""


class Messaging:
    """Serves browsers over WebSockets."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state
        self._requests = ClientRequests(state)

    def table(self) -> list[web.RouteDef]:
        return [web.get(MESSAGING_PATH, self.serve)]

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serves one socket until it is closed."""
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        socket_id = request.query.get("socketId") or str(uuid.uuid4())
        client: Client | None = None
        writer: asyncio.Task[None] | None = None
        if request.query.get("reconnect") == "true":
            client = self._state.clients.with_socket(socket_id)
            if client is None:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"unknown socket")
                return socket
            writer = client.attach(socket, request.transport)
        left = False
        try:
            async for received in socket:
                if received.type is not WSMsgType.BINARY:
                    break
                frame = Frame.decode(received.data)
                if frame.kind is Kind.CONNECT and client is None:
                    if not frame.headers.get("uniqueId"):
                        raise MalformedFrame("no connection id")
                    client = Client(frame.headers["uniqueId"], socket_id)
                    self._state.clients.add(client)
                    writer = client.attach(socket, request.transport)
                elif frame.kind is Kind.DISCONNECT:
                    left = frame.headers.get("reconnect") != "1"
                elif client is not None:
                    self._receive(client, frame)
        except MalformedFrame:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
        finally:
            if writer is not None:
                writer.cancel()
            if client is not None and client.uses(socket):
                self._closed(client, left or socket.close_code in _LEFT)
        return socket

    def _receive(self, client: Client, frame: Frame) -> None:
        if frame.kind is Kind.PING:
            client.send(Frame(Kind.PONG))
        elif frame.kind is Kind.MESSAGE:
            transaction = frame.headers.get("TRANSACTION-ID", "")
            repeated = client.responses.get(transaction)
            if repeated is not None and transaction:  # the browser did not receive the response
                client.send(repeated)
                return
            client.respond(transaction, self._response(client, frame, transaction))

    def _response(self, client: Client, frame: Frame, transaction: str) -> Frame:
        try:
            try:
                body: object = json.loads(frame.payload)
            except ValueError:
                raise BadRequest("the payload is not JSON") from None
            token = frame.headers.get("X-TB-TOKEN-AUTH")
            content = self._requests.handle(client, Request.parse(body), token)
        except VendorError as error:
            return status(transaction, error.status, {"reason": error.message})
        return status(transaction, 200, content)

    def _closed(self, client: Client, left: bool) -> None:
        """Disconnects a browser that left, or waits for its reconnection."""
        if left:
            self._disconnect(client, Reason.CLIENT)
            return
        seconds = self._state.variants.network_disconnected_after_ms / 1000
        client.lost(seconds, lambda: self._disconnect(client, Reason.NETWORK))

    def _disconnect(self, client: Client, reason: Reason) -> None:
        self._state.clients.remove(client)
        session = self._state.sessions.get(client.session_id or "")
        if session is None:
            return
        with suppress(NotFound):  # already disconnected by a moderator
            self._state.presence.disconnect(client.id, session, reason)
