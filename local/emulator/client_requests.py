"""Requests of browsers: connect, publish, subscribe, signal, moderate, and negotiate media."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from local.emulator.client_messages import (
    PERMISSIONS,
    message,
    mute_on_entry,
    session_state,
    source_of,
    stream_content,
)
from local.emulator.client_tokens import ConnectRefused
from local.emulator.clients import Client
from local.emulator.errors import BadRequest, Conflict, Forbidden, NotFound, VendorError
from local.emulator.events import Reason
from local.emulator.sessions import Connection, Session, Stream

if TYPE_CHECKING:
    from local.emulator.state import EmulatorState

__all__ = ["ClientRequests", "Request"]

Content = Mapping[str, object]

_NEGOTIATION = ("offer", "answer", "pranswer", "candidate")


class Request(NamedTuple):
    """A request: the method, the names and ids of the URI, and the content."""

    method: str
    uri: str
    params: Mapping[str, str]
    content: Content

    @classmethod
    def parse(cls, body: object) -> Request:
        """Parses a JSON body.

        Raises:
            BadRequest: if it is no request.
        """
        match body:
            case {"method": str(method), "uri": str(uri), "content": dict(content)}:
                parts = uri.strip("/").split("/")[1:]  # without the version
                return cls(method, uri, dict(zip(parts[::2], parts[1::2], strict=False)), content)
            case _:
                raise BadRequest("Invalid request")


class ClientRequests:
    """Executes requests of browsers.

    Each handler returns the body of the response, or raises a ``VendorError`` with its status.
    """

    def __init__(self, state: EmulatorState) -> None:
        self._state = state
        self._subscribers: dict[str, str] = {}

    def handle(self, client: Client, request: Request, token: str | None) -> Content:
        """Executes a request.

        Raises:
            VendorError: if it is refused.
        """
        if request.method == "create" and request.params.get("connection") == client.id:
            return self._connect(client, request, token or "")
        session = self._state.sessions.get(client.session_id or "")
        if session is None or client.id not in session.connections:
            raise Forbidden("not connected")
        if request.params.get("session") != session.id:
            raise Forbidden("another session")
        connection = session.connections[client.id]
        params = request.params
        if request.method == "signal":
            return self._signal(session, connection, request)
        if "subscriber" in params:
            return self._subscriber(session, connection, request)
        if "channel" in params:
            return self._channel(session, connection, request)
        if "stream" in params:
            return self._stream(session, connection, request)
        if "connection" in params and request.method == "delete":
            self._require(connection, "forcedisconnect")
            self._state.presence.disconnect(params["connection"], session, Reason.FORCED)
            return {}
        if request.method == "update" and request.content.get("reason") == "mute":
            self._require(connection, "forcemute")
            excluded = request.content.get("exclusion") or []
            active = request.content.get("active") is True
            names = [str(name) for name in excluded] if isinstance(excluded, list) else []
            self._state.moderation.mute_all(session, active, names)
            return {}
        if request.method == "read":
            return session_state(session)
        raise VendorError(f"not emulated: {request.method}", status=501)

    def _connect(self, client: Client, request: Request, token: str) -> Content:
        state, session_id = self._state, request.params.get("session", "")
        try:
            session, grant = state.admission.admit(session_id, token)
        except ConnectRefused as refusal:
            raise Forbidden(refusal.message) from None
        if client.id in session.connections:
            raise Conflict("already connected")
        connection = Connection(
            id=client.id,
            role=grant.role,
            data=grant.data,
            created_ms=int(state.clock() * 1000),
            layout_classes=grant.layout_classes,
        )
        client.session_id = session.id
        client.suppresses_connections = request.content.get("connectionEventsSuppressed") is True
        state.presence.connect(session, connection)
        return session_state(session)

    def _signal(self, session: Session, sender: Connection, request: Request) -> Content:
        self._require(sender, "signal")
        signal = {
            name: request.content[name] for name in ("type", "data") if name in request.content
        }
        receiver = request.params.get("connection")
        self._state.moderation.signal(session, signal, receiver, sender)
        return {}

    def _stream(self, session: Session, connection: Connection, request: Request) -> Content:
        stream_id, presence = request.params["stream"], self._state.presence
        if request.method == "create":
            self._require(connection, "publish")
            if any(stream.id == stream_id for stream in session.streams()):
                raise Conflict("the stream exists")
            stream = Stream(
                id=stream_id,
                video_type=_video_type(request.content),
                name=str(request.content.get("name") or ""),
                layout_classes=connection.layout_classes,
                created_ms=int(self._state.clock() * 1000),
                content={k: v for k, v in request.content.items() if v is not None},
            )
            presence.publish(session, connection, stream)
            content = stream_content(stream, connection)
            return {"content": {**content, "iceServers": []}, **content, **mute_on_entry(session)}
        owner, stream = _published(session, stream_id)
        if request.method == "delete":
            if owner is not connection:
                self._require(connection, "forceunpublish")
            reason = Reason.CLIENT if owner is connection else Reason.UNPUBLISHED
            presence.unpublish(session, owner, stream, reason)
        elif request.method == "update" and request.content.get("reason") == "mute":
            self._require(connection, "forcemute")
            self._state.moderation.mute(session, stream_id)
        elif request.method == "update" and owner is connection:
            stream.content |= request.content
            self._broadcast(session, "updated", request)
        elif request.method in _NEGOTIATION:
            self._forward(request, connection.id, owner.id)
        return {}

    def _channel(self, session: Session, connection: Connection, request: Request) -> Content:
        owner, stream = _published(session, request.params["stream"])
        if request.method == "update" and owner is connection:
            for channel in _channels(stream.content):
                if channel.get("id") == request.params["channel"]:
                    channel.update(request.content)
            self._broadcast(session, "updated", request)
        return {}

    def _subscriber(self, session: Session, connection: Connection, request: Request) -> Content:
        """Subscribes, and passes negotiation between publisher and subscriber."""
        subscriber_id = request.params["subscriber"]
        owner, _ = _published(session, request.params["stream"])
        if request.method == "create":
            self._require(connection, "subscribe")
            if self._state.clients.get(owner.id) is None:
                raise NotFound("the stream has no media")
            self._subscribers[subscriber_id] = connection.id
            content = {
                "peerId": str(uuid.uuid4()),
                "sourceStreamId": source_of(session),
                "simulcastEnabled": False,
            }
            offer = message("generateoffer", request.uri, content, sender=connection.id)
            self._state.clients.send(owner.id, offer)
            return {"content": {**request.content, "iceServers": []}}
        if request.method == "delete":
            self._subscribers.pop(subscriber_id, None)
            deleted = message("deleted", request.uri, {}, sender=connection.id)
            self._state.clients.send(owner.id, deleted)
        elif request.method in _NEGOTIATION:
            subscriber = self._subscribers.get(subscriber_id)
            if subscriber is None:
                raise NotFound("no such subscriber")
            self._forward(request, connection.id, subscriber if owner is connection else owner.id)
        return {}

    def _forward(self, request: Request, sender: str, receiver: str) -> None:
        frame = message(request.method, request.uri, request.content, sender=sender)
        self._state.clients.send(receiver, frame)

    def _broadcast(self, session: Session, method: str, request: Request) -> None:
        frame = message(method, request.uri, request.content)
        for client in self._state.clients.in_session(session.id):
            client.send(frame)

    @staticmethod
    def _require(connection: Connection, permission: str) -> None:
        if permission not in PERMISSIONS[connection.role]:
            raise Forbidden(f"the role does not allow {permission}")


def _published(session: Session, stream_id: str) -> tuple[Connection, Stream]:
    for connection in session.connections.values():
        for stream in connection.streams:
            if stream.id == stream_id:
                return connection, stream
    raise NotFound("Stream not found")


def _video_type(content: Content) -> str | None:
    for channel in _channels(content):
        if channel.get("type") == "video":
            return str(channel.get("source") or "camera")
    return None


def _channels(content: Content) -> list[dict[str, object]]:
    channels = content.get("channel")
    return [c for c in channels if isinstance(c, dict)] if isinstance(channels, list) else []
