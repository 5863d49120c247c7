"""The vendor's routes to create a session, and to look one up from a browser."""

from __future__ import annotations

from aiohttp import web

from local.emulator.client_tokens import WRONG_SESSION, ConnectRefused, Grant
from local.emulator.errors import Forbidden, NotFound
from local.emulator.options import SessionOptions, form_of
from local.emulator.serializers import (
    ICE_CREDENTIAL_EXPIRATION,
    JSON,
    XML,
    session_json,
    session_xml,
    wants_json,
)
from local.emulator.sessions import Session
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import LOG_ENTRY, response

__all__ = ["SessionRoutes"]


class SessionRoutes:
    """Handlers of session creation and session info."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/session/create", self.create_session),
            web.get("/session/{session}", self.session_info),
        ]

    async def create_session(self, request: web.Request) -> web.Response:
        state = self._state
        project = state.auth.caller(request.headers, state.host_of(request))
        form = form_of(await request.read())
        options = SessionOptions.from_form(form, state.unrecorded)
        session = state.sessions.create(project, options)
        request[LOG_ENTRY].session = session.details()
        if wants_json(request.headers.get("Accept", "")):
            return web.Response(body=session_json(session), headers={"Content-Type": JSON})
        return web.Response(body=session_xml(session), headers={"Content-Type": XML})

    async def session_info(self, request: web.Request) -> web.Response:
        """Returns what a browser requests first, with its client token."""
        grant = self._client_grant(request)
        session_id = request.match_info["session"]
        session = self._state.sessions.get(session_id)
        if session is None:
            raise NotFound("Session not found")
        if grant.session_id != session_id:
            raise Forbidden(WRONG_SESSION)
        return response([_info(session)])

    def _client_grant(self, request: web.Request) -> Grant:
        headers = request.headers
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        token = headers.get("X-TB-TOKEN-AUTH") or bearer
        try:
            return self._state.tokens.verify(token)
        except ConnectRefused as refusal:
            raise Forbidden(refusal.message) from None


def _info(session: Session) -> dict[str, object]:
    return {
        "session_id": session.id,
        "project_id": session.project_id,
        "partner_id": session.project_id,
        "create_dt": str(session.created_ms),
        "session_status": "INFLIGHT",
        "status_invalid": None,
        "media_server_hostname": None,
        "messaging_server_url": None,
        "messaging_url": None,  # not emulated
        "symphony_address": None,
        "properties": {
            "p2p.preference.value": {"relayed": "enabled", "routed": "disabled"}[
                session.options.media_mode
            ],
        },
        "ice_server": None,
        "session_segment_id": session.segment_id,
        "ice_servers": [],
        "ice_credential_expiration": ICE_CREDENTIAL_EXPIRATION,
    }
