"""The web application: routes, request log, faults and error responses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.emulator.archive_routes import ArchiveRoutes
from local.emulator.broadcast_routes import BroadcastRoutes
from local.emulator.captions_routes import CaptionsRoutes
from local.emulator.control_bodies import CONTROL_PREFIX
from local.emulator.control_callbacks import ControlCallbacks
from local.emulator.control_clients import ControlClients
from local.emulator.control_routes import ControlRoutes
from local.emulator.control_status import ControlStatus
from local.emulator.errors import Unauthorized, VendorError
from local.emulator.fault_responses import respond_with
from local.emulator.messaging import MESSAGING_PATH, Messaging
from local.emulator.moderation_routes import ModerationRoutes
from local.emulator.serializers import JSON, XML, error_json, error_xml, gateway_json, wants_json
from local.emulator.service_routes import ServiceRoutes
from local.emulator.session_routes import ANALYTICS_PREFIX, SessionRoutes
from local.emulator.state import EmulatorState
from local.emulator.vendor_requests import LOG_ENTRY
from local.loopback import known_hosts_only

__all__ = ["application", "routes"]

NOT_EMULATED = 501

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(state: EmulatorState) -> list[web.RouteDef]:
    """Returns every route."""
    return [
        route
        for handlers in (
            SessionRoutes(state),
            Messaging(state),
            ModerationRoutes(state),
            ArchiveRoutes(state),
            BroadcastRoutes(state),
            CaptionsRoutes(state),
            ServiceRoutes(state),
            ControlClients(state),
            ControlCallbacks(state),
            ControlStatus(state),
            ControlRoutes(state),
        )
        for route in handlers.table()
    ]


def application(state: EmulatorState) -> web.Application:
    """Returns the application, ready to be served."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith((CONTROL_PREFIX, MESSAGING_PATH)):
            return await handler(request)
        if request.path.startswith(ANALYTICS_PREFIX):  # neither logged nor with faults
            return await _with_refusals(request, handler)
        return await _vendor_call(state, request, handler)

    app = web.Application(middlewares=[known_hosts_only, around])
    app.add_routes(routes(state))
    return app


async def _vendor_call(
    state: EmulatorState, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Logs the call, injects the configured fault, and logs the outcome."""
    entry = state.log.add(
        state.clock(),
        request.method,
        request.path,
        request.query,
        request.headers,
        await request.read(),
    )
    request[LOG_ENTRY] = entry
    started = time.perf_counter()

    async def guarded(request: web.Request) -> web.StreamResponse:
        return await _with_refusals(request, handler)

    fault = state.faults.next(request.path)
    if fault is None:
        response: web.StreamResponse | None = await guarded(request)
    else:
        entry.faulty = True
        response = await respond_with(fault, request, guarded)
    entry.duration_ms = round((time.perf_counter() - started) * 1000, 3)
    if response is None:
        return web.Response()  # never sent: the connection was reset
    entry.status = response.status
    return response


async def _with_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except VendorError as error:
        response = _refusal(request, error)
    except web.HTTPException:  # no such path or method
        message = f"Not emulated: {request.method} {request.path}. See docs/fidelity.md."
        response = _refusal(request, VendorError(message, status=NOT_EMULATED))
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _refusal(request: web.Request, error: VendorError) -> web.Response:
    if isinstance(error, Unauthorized):
        body = gateway_json("Unauthorized", error.message, str(uuid.uuid4()))
        content_type = JSON
    elif request.path == "/session/create" and not wants_json(request.headers.get("Accept", "")):
        body, content_type = error_xml(error), XML
    else:
        body, content_type = error_json(error), JSON
    return web.Response(status=error.status, body=body, headers={"Content-Type": content_type})
