"""Callbacks as the vendor sends them, for tests: bodies, and their signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

__all__ = ["SIGNATURE_SECRET", "authorization", "body", "connection_event", "session_event"]

SIGNATURE_SECRET = "a-signature-secret-made-up-for-tests"


def body(event: Mapping[str, object]) -> bytes:
    """Returns an event as the vendor writes it: compact JSON."""
    return json.dumps(event, separators=(",", ":")).encode()


def authorization(
    raw: bytes,
    now: float,
    secret: str = SIGNATURE_SECRET,
    header: Mapping[str, object] | None = None,
    **claims: object,
) -> str:
    """Returns the header that signs a body; `claims` replace those of the vendor."""
    usual: dict[str, object] = {
        "iat": int(now),
        "jti": "8f2d5f0c-2c11-4b9c-9a64-0f9f6d1f7a10",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(raw).hexdigest(),
    }
    parts = (header or {"alg": "HS256", "typ": "JWT"}, {**usual, **claims})
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    mac = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"Bearer {signed}.{_base64url(mac)}"


def session_event(name: str, session_id: str, at: int, **more: object) -> dict[str, object]:
    """Returns an event about a session; `at` is in milliseconds."""
    event = {"sessionId": session_id, "projectId": "47000001", "event": name, "timestamp": at}
    return {**event, **more}


def connection_event(
    name: str, session_id: str, connection: str, created_at: int, at: int, data: str = ""
) -> dict[str, object]:
    """Returns an event about a connection, or about a stream of it."""
    inner = {"id": connection, "createdAt": created_at, "data": data}
    if name.startswith("stream"):
        stream = {"id": f"stream-{connection}", "createdAt": at, "name": "", "connection": inner}
        return session_event(name, session_id, at, stream=stream)
    more = {"reason": "clientDisconnected"} if name == "connectionDestroyed" else {}
    return session_event(name, session_id, at, connection=inner, **more)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
