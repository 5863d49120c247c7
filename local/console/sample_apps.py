"""The backend paths of the vendor's sample apps, implemented with the real API.

The samples have no sign-in, so each of their users is alice here. They expect the same four fields
from every backend (some read `apiKey`, some `applicationId`), and run on pages of any origin. The
docs show how a sample calls a deployed API with a signed-in user.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from local.console.api import Api, NoResponse
from local.console.users import Users

__all__ = ["SAMPLE_PATHS", "USER", "SampleApps"]

USER = "alice"

SAMPLE_PATHS = ("/session", "/room/")

#: `GET /session` names no room. The vendor's learning servers use this one.
DEFAULT_ROOM = "session"

#: Newer browsers ask for this permission before a public page may call a local address.
_PRIVATE_NETWORK = "Access-Control-Request-Private-Network"


class SampleApps:
    """`GET /session` and `GET /room/{name}`."""

    def __init__(self, api: Api, users: Users) -> None:
        self._api = api
        self._users = users

    def table(self) -> list[web.RouteDef]:
        return [
            route
            for path in ("/session", "/room/{name}")
            for route in (web.get(path, self.room), web.options(path, self.preflight))
        ]

    async def room(self, request: web.Request) -> web.Response:
        """Returns the session of a room, and a token to publish in it.

        An error keeps its status and its problem+json body. Raises `NoResponse`.
        """
        room = request.match_info.get("name", DEFAULT_ROOM)
        user = await self._users.signed_in(USER)
        body = {"room": room, "token": {"role": "publisher"}}
        response = await self._api.call_as(user.token, "POST", "/sessions", body)
        cors = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        if response.status not in (200, 201):
            kind = response.headers.get("Content-Type", "application/json")
            return web.Response(
                status=response.status, body=response.body, headers={**cors, "Content-Type": kind}
            )
        return web.json_response(_fields(response.json()), headers=cors)

    async def preflight(self, request: web.Request) -> web.Response:
        """Allows any origin, with any headers that its HTTP library adds."""
        requested = request.headers.get("Access-Control-Request-Headers", "*")
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
            "Access-Control-Allow-Headers": requested,
            "Access-Control-Max-Age": "600",
            "Vary": "Access-Control-Request-Headers",
        }
        if request.headers.get(_PRIVATE_NETWORK) == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return web.Response(status=204, headers=headers)


def _fields(session: Mapping[str, object]) -> dict[str, str]:
    match session:
        case {
            "projectId": str(project),
            "sessionId": str(session_id),
            "token": {"token": str(token)},
        }:
            return {
                "apiKey": project,
                "applicationId": project,
                "sessionId": session_id,
                "token": token,
            }
    raise NoResponse("the API's response has no session and token")
