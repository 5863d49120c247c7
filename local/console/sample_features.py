"""The archive and captions paths of the vendor's sample apps, implemented with the real API.

A sample stops and views an archive by its ID alone, so the sessions of started features are kept in
memory. Features that were started before this process do not exist for it.
"""

from __future__ import annotations

import html

from aiohttp import web

from local.console.api import Api, Response
from local.console.sample_apps import USER, SampleApps
from local.console.users import Users

__all__ = ["FEATURE_PATHS", "SampleFeatures"]

FEATURE_PATHS = ("/archive/", "/captions/")
CORS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


class SampleFeatures:
    """Starts and stops archives and captions, and shows an archive."""

    def __init__(self, api: Api, users: Users, samples: SampleApps) -> None:
        self._api = api
        self._users = users
        self._samples = samples
        self._sessions: dict[str, str] = {}

    def table(self) -> list[web.RouteDef]:
        posts = {
            "/archive/start": self.start_archive,
            "/archive/{id}/stop": self.stop_archive,
            "/captions/start": self.start_captions,
            "/captions/{id}/stop": self.stop_captions,
        }
        return [
            *(web.post(path, handler) for path, handler in posts.items()),
            *(web.options(path, self._samples.preflight) for path in posts),
            web.get("/archive/{id}/view", self.view_archive),
        ]

    async def start_archive(self, request: web.Request) -> web.Response:
        return await self._start(request, "archives")

    async def stop_archive(self, request: web.Request) -> web.Response:
        return _passed_on(await self._of_feature(request, "POST", "archives", "/stop"))

    async def view_archive(self, request: web.Request) -> web.Response:
        """Redirects to the recording when it is available, and otherwise reports its status."""
        response = await self._of_feature(request, "GET", "archives")
        if response.status != 200:
            return _passed_on(response)
        archive = response.json()
        if archive.get("url"):
            raise web.HTTPFound(str(archive["url"]), headers=CORS)
        status = html.escape(str(archive.get("status")))
        text = f"<p>The archive is {status}. The emulator records no media.</p>"
        page = f'<!doctype html><html lang="en"><title>Archive</title>{text}</html>'
        return web.Response(text=page, content_type="text/html", headers=CORS)

    async def start_captions(self, request: web.Request) -> web.Response:
        return await self._start(request, "captions")

    async def stop_captions(self, request: web.Request) -> web.Response:
        response = await self._of_feature(request, "POST", "captions", "/stop")
        if response.status != 204:
            return _passed_on(response)
        return web.json_response({"status": "stopped"}, headers=CORS)

    async def _start(self, request: web.Request, family: str) -> web.Response:
        session_id = await _session_id(request)
        response = await self._call("POST", f"/sessions/{session_id}/{family}", {})
        if response.status not in (201, 202):
            return _passed_on(response)
        feature = response.json()
        self._sessions[str(feature["id"])] = session_id
        return web.json_response(feature, headers=CORS)

    async def _of_feature(
        self, request: web.Request, method: str, family: str, ending: str = ""
    ) -> Response:
        feature_id = request.match_info["id"]
        session_id = self._sessions.get(feature_id)
        if session_id is None:
            raise web.HTTPNotFound(text="No such archive or captions.", headers=CORS)
        return await self._call(method, f"/sessions/{session_id}/{family}/{feature_id}{ending}")

    async def _call(self, method: str, path: str, body: object = None) -> Response:
        user = await self._users.signed_in(USER)
        return await self._api.call_as(user.token, method, path, body)


async def _session_id(request: web.Request) -> str:
    try:
        body: object = await request.json()
    except ValueError:
        body = None
    match body:
        case {"sessionId": str(session_id)} if _plain(session_id):
            return session_id
    raise web.HTTPBadRequest(text="sessionId must be the ID of a session.", headers=CORS)


def _plain(value: str) -> bool:
    """Whether a value is part of a path without any encoding."""
    return value.replace("-", "").replace("_", "").replace("~", "").isalnum() and value.isascii()


def _passed_on(response: Response) -> web.Response:
    kind = response.headers.get("Content-Type", "application/json")
    headers = {**CORS, "Content-Type": kind}
    return web.Response(status=response.status, body=response.body, headers=headers)
