"""The vendor's routes: ``session/create`` and the calls around a session."""

from __future__ import annotations

import json
import uuid

from aiohttp import web

from local.emulator.client_tokens import WRONG_SESSION, ConnectRefused, Grant
from local.emulator.errors import BadRequest, Forbidden, InvalidStream, NotFound, TooLarge
from local.emulator.options import SessionOptions, form_of
from local.emulator.projects import Platform, Project
from local.emulator.request_log import Entry
from local.emulator.serializers import (
    ICE_CREDENTIAL_EXPIRATION,
    JSON,
    XML,
    compact,
    session_json,
    session_xml,
    wants_json,
)
from local.emulator.sessions import NOBODY_CONNECTED, Session
from local.emulator.state import EmulatorState

__all__ = ["LOG_ENTRY", "VendorRoutes"]

LOG_ENTRY = web.RequestKey("log_entry", Entry)

MAX_SIGNAL_TYPE = 128  # bytes
MAX_SIGNAL_DATA = 8192  # bytes
MAX_ARCHIVES = 1000  # per page


class VendorRoutes:
    """Handlers of the routes that the real service has."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state
        self._sessions = state.sessions

    def table(self) -> list[web.RouteDef]:
        project = "/v2/project/{project}"
        session = project + "/session/{session}"
        return [
            web.post("/session/create", self.create_session),
            web.get("/session/{session}", self.session_info),
            web.get(session + "/stream", self.list_streams),
            web.get(session + "/stream/{stream}", self.get_stream),
            web.get(session + "/connection", self.list_connections),
            web.delete(session + "/connection/{connection}", self.force_disconnect),
            web.post(session + "/signal", self.signal),
            web.post(session + "/connection/{connection}/signal", self.signal),
            web.get(project + "/archive", self.list_archives),
            web.post(project + "/archive", self.start_archive),
            web.get(project + "/archive/{archive}", self.get_archive),
            web.post(project + "/archive/{archive}/stop", self.stop_archive),
            web.delete(project + "/archive/{archive}", self.delete_archive),
        ]

    async def create_session(self, request: web.Request) -> web.Response:
        state = self._state
        project = state.auth.caller(request.headers, state.host_of(request))
        form = form_of(await request.read())
        options = SessionOptions.from_form(form, state.unrecorded)
        session = self._sessions.create(project, options)
        request[LOG_ENTRY].session = session.details()
        if wants_json(request.headers.get("Accept", "")):
            return _respond(session_json(session))
        return _respond(session_xml(session), XML)

    async def session_info(self, request: web.Request) -> web.Response:
        """Returns what a browser requests first, with its client token."""
        grant = self._client_grant(request)
        session_id = request.match_info["session"]
        session = self._sessions.get(session_id)
        if session is None:
            raise NotFound("Session not found")
        if grant.session_id != session_id:
            raise Forbidden(WRONG_SESSION)
        return _respond(compact([_info(session)]))

    async def list_streams(self, request: web.Request) -> web.Response:
        session = self._sessions.joined(self._project(request), request.match_info["session"])
        return _listed([stream.to_json() for stream in session.streams()])

    async def get_stream(self, request: web.Request) -> web.Response:
        session = self._sessions.joined(self._project(request), request.match_info["session"])
        stream_id = request.match_info["stream"]
        if not _is_uuid(stream_id):
            raise InvalidStream("Invalid stream id")
        for stream in session.streams():
            if stream.id == stream_id:
                return _respond(compact(stream.to_json()))
        raise NotFound("Stream not found")

    async def list_connections(self, request: web.Request) -> web.Response:
        project = self._project(request)
        session = self._sessions.joined(project, request.match_info["session"])
        items = [connection.to_json() for connection in session.connections.values()]
        own_name = "projectId" if project.platform is Platform.OPENTOK else "applicationId"
        return _respond(
            compact(
                {
                    "count": len(items),
                    own_name: project.id,
                    "sessionId": session.id,
                    "items": items,
                }
            )
        )

    async def force_disconnect(self, request: web.Request) -> web.Response:
        session = self._sessions.of_project(self._project(request), request.match_info["session"])
        self._sessions.disconnect(request.match_info["connection"], session)
        return web.Response(status=204)

    async def signal(self, request: web.Request) -> web.Response:
        project = self._project(request)
        session = self._sessions.joined(project, request.match_info["session"], NOBODY_CONNECTED)
        connection_id = request.match_info.get("connection")
        if connection_id is not None and connection_id not in session.connections:
            raise NotFound(NOBODY_CONNECTED)
        body = await _json_object(request)
        for name, limit in (("type", MAX_SIGNAL_TYPE), ("data", MAX_SIGNAL_DATA)):
            value = body.get(name, "")
            if not isinstance(value, str):
                raise BadRequest(f"Invalid request: {name}")
            if len(value.encode()) > limit:
                raise TooLarge(f"{name} exceeds {limit} bytes")
        return web.Response(status=204)

    async def list_archives(self, request: web.Request) -> web.Response:
        project = self._project(request)
        archives = self._sessions.archives(project, request.query.get("sessionId"))
        offset = _whole(request, "offset", 0)
        count = min(_whole(request, "count", MAX_ARCHIVES), MAX_ARCHIVES)
        page = archives[offset : offset + count]
        return _listed([archive.to_json() for archive in page], len(archives))

    async def start_archive(self, request: web.Request) -> web.Response:
        project = self._project(request)
        body = await _json_object(request)
        session_id = body.get("sessionId")
        if not isinstance(session_id, str):
            raise BadRequest("Invalid request: sessionId")
        archive = self._sessions.start_archive(project, session_id, body)
        return _respond(compact(archive.to_json()))

    async def get_archive(self, request: web.Request) -> web.Response:
        archive = self._sessions.archive(self._project(request), request.match_info["archive"])
        return _respond(compact(archive.to_json()))

    async def stop_archive(self, request: web.Request) -> web.Response:
        project = self._project(request)
        archive = self._sessions.stop_archive(project, request.match_info["archive"])
        return _respond(compact(archive.to_json()))

    async def delete_archive(self, request: web.Request) -> web.Response:
        project = self._project(request)
        self._sessions.delete_archive(project, request.match_info["archive"])
        return web.Response(status=204)

    def _project(self, request: web.Request) -> Project:
        """Returns the caller's project, which must be the one in the path."""
        state = self._state
        project = state.auth.caller(request.headers, state.host_of(request))
        if project.id != request.match_info["project"]:
            raise Forbidden(WRONG_SESSION)
        return project

    def _client_grant(self, request: web.Request) -> Grant:
        headers = request.headers
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        token = headers.get("X-TB-TOKEN-AUTH") or bearer
        try:
            return self._state.tokens.verify(token)
        except ConnectRefused as refusal:
            raise Forbidden(refusal.message) from None


def _info(session: Session) -> dict[str, object]:
    return {
        "session_id": session.id,
        "project_id": session.project_id,
        "partner_id": session.project_id,
        "create_dt": str(session.created_ms),
        "session_status": "INFLIGHT",
        "status_invalid": None,
        "media_server_hostname": None,
        "messaging_server_url": None,
        "messaging_url": None,  # not emulated
        "symphony_address": None,
        "properties": {
            "p2p.preference.value": {"relayed": "enabled", "routed": "disabled"}[
                session.options.media_mode
            ],
        },
        "ice_server": None,
        "session_segment_id": session.segment_id,
        "ice_servers": [],
        "ice_credential_expiration": ICE_CREDENTIAL_EXPIRATION,
    }


def _respond(body: bytes, content_type: str = JSON) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type})


def _listed(items: list[dict[str, object]], count: int | None = None) -> web.Response:
    """Returns a list with the total count."""
    return _respond(compact({"count": len(items) if count is None else count, "items": items}))


async def _json_object(request: web.Request) -> dict[str, object]:
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        raise BadRequest("Invalid request: the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("Invalid request: the body is not an object")
    return body


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        raise BadRequest(f"Invalid request: {name}")
    return int(text)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
