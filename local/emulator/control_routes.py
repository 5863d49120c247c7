"""Control routes, with which tests and demos steer the emulator.

All of them are under ``/_emulator``, accept and return JSON, are not logged and get no fault.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.emulator.client_tokens import WRONG_KEY, WRONG_SESSION, ConnectRefused, Role
from local.emulator.errors import NotFound
from local.emulator.faults import Fault, InvalidFault
from local.emulator.projects import InvalidCredentials, Platform
from local.emulator.serializers import JSON, compact
from local.emulator.sessions import Connection, Session, Stream
from local.emulator.state import EmulatorState

__all__ = ["CONTROL_PREFIX", "ControlRoutes"]

CONTROL_PREFIX = "/_emulator"

INVALID_SESSION = 1005
_HTTP_STATUS = {INVALID_SESSION: 404}
"""HTTP status of a refused connection by its code; 403 for all others."""

_MAY_PUBLISH = (Role.PUBLISHER, Role.PUBLISHER_ONLY, Role.MODERATOR)
VIDEO_TYPES = ("camera", "screen", "custom")

Handler = Callable[[web.Request], Awaitable[web.Response]]


class InvalidRequest(Exception):
    """The body is invalid."""


class ControlRoutes:
    """Handlers of the ``/_emulator`` paths."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self.health),
            ("POST", "/connect", self.connect),
            ("POST", "/disconnect", self.disconnect),
            ("GET", "/sessions", self.sessions),
            ("GET", "/sessions/{session}", self.session),
            ("GET", "/faults", self.fault),
            ("PUT", "/faults", self.set_fault),
            ("DELETE", "/faults", self.end_fault),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.forget_requests),
            ("PUT", "/credentials", self.change_credentials),
        ]
        return [
            web.route(method, CONTROL_PREFIX + path, _with_refusals(handler))
            for method, path, handler in handlers
        ]

    async def health(self, _request: web.Request) -> web.Response:
        return _json({"ok": True})

    async def connect(self, request: web.Request) -> web.Response:
        """Connects a client with this token to this session."""
        body = await _object(request)
        session_id, token = _required(body, "sessionId"), _required(body, "token")
        try:
            session, connection, response = self._connect(session_id, token, body)
        except ConnectRefused as refusal:
            return _json(
                {"code": refusal.code, "message": refusal.message},
                _HTTP_STATUS.get(refusal.code, 403),
            )
        self._state.sessions.connect(session, connection)
        return _json(response)

    def _connect(
        self, session_id: str, token: str, body: dict[str, object]
    ) -> tuple[Session, Connection, dict[str, object]]:
        state = self._state
        grant = state.tokens.verify(token)
        for name in ("apiKey", "applicationId"):
            if body.get(name) not in (None, grant.project.id):
                raise ConnectRefused(WRONG_KEY)
        if grant.session_id != session_id:
            raise ConnectRefused(WRONG_SESSION)
        session = state.sessions.get(session_id)
        if session is None:
            raise ConnectRefused("Invalid session", INVALID_SESSION)
        if session.project_id != grant.project.id:
            raise ConnectRefused(WRONG_KEY)
        connection = Connection(
            id=str(uuid.uuid4()),
            role=grant.role,
            data=grant.data,
            created_ms=int(state.clock() * 1000),
            streams=_published(body.get("publish", True), grant.role, grant.layout_classes),
        )
        response: dict[str, object] = {
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
        return session, connection, response

    async def disconnect(self, request: web.Request) -> web.Response:
        """Disconnects one client, or with ``sessionId`` all clients of a session."""
        body = await _object(request)
        sessions = self._state.sessions
        if "sessionId" in body:
            session = sessions.get(_required(body, "sessionId"))
            for connection_id in list(session.connections) if session else []:
                sessions.disconnect(connection_id, session)
            return web.Response(status=204)
        sessions.disconnect(_required(body, "connectionId"))
        return web.Response(status=204)

    async def sessions(self, request: web.Request) -> web.Response:
        """Lists the newest sessions as parsed."""
        sessions = self._state.sessions
        newest = sessions.newest(_limit(request))
        return _json(
            {"total": len(sessions), "sessions": [session.details() for session in newest]}
        )

    async def session(self, request: web.Request) -> web.Response:
        session = self._state.sessions.get(request.match_info["session"])
        if session is None:
            raise NotFound("no such session")
        return _json(session.details())

    async def fault(self, _request: web.Request) -> web.Response:
        return self._fault()

    async def set_fault(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.from_json(await _object(request))
        except InvalidFault as error:
            raise InvalidRequest(str(error)) from error
        self._state.faults.set(fault)
        return self._fault()

    async def end_fault(self, _request: web.Request) -> web.Response:
        self._state.faults.set(None)
        return web.Response(status=204)

    def _fault(self) -> web.Response:
        faults = self._state.faults
        return _json(
            {
                "fault": faults.fault.to_json() if faults.fault else None,
                "met": faults.met,
                "remaining": faults.remaining,
            }
        )

    async def requests(self, request: web.Request) -> web.Response:
        """Lists the logged requests, oldest first; ``limit`` keeps the last ones."""
        log = self._state.log
        entries = [entry.to_json() for entry in log.last(_limit(request))]
        return _json({"total": log.total, "requests": entries})

    async def forget_requests(self, _request: web.Request) -> web.Response:
        self._state.log.forget()
        return web.Response(status=204)

    async def change_credentials(self, request: web.Request) -> web.Response:
        """Rotates the project's key, or replaces the project."""
        body = await _object(request)
        named = body.get("platform")
        if named is None:
            vonage = {"applicationId", "privateKey", "publicKey"} & set(body)
            named = Platform.VONAGE if vonage else Platform.OPENTOK
        old_valid_seconds = body.get("oldValidSeconds", 0)
        if named not in list(Platform):
            raise InvalidRequest("platform must be opentok or vonage")
        if (
            not isinstance(old_valid_seconds, int | float)
            or isinstance(old_valid_seconds, bool)
            or old_valid_seconds < 0
        ):
            raise InvalidRequest("oldValidSeconds must be a non-negative number")
        platform = Platform(str(named))
        try:
            changed = self._state.projects.change(platform, body, old_valid_seconds)
        except InvalidCredentials as error:
            raise InvalidRequest(str(error)) from error
        return _json({platform.value: changed})


def _published(wish: object, role: Role, layout_classes: tuple[str, ...]) -> list[Stream]:
    """Returns the streams of a client; by default one camera, as sample apps do."""
    if wish is False or (wish is True and role not in _MAY_PUBLISH):
        return []
    described = wish if isinstance(wish, dict) else {}
    if role not in _MAY_PUBLISH or not isinstance(wish, bool | dict):
        raise InvalidRequest(
            "publish must be true, false or an object, and requires a role that may publish"
        )
    video_type, name = described.get("videoType", "camera"), described.get("name", "")
    if video_type not in VIDEO_TYPES or not isinstance(name, str):
        raise InvalidRequest(
            "videoType must be camera, screen or custom, and name must be a string"
        )
    return [Stream(str(uuid.uuid4()), video_type, name, layout_classes)]


def _with_refusals(handler: Handler) -> Handler:
    """Wraps a handler to respond 400 and 404 for its exceptions."""

    async def response(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except InvalidRequest as error:
            return _json({"message": str(error)}, 400)
        except NotFound as error:
            return _json({"message": error.message}, 404)

    return response


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=compact(value), headers={"Content-Type": JSON})


async def _object(request: web.Request) -> dict[str, object]:
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        raise InvalidRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body


def _required(body: dict[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string")
    return value


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "1000")
    if not text.isdecimal() or int(text) < 1:
        raise InvalidRequest("limit must be a positive integer")
    return int(text)
