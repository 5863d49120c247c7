"""The vendor's routes that list, signal, mute and disconnect the clients of a session."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from aiohttp import web

from local.emulator.errors import BadRequest, InvalidStream, NotFound, TooLarge
from local.emulator.events import Reason
from local.emulator.projects import Platform, Project
from local.emulator.sessions import NO_CLIENTS, Connection, Session
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import (
    SESSION,
    caller,
    json_object,
    list_response,
    response,
)

__all__ = ["ModerationRoutes"]

MAX_SIGNAL_TYPE = 128  # bytes
MAX_SIGNAL_DATA = 8192  # bytes
NO_SIGNAL_DATA = 15202


class ModerationRoutes:
    """Handlers of connections, streams, signals and mutes."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.get(SESSION + "/stream", self.list_streams),
            web.put(SESSION + "/stream", self.set_layout_classes),
            web.get(SESSION + "/stream/{stream}", self.get_stream),
            web.post(SESSION + "/stream/{stream}/mute", self.mute_stream),
            web.post(SESSION + "/mute", self.mute_all),
            web.get(SESSION + "/connection", self.list_connections),
            web.delete(SESSION + "/connection/{connection}", self.force_disconnect),
            web.post(SESSION + "/signal", self.signal),
            web.post(SESSION + "/connection/{connection}/signal", self.signal),
        ]

    async def list_streams(self, request: web.Request) -> web.Response:
        _, session = self._joined(request)
        return list_response([stream.to_json() for stream in session.streams()])

    async def get_stream(self, request: web.Request) -> web.Response:
        _, session = self._joined(request)
        stream_id = request.match_info["stream"]
        if not _is_uuid(stream_id):
            raise InvalidStream("Invalid stream id")
        for stream in session.streams():
            if stream.id == stream_id:
                return response(stream.to_json())
        raise NotFound("Stream not found")

    async def set_layout_classes(self, request: web.Request) -> web.Response:
        _, session = self._joined(request)
        items = (await json_object(request)).get("items")
        classes = _layout_classes(items)
        streams = {stream.id: stream for stream in session.streams()}
        if not set(classes) <= set(streams):
            raise BadRequest("Invalid request: unknown stream id")
        for stream_id, names in classes.items():
            streams[stream_id].layout_classes = names
        return list_response([streams[stream_id].to_json() for stream_id in classes])

    async def mute_stream(self, request: web.Request) -> web.Response:
        project, session = self._joined(request, NO_CLIENTS)
        self._state.moderation.mute(session, request.match_info["stream"])
        return response(_project_details(project))

    async def mute_all(self, request: web.Request) -> web.Response:
        project, session = self._joined(request, NO_CLIENTS)
        body = await json_object(request) if await request.read() else {}
        active = body.get("active", True)
        if not isinstance(active, bool):
            raise BadRequest("Invalid request: active")
        self._state.moderation.mute_all(session, active, self._excluded(body))
        return response(_project_details(project))

    async def list_connections(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        session = self._state.sessions.of_project(project, request.match_info["session"])
        items = [connection.to_json() for connection in self._listed(session)]
        if not items:
            raise NotFound("Session not found")
        if self._state.variants.connection_created_at_text:
            items = [item | {"createdAt": str(item["createdAt"])} for item in items]
        return response(
            {
                "count": len(items),
                _project_field(project): project.id,
                "sessionId": session.id,
                "items": items,
            }
        )

    def _listed(self, session: Session) -> list[Connection]:
        """Returns the clients that are listed, which may lag behind reality."""
        lag_ms = self._state.variants.connection_list_lag_ms
        if not lag_ms:
            return list(session.connections.values())
        then_ms = int(self._state.clock() * 1000) - lag_ms
        departed = [connection for time_ms, connection in session.departed if time_ms > then_ms]
        both = [*departed, *session.connections.values()]
        return [connection for connection in both if connection.created_ms <= then_ms]

    async def force_disconnect(self, request: web.Request) -> web.Response:
        state = self._state
        session = state.sessions.of_project(caller(state, request), request.match_info["session"])
        state.presence.disconnect(request.match_info["connection"], session, Reason.FORCED)
        return web.Response(status=204)

    async def signal(self, request: web.Request) -> web.Response:
        _, session = self._joined(request, NO_CLIENTS)
        connection_id = request.match_info.get("connection")
        if connection_id is not None and connection_id not in session.connections:
            raise NotFound(NO_CLIENTS)
        body = await json_object(request)
        for name, limit in (("type", MAX_SIGNAL_TYPE), ("data", MAX_SIGNAL_DATA)):
            value = body.get(name, "")
            if not isinstance(value, str):
                raise BadRequest(f"Invalid request: {name}")
            if len(value.encode()) > limit:
                raise TooLarge(f"{name} exceeds {limit} bytes")
        if "data" not in body:
            raise BadRequest("Signal payload 'data' must be set", NO_SIGNAL_DATA)
        signal = {"type": body.get("type", ""), "data": body["data"]}
        self._state.moderation.signal(session, signal, connection_id)
        return web.Response(status=204)

    def _joined(
        self, request: web.Request, otherwise: str = "Session not found"
    ) -> tuple[Project, Session]:
        """Returns the caller's project and the session, which must have connected clients."""
        project = caller(self._state, request)
        session_id = request.match_info["session"]
        return project, self._state.sessions.joined(project, session_id, otherwise)

    def _excluded(self, body: Mapping[str, object]) -> set[str]:
        """Returns the streams that mute-all excludes; SDKs disagree about the field's name."""
        field = self._state.variants.excluded_streams_field
        names = ("excludedStreamIds", "excludedStreams") if field == "both" else (field,)
        excluded: set[str] = set()
        for name in names:
            streams = body.get(name) or []
            if not isinstance(streams, list):
                raise BadRequest(f"Invalid request: {name}")
            excluded.update(map(str, streams))
        return excluded


def _layout_classes(items: object) -> dict[str, tuple[str, ...]]:
    classes: dict[str, tuple[str, ...]] = {}
    for item in items if isinstance(items, list) else [None]:
        match item:
            case {"id": str(stream_id), "layoutClassList": list(names)}:
                classes[stream_id] = tuple(map(str, names))
            case _:
                raise BadRequest("Invalid request: items")
    return classes


def _project_field(project: Project) -> str:
    return "projectId" if project.platform is Platform.OPENTOK else "applicationId"


def _project_details(project: Project) -> dict[str, object]:
    """Returns the response of mute calls."""
    return {
        _project_field(project): project.id,
        "status": "ACTIVE",
        "name": "emulated project",
        "environment": "standard",
        "createdAt": 0,
    }


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
