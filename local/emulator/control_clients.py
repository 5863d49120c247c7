"""Control routes for clients: they connect and leave without a browser, and sessions end."""

from __future__ import annotations

import uuid

from aiohttp import web

from local.emulator.admission import INVALID_SESSION
from local.emulator.client_tokens import ConnectRefused, Grant, Role
from local.emulator.control_bodies import (
    Handler,
    InvalidRequest,
    control_routes,
    json_object,
    json_response,
    required_text,
)
from local.emulator.errors import NotFound
from local.emulator.events import Reason
from local.emulator.sessions import Connection, Session, Stream
from local.emulator.state import EmulatorState

__all__ = ["ControlClients"]

_HTTP_STATUS = {INVALID_SESSION: 404}
"""HTTP status of a refused connection by its code; 403 for all others."""

_MAY_PUBLISH = (Role.PUBLISHER, Role.PUBLISHER_ONLY, Role.MODERATOR)
VIDEO_TYPES = ("camera", "screen", "custom", None)


class ControlClients:
    """Handlers that connect and disconnect clients."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, Handler]] = [
            ("POST", "/connect", self.connect),
            ("POST", "/disconnect", self.disconnect),
            ("POST", "/drop", self.drop),
            ("POST", "/end", self.end),
            ("POST", "/notify", self.notify),
        ]
        return control_routes(handlers)

    async def connect(self, request: web.Request) -> web.Response:
        """Connects a client with this token to this session."""
        body = await json_object(request)
        session_id, token = required_text(body, "sessionId"), required_text(body, "token")
        try:
            session, grant = self._state.admission.admit(session_id, token, body)
        except ConnectRefused as refusal:
            return json_response(
                {"code": refusal.code, "message": refusal.message},
                _HTTP_STATUS.get(refusal.code, 403),
            )
        now_ms = int(self._state.clock() * 1000)
        connection = Connection(
            id=str(uuid.uuid4()),
            role=grant.role,
            data=grant.data,
            created_ms=now_ms,
            streams=_published(body.get("publish", True), grant, now_ms),
        )
        self._state.presence.connect(session, connection)
        return json_response(_connected(session, connection, grant))

    async def disconnect(self, request: web.Request) -> web.Response:
        """Disconnects one client, or with ``sessionId`` all clients of a session."""
        body = await json_object(request)
        reason = body.get("reason", Reason.CLIENT)
        if reason not in list(Reason):
            raise InvalidRequest("reason must be one of " + ", ".join(Reason))
        if "sessionId" in body:
            session = self._state.sessions.get(required_text(body, "sessionId"))
            for connection_id in list(session.connections) if session else []:
                self._state.presence.disconnect(connection_id, session, str(reason))
        else:
            connection_id = required_text(body, "connectionId")
            self._state.presence.disconnect(connection_id, reason=str(reason))
        return web.Response(status=204)

    async def drop(self, request: web.Request) -> web.Response:
        """Drops the socket of a browser, as a network failure does; the browser reconnects."""
        client = self._state.clients.get(required_text(await json_object(request), "connectionId"))
        if client is None or not client.drop():
            raise NotFound("no such browser")
        return web.Response(status=204)

    async def end(self, request: web.Request) -> web.Response:
        """Ends a session for all its clients, as a rotation or a failed media server does."""
        session, reason = await self._session_and_reason(request)
        self._state.presence.end(session, reason)
        return web.Response(status=204)

    async def notify(self, request: web.Request) -> web.Response:
        """Announces the rotation of a session."""
        session, reason = await self._session_and_reason(request)
        self._state.presence.warn(session, reason)
        return web.Response(status=204)

    async def _session_and_reason(self, request: web.Request) -> tuple[Session, str]:
        body = await json_object(request)
        session = self._state.sessions.get(required_text(body, "sessionId"))
        if session is None:
            raise NotFound("no such session")
        reason = body.get("reason", "serverRotation")
        if not isinstance(reason, str):
            raise InvalidRequest("reason must be a string")
        return session, reason


def _connected(session: Session, connection: Connection, grant: Grant) -> dict[str, object]:
    return {
        "connectionId": connection.id,
        "sessionId": session.id,
        "projectId": session.project_id,
        "platform": session.platform,
        "role": grant.role,
        "data": grant.data,
        "layoutClasses": list(grant.layout_classes),
        "issuedAt": grant.issued_at,
        "expiresAt": grant.expires_at,
        "tokenFormat": grant.token_format,
        "streams": [stream.to_json() for stream in connection.streams],
    }


def _published(requested: object, grant: Grant, now_ms: int) -> list[Stream]:
    """Returns the streams of a client; by default one camera, as sample apps do."""
    may_publish = grant.role in _MAY_PUBLISH
    if requested is False or (requested is True and not may_publish):
        return []
    if not may_publish or not isinstance(requested, bool | dict):
        raise InvalidRequest(
            "publish must be true, false or an object, and requires a role that may publish"
        )
    described = requested if isinstance(requested, dict) else {}
    video_type, name = described.get("videoType", "camera"), described.get("name", "")
    if video_type not in VIDEO_TYPES or not isinstance(name, str):
        raise InvalidRequest(
            "videoType must be camera, screen, custom or null, and name must be a string"
        )
    return [Stream(str(uuid.uuid4()), video_type, name, grant.layout_classes, now_ms)]
