"""The vendor's routes for live captions."""

from __future__ import annotations

from aiohttp import web

from local.emulator.client_tokens import Role
from local.emulator.errors import Conflict, NotFound
from local.emulator.feature_fields import boolean, integer, text
from local.emulator.feature_json import captions_callback
from local.emulator.features import Family
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import PROJECT, caller, json_object, response

__all__ = ["CaptionsRoutes"]

CAPTIONS = PROJECT + "/captions"
DURATIONS = (300, 14_400)  # seconds
ALREADY_ENABLED = 60003


class CaptionsRoutes:
    """Handlers of live captions."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.post(CAPTIONS, self.start),
            web.get(CAPTIONS + "/{captions}", self.get),
            web.post(CAPTIONS + "/{captions}/stop", self.stop),
        ]

    async def start(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        features = self._state.features
        session = features.session(project, body, encrypted=True)
        features.check_token(session, text(body, "token", lengths=(1, 8192)), Role.MODERATOR)
        if body.get("statusCallbackUrl") is not None:  # the Python SDK sends null
            text(body, "statusCallbackUrl", lengths=(15, 2048))
        content: dict[str, object] = {
            "languageCode": text({"languageCode": "en-US"} | body, "languageCode"),
            "maxDuration": integer(body, "maxDuration", DURATIONS, 14_400),
            "partialCaptions": boolean(body, "partialCaptions", True),
        }
        enabled = Conflict("Audio captioning is already enabled", ALREADY_ENABLED)
        feature = features.start(Family.CAPTIONS, session, content, conflict=enabled)
        features.report(feature, "started")
        return response({"captionsId": feature.id}, 202)

    async def get(self, request: web.Request) -> web.Response:
        if not self._state.variants.captions_lookup:
            raise NotFound("Not found")
        project = caller(self._state, request)
        feature = self._state.features.get(Family.CAPTIONS, project, request.match_info["captions"])
        return response(captions_callback(feature))

    async def stop(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        features = self._state.features
        feature = features.get(Family.CAPTIONS, project, request.match_info["captions"])
        if not feature.running:
            raise NotFound("Not found")
        features.stop(feature)
        return web.Response(status=202)
