"""The vendor's routes for live-streaming broadcasts."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from local.emulator.errors import BadRequest, Conflict, MethodNotAllowed, NotFound
from local.emulator.feature_fields import choice, integer, layout
from local.emulator.feature_json import broadcast
from local.emulator.features import Family, Feature
from local.emulator.options import RESOLUTIONS
from local.emulator.projects import Project
from local.emulator.sessions import NO_CLIENTS
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import (
    PROJECT,
    caller,
    json_object,
    list_response,
    query_integer,
    response,
)

__all__ = ["BroadcastRoutes"]

BROADCAST = PROJECT + "/broadcast"
MAX_RTMP = 5
DURATIONS = (60, 36_000)  # seconds
MAX_BROADCASTS = 1000  # per page


class BroadcastRoutes:
    """Handlers of broadcasts."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.get(BROADCAST, self.list_broadcasts),
            web.post(BROADCAST, self.start),
            web.post(BROADCAST + "/", self.start),  # as @vonage/video writes it
            web.get(BROADCAST + "/{broadcast}", self.get),
            web.post(BROADCAST + "/{broadcast}/stop", self.stop),
            web.put(BROADCAST + "/{broadcast}/layout", self.set_layout),
            web.patch(BROADCAST + "/{broadcast}/streams", self.change_streams),
        ]

    async def list_broadcasts(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        session_id = request.query.get("sessionId")
        found = [
            feature
            for feature in self._state.features.of_project(Family.BROADCAST, project)
            if session_id in (None, feature.session.id)
        ]
        offset = query_integer(request, "offset", 0)
        count = min(query_integer(request, "count", 50), MAX_BROADCASTS)
        page = found[offset : offset + count]
        return list_response([broadcast(feature) for feature in page], len(found))

    async def start(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        features = self._state.features
        session = features.session(project, body)
        content: dict[str, object] = {
            "outputs": _outputs(body.get("outputs")),
            "maxDuration": integer(body, "maxDuration", DURATIONS, 14_400),
            "resolution": choice(body, "resolution", RESOLUTIONS, "640x480"),
            "streamMode": choice(body, "streamMode", ("auto", "manual"), "auto"),
            "layout": layout(_mapping(body.get("layout"), {"type": "bestFit"})),
            "maxBitrate": integer(body, "maxBitrate", (100_000, 6_000_000), 2_000_000),
        }
        if not session.connections:
            if self._state.variants.broadcast_without_clients == BadRequest.status:
                raise BadRequest(NO_CLIENTS)
            raise NotFound(NO_CLIENTS)
        tag = str(body.get("multiBroadcastTag") or "")
        in_use = Conflict("Session is already composed for given tag with code 409")
        feature = features.start(Family.BROADCAST, session, content, tag=tag, conflict=in_use)
        features.report(feature, "started")
        return response(broadcast(feature))

    async def get(self, request: web.Request) -> web.Response:
        return response(broadcast(self._broadcast(request)))

    async def stop(self, request: web.Request) -> web.Response:
        feature = self._broadcast(request)
        if not feature.running:
            raise NotFound("Not found")
        self._state.features.stop(feature)
        return response(broadcast(feature))

    async def set_layout(self, request: web.Request) -> web.Response:
        feature = self._broadcast(request)
        feature.content["layout"] = layout(await json_object(request))
        return response(broadcast(feature))

    async def change_streams(self, request: web.Request) -> web.Response:
        feature = self._broadcast(request)
        if feature.content["streamMode"] != "manual":
            raise MethodNotAllowed("The broadcast was started with streamMode auto.")
        body = await json_object(request)
        if isinstance(body.get("addStream"), str) == isinstance(body.get("removeStream"), str):
            raise BadRequest("Invalid request: addStream or removeStream")
        return web.Response(status=204)

    def _broadcast(self, request: web.Request) -> Feature:
        project: Project = caller(self._state, request)
        feature_id = request.match_info["broadcast"]
        return self._state.features.get(Family.BROADCAST, project, feature_id)


def _outputs(value: object) -> dict[str, object]:
    outputs = _mapping(value, {})
    rtmp = outputs.get("rtmp", [])
    if not isinstance(rtmp, list) or len(rtmp) > MAX_RTMP or not set(outputs) & {"hls", "rtmp"}:
        raise BadRequest("Invalid request: outputs")
    for target in rtmp:
        match target:
            case {"serverUrl": str(), "streamName": str()}:
                continue
            case _:
                raise BadRequest("Invalid request: outputs.rtmp")
    hls = _mapping(outputs.get("hls"), {})
    if hls.get("dvr") is True and hls.get("lowLatency") is True:
        raise BadRequest("Invalid request: dvr and lowLatency exclude each other")
    return dict(outputs)


def _mapping(value: object, default: Mapping[str, object]) -> Mapping[str, object]:
    if value is None:
        return default
    if not isinstance(value, dict):
        raise BadRequest("Invalid request: an object is required")
    return value
