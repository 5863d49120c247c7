"""Creates sessions. A create may be repeated: an unused session costs nothing."""

from __future__ import annotations

from .options import SessionOptions
from .responses import Retryable, parsed
from .session_id import POSSIBLE_ID
from .transport import Request, Transport

__all__ = ["create_session"]


def create_session(transport: Transport, options: SessionOptions, deadline: float) -> str:
    """Creates a session and returns its id. Raises what `Transport.call` raises."""
    request = Request("POST", "/session/create", "sessions", form=options.form())
    return transport.call(request, _session_id, deadline)


def _session_id(body: bytes) -> str:
    match parsed(body):
        case [{"session_id": str(session_id)}] if POSSIBLE_ID.fullmatch(session_id):
            return session_id
    raise Retryable("status 200 without a session id")
