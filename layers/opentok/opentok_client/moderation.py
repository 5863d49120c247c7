"""Acts on the clients that are connected to a session: lists and disconnects them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from .errors import NotFound
from .responses import Retryable, parsed
from .transport import Request, Transport

__all__ = ["CONNECTION_ID", "VendorConnection", "disconnect", "list_connections"]

FAMILY = "moderation"
LIST_MAX_BYTES = 4 * 1024 * 1024  # 3000 connections, the most of a session, have about 500 kB
CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""The form of every connection id."""


class VendorConnection(NamedTuple):
    """A client that is connected to a session. `created_at` is in milliseconds since the epoch.

    The vendor does not report the client's connection data here.
    """

    connection_id: str
    created_at: int | None


def list_connections(
    transport: Transport, session_id: str, deadline: float
) -> Sequence[VendorConnection]:
    """Returns the clients that are connected or connecting, the oldest first.

    Raises `NotFound` when nobody is connected, and what `Transport.call` raises.
    """
    path = f"{_session_path(transport, session_id)}/connection"
    return transport.call(
        Request("GET", path, FAMILY, max_bytes=LIST_MAX_BYTES), _connections, deadline
    )


def disconnect(transport: Transport, session_id: str, connection_id: str, deadline: float) -> None:
    """Disconnects a client. It can connect again for as long as its token is valid.

    Raises `NotFound` when it is not connected, and what `Transport.call` raises.
    """
    if not CONNECTION_ID.fullmatch(connection_id):
        raise NotFound(404, "no connection has such an id")
    path = f"{_session_path(transport, session_id)}/connection/{connection_id}"
    transport.call(Request("DELETE", path, FAMILY, success=(204, 200)), _nothing, deadline)


def _session_path(transport: Transport, session_id: str) -> str:
    return (
        f"/v2/project/{quote(transport.project_id, safe='')}/session/{quote(session_id, safe='')}"
    )


def _nothing(_: bytes) -> None:
    return None


def _connections(body: bytes) -> Sequence[VendorConnection]:
    match parsed(body):
        case {"items": [*items]}:
            return [_connection(item) for item in items if not _is_disconnected(item)]
    raise Retryable("status 200 without a list of connections")


def _is_disconnected(item: object) -> bool:
    return isinstance(item, dict) and item.get("connectionState") == "Disconnected"


def _connection(item: object) -> VendorConnection:
    match item:
        case {"connectionId": str(connection_id), **others} if connection_id:
            # Documented as text; some responses have it as a number.
            created = str(others.get("createdAt"))
            is_time = re.fullmatch(r"[0-9]{1,15}", created)
            return VendorConnection(connection_id, int(created) if is_time else None)
    raise Retryable("status 200 with a connection without an id")
