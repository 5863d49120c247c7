"""Control routes that change the status of archives and features, and the files of archives."""

from __future__ import annotations

from aiohttp import web

from local.emulator.archive_store import PLACEHOLDER
from local.emulator.control_bodies import (
    CONTROL_PREFIX,
    Handler,
    InvalidRequest,
    control_routes,
    json_object,
    json_response,
    required_text,
)
from local.emulator.state import EmulatorState

__all__ = ["ARCHIVE_FILES", "ControlStatus"]

ARCHIVE_FILES = CONTROL_PREFIX + "/archives"
ARCHIVE_STATUSES = (
    "started",
    "paused",
    "stopped",
    "uploaded",
    "available",
    "expired",
    "failed",
)
FEATURE_STATUSES = ("started", "stopped", "failed", "paused")


class ControlStatus:
    """Handlers that play changes which the service makes by itself."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, Handler]] = [
            ("PUT", "/archives/{archive}/status", self.archive),
            ("PUT", "/features/{feature}/status", self.feature),
            ("GET", "/archives/{archive}.mp4", self.file),
        ]
        return control_routes(handlers)

    async def archive(self, request: web.Request) -> web.Response:
        """Sets the status of an archive, and sends the callback."""
        status, reason = await _status(request, ARCHIVE_STATUSES)
        archive = self._state.archives.report(request.match_info["archive"], status, reason)
        return json_response(archive.to_json())

    async def feature(self, request: web.Request) -> web.Response:
        """Sets the status of a broadcast, captions, SIP call or render, and sends the callback."""
        status, reason = await _status(request, FEATURE_STATUSES)
        feature = self._state.features.find(request.match_info["feature"])
        self._state.features.report(feature, status, reason or None)
        return json_response({"id": feature.id, "status": feature.status})

    async def file(self, _request: web.Request) -> web.Response:
        """Returns the file of an archive, which has no content."""
        return web.Response(body=PLACEHOLDER, content_type="video/mp4")


async def _status(request: web.Request, statuses: tuple[str, ...]) -> tuple[str, str]:
    body = await json_object(request)
    status, reason = required_text(body, "status"), body.get("reason", "")
    if status not in statuses:
        raise InvalidRequest("status must be one of " + ", ".join(statuses))
    if not isinstance(reason, str):
        raise InvalidRequest("reason must be a string")
    return status, reason
