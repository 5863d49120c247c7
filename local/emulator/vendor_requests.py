"""Parsing and responding for the vendor's routes."""

from __future__ import annotations

import json

from aiohttp import web

from local.emulator.client_tokens import WRONG_SESSION
from local.emulator.errors import BadRequest, Forbidden
from local.emulator.projects import Project
from local.emulator.request_log import Entry
from local.emulator.serializers import JSON, compact
from local.emulator.state import EmulatorState

__all__ = [
    "ARCHIVE",
    "LOG_ENTRY",
    "PROJECT",
    "SESSION",
    "caller",
    "json_object",
    "list_response",
    "query_integer",
    "response",
]

LOG_ENTRY = web.RequestKey("log_entry", Entry)

PROJECT = "/v2/project/{project}"
SESSION = PROJECT + "/session/{session}"
ARCHIVE = PROJECT + "/archive"


def caller(state: EmulatorState, request: web.Request) -> Project:
    """Returns the caller's project, which must be the one in the path.

    Raises:
        Forbidden, Unauthorized: if the credentials are invalid or of another project.
    """
    project = state.auth.caller(request.headers, state.host_of(request))
    if project.id != request.match_info["project"]:
        raise Forbidden(WRONG_SESSION)
    return project


async def json_object(request: web.Request) -> dict[str, object]:
    """Returns the body as a JSON object.

    Raises:
        BadRequest: if it is none.
    """
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        raise BadRequest("Invalid request: the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("Invalid request: the body is not an object")
    return body


def query_integer(request: web.Request, name: str, default: int) -> int:
    """Returns a query parameter.

    Raises:
        BadRequest: if it is not a non-negative integer.
    """
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        raise BadRequest(f"Invalid request: {name}")
    return int(text)


def response(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=compact(value), headers={"Content-Type": JSON})


def list_response(items: list[dict[str, object]], count: int | None = None) -> web.Response:
    """Returns a list with the total count."""
    return response({"count": len(items) if count is None else count, "items": items})
