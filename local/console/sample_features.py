"""The archive and captions paths of the vendor's sample apps.

They call the vendor's REST API with the project's credentials, as the vendor's learning servers do.
"""

from __future__ import annotations

import html
import time
import uuid
from collections.abc import Mapping

import jwt
from aiohttp import web

from local.console.api import Api, Response
from local.console.sample_apps import USER, SampleApps
from local.console.users import Users

__all__ = ["FEATURE_PATHS", "SampleFeatures", "VendorProject"]

FEATURE_PATHS = ("/archive/", "/captions/")
JWT_SECONDS = 120
CORS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}


class VendorProject:
    """The project's REST API in the emulator."""

    def __init__(self, vendor: Api, platform: str, credentials: Mapping[str, str]) -> None:
        self._vendor = vendor
        self._vonage = platform == "vonage"
        self._id = credentials["applicationId" if self._vonage else "apiKey"]
        self._key = credentials["privateKey" if self._vonage else "apiSecret"]

    async def call(self, method: str, path: str, body: object = None) -> Response:
        """Calls a path below the project. Raises `NoResponse`."""
        url = f"/v2/project/{self._id}{path}"
        return await self._vendor.call_with(method, url, self._authorization(), body)

    def _authorization(self) -> dict[str, str]:
        now = int(time.time())
        claims: dict[str, object] = {"iat": now, "exp": now + JWT_SECONDS, "jti": str(uuid.uuid4())}
        if self._vonage:
            token = jwt.encode({**claims, "application_id": self._id}, self._key, "RS256")
            return {"Authorization": f"Bearer {token}"}
        token = jwt.encode({**claims, "iss": self._id, "ist": "project"}, self._key, "HS256")
        return {"X-OPENTOK-AUTH": token}


class SampleFeatures:
    """Starts and stops archives and captions, and shows an archive."""

    def __init__(self, api: Api, users: Users, project: VendorProject, samples: SampleApps) -> None:
        self._api = api
        self._users = users
        self._project = project
        self._samples = samples

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
        body = {"sessionId": await _session_id(request)}
        return _passed_on(await self._project.call("POST", "/archive", body))

    async def stop_archive(self, request: web.Request) -> web.Response:
        path = f"/archive/{_id(request)}/stop"
        return _passed_on(await self._project.call("POST", path))

    async def view_archive(self, request: web.Request) -> web.Response:
        """Returns a page about the archive: the emulator records nothing that could be played."""
        response = await self._project.call("GET", f"/archive/{_id(request)}")
        if response.status != 200:
            return _passed_on(response)
        status = html.escape(str(response.json().get("status")))
        text = f"<p>The archive is {status}. The emulator records no media.</p>"
        page = f'<!doctype html><html lang="en"><title>Archive</title>{text}</html>'
        return web.Response(text=page, content_type="text/html", headers=CORS)

    async def start_captions(self, request: web.Request) -> web.Response:
        """Starts captions with a moderator's token, which the vendor requires."""
        session_id = await _session_id(request)
        user = await self._users.signed_in(USER)
        path = f"/sessions/{session_id}/tokens"
        issued = await self._api.call_as(user.token, "POST", path, {"role": "moderator"})
        if issued.status != 201:
            return _passed_on(issued)
        body = {"sessionId": session_id, "token": issued.json()["token"]}
        response = await self._project.call("POST", "/captions", body)
        if response.status != 202:
            return _passed_on(response)
        return web.json_response({"id": response.json()["captionsId"]}, headers=CORS)

    async def stop_captions(self, request: web.Request) -> web.Response:
        response = await self._project.call("POST", f"/captions/{_id(request)}/stop")
        if response.status not in (200, 202):
            return _passed_on(response)
        return web.json_response({"status": "stopped"}, headers=CORS)


async def _session_id(request: web.Request) -> str:
    try:
        body: object = await request.json()
    except ValueError:
        body = None
    match body:
        case {"sessionId": str(session_id)} if _plain(session_id):
            return session_id
    raise web.HTTPBadRequest(text="sessionId must be the ID of a session.", headers=CORS)


def _id(request: web.Request) -> str:
    value = request.match_info["id"]
    if not _plain(value):
        raise web.HTTPNotFound(headers=CORS)
    return value


def _plain(value: str) -> bool:
    """Whether a value is part of a path without any encoding."""
    return value.replace("-", "").replace("_", "").replace("~", "").isalnum() and value.isascii()


def _passed_on(response: Response) -> web.Response:
    kind = response.headers.get("Content-Type", "application/json")
    headers = {**CORS, "Content-Type": kind}
    return web.Response(status=response.status, body=response.body, headers=headers)
