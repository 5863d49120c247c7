"""Control routes, with which tests and demos steer the emulator.

All of them are under ``/_emulator``, accept and return JSON, are not logged and get no fault.
"""

from __future__ import annotations

from aiohttp import web

from local.emulator.control_bodies import (
    Handler,
    InvalidRequest,
    control_routes,
    json_object,
    json_response,
    limit,
)
from local.emulator.errors import NotFound
from local.emulator.faults import Fault, InvalidFault
from local.emulator.projects import InvalidCredentials, Platform
from local.emulator.state import EmulatorState

__all__ = ["ControlRoutes"]


class ControlRoutes:
    """Handlers of the ``/_emulator`` paths."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self.health),
            ("GET", "/sessions", self.sessions),
            ("GET", "/sessions/{session}", self.session),
            ("GET", "/faults", self.fault),
            ("PUT", "/faults", self.set_fault),
            ("DELETE", "/faults", self.end_fault),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.forget_requests),
            ("PUT", "/credentials", self.change_credentials),
        ]
        return control_routes(handlers)

    async def health(self, _request: web.Request) -> web.Response:
        return json_response({"ok": True})

    async def sessions(self, request: web.Request) -> web.Response:
        """Lists the newest sessions as parsed."""
        sessions = self._state.sessions
        newest = sessions.newest(limit(request))
        return json_response(
            {"total": len(sessions), "sessions": [session.details() for session in newest]}
        )

    async def session(self, request: web.Request) -> web.Response:
        session = self._state.sessions.get(request.match_info["session"])
        if session is None:
            raise NotFound("no such session")
        return json_response(session.details())

    async def fault(self, _request: web.Request) -> web.Response:
        return self._fault()

    async def set_fault(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.from_json(await json_object(request))
        except InvalidFault as error:
            raise InvalidRequest(str(error)) from error
        self._state.faults.set(fault)
        return self._fault()

    async def end_fault(self, _request: web.Request) -> web.Response:
        self._state.faults.set(None)
        return web.Response(status=204)

    def _fault(self) -> web.Response:
        faults = self._state.faults
        return json_response(
            {
                "fault": faults.fault.to_json() if faults.fault else None,
                "met": faults.met,
                "remaining": faults.remaining,
            }
        )

    async def requests(self, request: web.Request) -> web.Response:
        """Lists the logged requests, oldest first; ``limit`` keeps the last ones."""
        log = self._state.log
        entries = [entry.to_json() for entry in log.last(limit(request))]
        return json_response({"total": log.total, "requests": entries})

    async def forget_requests(self, _request: web.Request) -> web.Response:
        self._state.log.forget()
        return web.Response(status=204)

    async def change_credentials(self, request: web.Request) -> web.Response:
        """Rotates the project's key, or replaces the project."""
        body = await json_object(request)
        named = body.get("platform")
        if named is None:
            vonage = {"applicationId", "privateKey", "publicKey"} & set(body)
            named = Platform.VONAGE if vonage else Platform.OPENTOK
        old_valid_seconds = body.get("oldValidSeconds", 0)
        if named not in list(Platform):
            raise InvalidRequest("platform must be opentok or vonage")
        if (
            not isinstance(old_valid_seconds, int | float)
            or isinstance(old_valid_seconds, bool)
            or old_valid_seconds < 0
        ):
            raise InvalidRequest("oldValidSeconds must be a non-negative number")
        platform = Platform(str(named))
        try:
            changed = self._state.projects.change(platform, body, old_valid_seconds)
        except InvalidCredentials as error:
            raise InvalidRequest(str(error)) from error
        return json_response({platform.value: changed})
