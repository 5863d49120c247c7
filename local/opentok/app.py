"""The web application: the routes, and what happens around each of the vendor's."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.opentok.control_routes import CONTROL_PREFIX, ControlRoutes
from local.opentok.errors import Unauthorized, VendorError
from local.opentok.fault_answers import answer_with
from local.opentok.renderings import JSON, XML, error_json, error_xml, gateway_json, wants_json
from local.opentok.stand_in import StandIn
from local.opentok.vendor_routes import LOG_ENTRY, VendorRoutes

__all__ = ["application", "routes"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(stand_in: StandIn) -> list[web.RouteDef]:
    """Everything that is answered."""
    return VendorRoutes(stand_in).table() + ControlRoutes(stand_in).table()


def application(stand_in: StandIn) -> web.Application:
    """The stand-in, ready to be served."""

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(CONTROL_PREFIX):
            return await handler(request)
        return await _vendor_call(stand_in, request, handler)

    app = web.Application(middlewares=[around])
    app.add_routes(routes(stand_in))
    return app


async def _vendor_call(
    stand_in: StandIn, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Note the call, let it meet its fault if there is one, and note how it ended."""
    entry = stand_in.log.add(
        stand_in.clock(),
        request.method,
        request.path,
        request.query,
        request.headers,
        await request.read(),
    )
    request[LOG_ENTRY] = entry
    begun = time.perf_counter()

    async def guarded(request: web.Request) -> web.StreamResponse:
        return await _refusals_answered(request, handler)

    fault = stand_in.faults.next(request.path)
    if fault is None:
        answer: web.StreamResponse | None = await guarded(request)
    else:
        entry.faulty = True
        answer = await answer_with(fault, request, guarded)
    entry.duration_ms = round((time.perf_counter() - begun) * 1000, 3)
    if answer is None:
        return web.Response()  # goes nowhere: the connection is gone
    entry.status = answer.status
    return answer


async def _refusals_answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        answer = await handler(request)
    except VendorError as error:
        answer = _refusal(request, error)
    except web.HTTPException as error:  # no such path, or not with this method
        answer = _refusal(request, VendorError(error.reason, status=error.status))
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _refusal(request: web.Request, error: VendorError) -> web.Response:
    if isinstance(error, Unauthorized):
        body = gateway_json("Unauthorized", error.message, str(uuid.uuid4()))
        content_type = JSON
    elif request.path == "/session/create" and not wants_json(request.headers.get("Accept", "")):
        body, content_type = error_xml(error), XML
    else:
        body, content_type = error_json(error), JSON
    return web.Response(status=error.status, body=body, headers={"Content-Type": content_type})
