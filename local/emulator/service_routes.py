"""The vendor's routes for services that join a session: SIP calls, renders, audio connectors."""

from __future__ import annotations

import re

from aiohttp import web

from local.emulator.errors import BadRequest, NotFound
from local.emulator.feature_fields import boolean, choice, integer, json_field, text
from local.emulator.feature_json import render, sip_call
from local.emulator.features import Family
from local.emulator.options import RESOLUTIONS
from local.emulator.sessions import NO_CLIENTS
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import (
    PROJECT,
    SESSION,
    caller,
    json_object,
    list_response,
    query_integer,
    response,
)

__all__ = ["ServiceRoutes"]

RENDER = PROJECT + "/render"
DURATIONS = (60, 36_000)  # seconds
MAX_HEADERS = 512  # bytes
AUDIO_RATES = (8_000, 16_000, 24_000)
TOKEN = (1, 8192)  # characters
_DIGITS = re.compile(r"[0-9*#p]+")


class ServiceRoutes:
    """Handlers of SIP calls, renders and audio connectors."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.post(PROJECT + "/dial", self.dial),
            web.post(SESSION + "/play-dtmf", self.play_dtmf),
            web.post(SESSION + "/connection/{connection}/play-dtmf", self.play_dtmf),
            web.post(RENDER, self.start_render),
            web.get(RENDER, self.list_renders),
            web.get(RENDER + "/{render}", self.get_render),
            web.delete(RENDER + "/{render}", self.stop_render),
            web.post(PROJECT + "/connect", self.connect_audio),
            web.post(SESSION + "/migrate", self.migrate),
        ]

    async def dial(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        features = self._state.features
        session = features.session(project, body)
        token, sip = text(body, "token", lengths=TOKEN), json_field(body, "sip")
        text(sip, "uri")
        for name in ("secure", "video", "observeForceMute"):
            boolean(sip, name, False)
        features.check_token(session, token)
        content: dict[str, object] = {}
        feature = features.start(Family.SIP, session, content)
        features.join(feature, token, stream="sip")
        content["connectionId"] = feature.connection_id
        features.report(feature, "started", event="callCreated")
        for state in ("DIALING", "RINGING", "ACTIVE"):
            features.report(feature, "started", event="callUpdated", state=state)
        return response(sip_call(feature))

    async def play_dtmf(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        session = self._state.sessions.joined(project, request.match_info["session"], NO_CLIENTS)
        connection_id = request.match_info.get("connection")
        if connection_id is not None and connection_id not in session.connections:
            raise NotFound(NO_CLIENTS)
        digits = (await json_object(request)).get("digits")
        if not isinstance(digits, str) or not _DIGITS.fullmatch(digits):
            raise BadRequest("Invalid request: digits")
        return web.Response(status=200)

    async def start_render(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        features = self._state.features
        session = features.session(project, body)
        token = text(body, "token", lengths=TOKEN)
        properties = body.get("properties", {"name": "render"})
        name = text(properties if isinstance(properties, dict) else {}, "name", lengths=(1, 200))
        content: dict[str, object] = {
            "url": text(body, "url", lengths=(15, 2048)),
            "maxDuration": integer(body, "maxDuration", DURATIONS, 7200),
            "resolution": choice(body, "resolution", RESOLUTIONS, "1280x720"),
            "name": name,
        }
        features.check_token(session, token)
        feature = features.start(Family.RENDER, session, content, status="starting")
        starting = render(feature)
        features.join(feature, token, stream=name)
        features.report(feature, "started")
        return response(starting, 202)

    async def list_renders(self, request: web.Request) -> web.Response:
        found = self._state.features.of_project(Family.RENDER, caller(self._state, request))
        offset, count = query_integer(request, "offset", 0), query_integer(request, "count", 50)
        page = found[offset : offset + count]
        return list_response([render(feature) for feature in page], len(found))

    async def get_render(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        render_id = request.match_info["render"]
        return response(render(self._state.features.get(Family.RENDER, project, render_id)))

    async def stop_render(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        features = self._state.features
        feature = features.get(Family.RENDER, project, request.match_info["render"])
        if not feature.running:
            raise NotFound("Not found")
        features.stop(feature, "Stop Requested")
        return web.Response(status=self._state.variants.render_stop_status)

    async def connect_audio(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        features = self._state.features
        session = features.session(project, body)
        token, socket = text(body, "token", lengths=TOKEN), json_field(body, "websocket")
        if not text(socket, "uri").startswith(("ws://", "wss://")):
            raise BadRequest("Invalid request: websocket.uri")
        headers = socket.get("headers", {})
        if not isinstance(headers, dict) or sum(map(_size, headers.items())) > MAX_HEADERS:
            raise BadRequest("Invalid request: websocket.headers")
        if socket.get("audioRate", 8_000) not in AUDIO_RATES:
            raise BadRequest("Invalid request: websocket.audioRate")
        boolean(socket, "bidirectional", False)
        features.check_token(session, token)
        feature = features.start(Family.AUDIO_CONNECTOR, session, {})
        features.join(feature, token, stream=None)
        content = {"id": feature.id, "connectionId": feature.connection_id}
        return response(content, self._state.variants.audio_connector_status)

    async def migrate(self, request: web.Request) -> web.Response:
        """Accepts a migration, which changes nothing here."""
        project = caller(self._state, request)
        self._state.sessions.joined(project, request.match_info["session"], NO_CLIENTS)
        return response({"message": "Session migration initiated"}, 202)


def _size(item: tuple[object, object]) -> int:
    return len(f"{item[0]}{item[1]}".encode())
