"""The vendor's routes for archives."""

from __future__ import annotations

from aiohttp import web

from local.emulator.errors import BadRequest
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import (
    ARCHIVE,
    caller,
    json_object,
    list_response,
    query_integer,
    response,
)

__all__ = ["ArchiveRoutes"]

MAX_ARCHIVES = 1000  # per page


class ArchiveRoutes:
    """Handlers of archives."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.get(ARCHIVE, self.list_archives),
            web.post(ARCHIVE, self.start_archive),
            web.get(ARCHIVE + "/{archive}", self.get_archive),
            web.post(ARCHIVE + "/{archive}/stop", self.stop_archive),
            web.delete(ARCHIVE + "/{archive}", self.delete_archive),
            web.put(ARCHIVE + "/{archive}/layout", self.set_layout),
            web.patch(ARCHIVE + "/{archive}/streams", self.change_streams),
        ]

    async def list_archives(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        archives = self._state.archives.listed(project, request.query.get("sessionId"))
        offset = query_integer(request, "offset", 0)
        count = min(query_integer(request, "count", MAX_ARCHIVES), MAX_ARCHIVES)
        page = archives[offset : offset + count]
        return list_response([archive.to_json() for archive in page], len(archives))

    async def start_archive(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        body = await json_object(request)
        session_id = body.get("sessionId")
        if not isinstance(session_id, str):
            raise BadRequest("Invalid request: sessionId")
        return response(self._state.archives.start(project, session_id, body).to_json())

    async def get_archive(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        archive = self._state.archives.get(project, request.match_info["archive"])
        return response(archive.to_json())

    async def stop_archive(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        archive = self._state.archives.stop(project, request.match_info["archive"])
        return response(archive.to_json())

    async def delete_archive(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        self._state.archives.delete(project, request.match_info["archive"])
        return web.Response(status=204)

    async def set_layout(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        archive = self._state.archives.get(project, request.match_info["archive"])
        self._state.archives.set_layout(archive, await json_object(request))
        return response(archive.to_json())

    async def change_streams(self, request: web.Request) -> web.Response:
        project = caller(self._state, request)
        archive = self._state.archives.get(project, request.match_info["archive"])
        self._state.archives.change_streams(archive, await json_object(request))
        return web.Response(status=204)
