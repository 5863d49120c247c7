"""Parsing and responding for the control routes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.emulator.errors import NotFound
from local.emulator.serializers import JSON, compact

__all__ = [
    "CONTROL_PREFIX",
    "Handler",
    "InvalidRequest",
    "control_routes",
    "json_object",
    "json_response",
    "limit",
    "required_text",
]

CONTROL_PREFIX = "/_emulator"

Handler = Callable[[web.Request], Awaitable[web.Response]]


class InvalidRequest(Exception):
    """The body is invalid."""


def control_routes(handlers: list[tuple[str, str, Handler]]) -> list[web.RouteDef]:
    """Returns routes from method, path and handler; exceptions become 400 and 404."""
    return [
        web.route(method, CONTROL_PREFIX + path, _with_refusals(handler))
        for method, path, handler in handlers
    ]


async def json_object(request: web.Request) -> dict[str, object]:
    """Returns the body as a JSON object.

    Raises:
        InvalidRequest: if it is none.
    """
    try:
        body: object = json.loads(await request.read())
    except ValueError as error:
        raise InvalidRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body


def required_text(body: dict[str, object], name: str) -> str:
    """Returns a required field.

    Raises:
        InvalidRequest: if it is missing or not a string.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string")
    return value


def limit(request: web.Request) -> int:
    """Returns the query parameter ``limit``, by default 1000.

    Raises:
        InvalidRequest: if it is not a positive integer.
    """
    text = request.query.get("limit", "1000")
    if not text.isdecimal() or int(text) < 1:
        raise InvalidRequest("limit must be a positive integer")
    return int(text)


def json_response(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=compact(value), headers={"Content-Type": JSON})


def _with_refusals(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except InvalidRequest as error:
            return json_response({"message": str(error)}, 400)
        except NotFound as error:
            return json_response({"message": error.message}, 404)

    return guarded
