"""The vendor's routes to create a session, and to look one up from a browser."""

from __future__ import annotations

from aiohttp import web

from local.emulator.admission import INVALID_SESSION
from local.emulator.client_tokens import ConnectRefused
from local.emulator.messaging import MESSAGING_PATH
from local.emulator.options import MediaMode, SessionOptions, form_of
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

__all__ = ["ANALYTICS_PREFIX", "SessionRoutes"]

ANALYTICS_PREFIX = "/logging/"

SDK_HEADERS = (
    "content-type",
    "x-opentok-auth",
    "x-tb-client-version",
    "x-tb-connectionid",
    "x-tb-token-auth",
    "x-tb-version",
)
"""Headers of the browser SDK that need permission."""


class SessionRoutes:
    """Handlers of session creation and session info."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/session/create", self.create_session),
            web.get("/session/{session}", self.session_info),
            web.options("/session/{session}", self.preflight),
            web.post("/logging/{kind}", self.analytics),
            web.options("/logging/{kind}", self.preflight),
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
        """Returns what a browser requests first, with its client token.

        A refusal has HTTP status 200 and the error in the body, as browser SDKs expect it.
        """
        headers = request.headers
        token = headers.get("X-OPENTOK-AUTH") or headers.get("X-TB-TOKEN-AUTH") or ""
        try:
            session, _ = self._state.admission.admit(request.match_info["session"], token)
        except ConnectRefused as refusal:
            code = 404 if refusal.code == INVALID_SESSION else 403
            return response(
                [{"error": {"code": code, "errorMessage": {"message": refusal.message}}}]
            )
        return response([_info(session, _messaging_url(request))])

    async def preflight(self, _request: web.Request) -> web.Response:
        """Allows the SDK's own headers."""
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": ", ".join(SDK_HEADERS),
                "Access-Control-Max-Age": "600",
            },
        )

    async def analytics(self, _request: web.Request) -> web.Response:
        """Accepts the SDK's analytics and forgets them: they contain tokens."""
        return web.Response(status=200)


def _messaging_url(request: web.Request) -> str:
    secure = request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
    return f"{'wss' if secure else 'ws'}://{request.host}{MESSAGING_PATH}"


def _info(session: Session, messaging_url: str) -> dict[str, object]:
    relayed = session.options.media_mode is MediaMode.RELAYED
    return {
        "session_id": session.id,
        "project_id": session.project_id,
        "partner_id": session.project_id,
        "create_dt": str(session.created_ms),
        "session_status": "INFLIGHT",
        "status_invalid": None,
        "media_server_hostname": None,
        "messaging_server_url": messaging_url,
        "messaging_url": messaging_url,
        "symphony_address": f"symphony.{session.segment_id}",
        "properties": {
            "p2p": {"preference": {"value": "enabled" if relayed else "disabled"}},
            "reconnection": True,
            "renegotiation": True,
            "e2ee": session.options.e2ee,
            "h264": True,
            "vp8": True,
            "simulcast": False,
        },
        "ice_server": None,
        "session_segment_id": session.segment_id,
        "ice_servers": [],
        "ice_credential_expiration": ICE_CREDENTIAL_EXPIRATION,
    }
