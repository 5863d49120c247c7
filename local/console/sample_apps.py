"""What the vendor's sample apps ask their backend for, answered through the real API.

The samples know of no sign-in: every one of their users is alice here. They want the same four
texts of every backend (some read `apiKey`, some `applicationId`), and run on pages of any origin.
The docs show the few lines by which a sample calls a deployed API with a signed-in user.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from local.console.api import Api, NoAnswer
from local.console.users import Users

__all__ = ["SampleApps"]

USER = "alice"

#: `GET /session` names no room; the vendor's learning servers send it to this one.
DEFAULT_ROOM = "session"

#: A page on a public address has to be let in on purpose, by newer browsers.
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
        """The session of a room, and a token to publish in it.

        A refusal is passed on with its status and problem+json: the samples look at the status, if
        at anything. Raises `NoAnswer`.
        """
        room = request.match_info.get("name", DEFAULT_ROOM)
        user = await self._users.signed_in(USER)
        asked = {"room": room, "token": {"role": "publisher"}}
        answer = await self._api.call_as(user.token, "POST", "/sessions", asked)
        cors = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        if answer.status not in (200, 201):
            kind = answer.headers.get("Content-Type", "application/json")
            return web.Response(
                status=answer.status, body=answer.body, headers={**cors, "Content-Type": kind}
            )
        return web.json_response(_four_texts(answer.json()), headers=cors)

    async def preflight(self, request: web.Request) -> web.Response:
        """Any origin may ask, with whatever headers its HTTP library adds."""
        wanted = request.headers.get("Access-Control-Request-Headers", "*")
        headers = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
            "Access-Control-Allow-Headers": wanted,
            "Access-Control-Max-Age": "600",
            "Vary": "Access-Control-Request-Headers",
        }
        if request.headers.get(_PRIVATE_NETWORK) == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return web.Response(status=204, headers=headers)


def _four_texts(session: Mapping[str, object]) -> dict[str, str]:
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
    raise NoAnswer("the API answered without a session and a token")
