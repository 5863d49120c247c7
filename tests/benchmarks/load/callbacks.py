"""Callbacks as the vendor sends and signs them."""

from __future__ import annotations

import hashlib
import json
import time
import uuid

import jwt

__all__ = ["Callbacks"]

Request = tuple[bytes, dict[str, str]]


class Callbacks:
    """Signs events of connections with the stack's signature secret."""

    def __init__(self, secret: str, project: str) -> None:
        self._secret = secret
        self._project = project

    def created(self, session: str, connection: str) -> Request:
        return self._signed(session, connection, {"event": "connectionCreated"})

    def destroyed(self, session: str, connection: str) -> Request:
        reason = {"event": "connectionDestroyed", "reason": "clientDisconnected"}
        return self._signed(session, connection, reason)

    def _signed(self, session: str, connection: str, event: dict[str, str]) -> Request:
        now = int(time.time() * 1000)
        body = json.dumps(
            {
                "sessionId": session,
                "projectId": self._project,
                **event,
                "timestamp": now,
                "connection": {"id": connection, "createdAt": now, "data": "name=Alice"},
            }
        ).encode()
        claims = {
            "iat": now // 1000,
            "jti": str(uuid.uuid4()),
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(),
        }
        token = jwt.encode(claims, self._secret, "HS256")
        return body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
