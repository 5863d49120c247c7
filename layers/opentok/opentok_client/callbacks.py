"""Verifies and parses the vendor's callbacks. Pure functions of the request, the secrets, the time.

A callback is a POST with a JSON object. With a signature secret, the vendor signs it: the header
`Authorization: Bearer <JWT>` holds an HS256 token whose claim `payload_hash` is the SHA-256 of the
raw body. The token has no expiry, and it is unknown whether the vendor signs a retry again, so a
token is accepted for longer than the vendor retries. Handling must therefore be idempotent.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

__all__ = ["AGE_MAX_SECONDS", "FUTURE_MAX_SECONDS", "Connection", "Event", "Refusal", "verify"]

FUTURE_MAX_SECONDS = 60
AGE_MAX_SECONDS = 25 * 3600
"""The vendor retries a callback for 24 hours."""
TOKEN_MAX_LENGTH = 4096
ID_MAX_LENGTH = 255
DATA_MAX_LENGTH = 4096
REASON_MAX_LENGTH = 200
TIME_MAX = 10**15
ISSUER = "Vonage"

_ID = re.compile(rf"[\x21-\x7e]{{1,{ID_MAX_LENGTH}}}")


class Refusal(Enum):
    """Why a request is not a verified event."""

    NOT_AN_EVENT = "the body is not an event"
    UNSIGNED = "the event has no signature"
    NOT_CONFIGURED = "no signature secret is configured"
    FORGED = "the signature is invalid"
    ALTERED = "the signature belongs to another body"
    TOO_OLD = "the signature is too old"
    IN_THE_FUTURE = "the signature was issued in the future"


class Connection(NamedTuple):
    """A client's connection. `created_at` is in milliseconds; 0 when the event does not say."""

    id: str
    created_at: int
    data: str


class Event(NamedTuple):
    """A verified event. `timestamp` is in milliseconds; 0 when the event does not say.

    `name` is empty for callbacks without `event`: those report a `status`. `connection` is None for
    events without a usable one. `fields` is the whole body.
    """

    name: str
    session_id: str
    timestamp: int
    reason: str
    connection: Connection | None
    fields: Mapping[str, object]


def verify(
    raw: bytes, authorization: str | None, secrets: Sequence[str], now: float
) -> Event | Refusal:
    """Returns the event, or why the request is not a verified one.

    Any of the `secrets` may have signed it, because both are in use during a rotation.
    """
    fields = _event_fields(raw)
    if fields is None:
        return Refusal.NOT_AN_EVENT
    if not authorization:
        return Refusal.UNSIGNED
    if not secrets:
        return Refusal.NOT_CONFIGURED
    claims = _signed_claims(authorization, secrets)
    if claims is None or claims.get("iss") != ISSUER:
        return Refusal.FORGED
    body_hash = claims.get("payload_hash")
    expected = hashlib.sha256(raw).hexdigest()
    if not isinstance(body_hash, str) or not _equal(body_hash, expected):
        return Refusal.ALTERED
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        return Refusal.FORGED
    if not issued_at <= now + FUTURE_MAX_SECONDS:  # true for NaN as well
        return Refusal.IN_THE_FUTURE
    if issued_at < now - AGE_MAX_SECONDS:
        return Refusal.TOO_OLD
    return _event(fields)


def _event_fields(raw: bytes) -> Mapping[str, object] | None:
    """Returns the body of an event: a JSON object with `sessionId`, and with `event` or `status`.

    The vendor probes a new URL with a request whose form is undocumented.
    """
    fields = _json_object(raw)
    if fields is None or not isinstance(fields.get("sessionId"), str):
        return None
    if not (isinstance(fields.get("event"), str) or isinstance(fields.get("status"), str)):
        return None
    return fields


def _signed_claims(authorization: str, secrets: Sequence[str]) -> Mapping[str, object] | None:
    """Returns the token's claims, or None unless one of the secrets has signed it with HS256."""
    scheme, _, token = authorization.strip().partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3 or len(token) > TOKEN_MAX_LENGTH:
        return None
    header, payload, signature = (_base64url(part) for part in parts)
    if header is None or payload is None or signature is None:
        return None
    algorithm = _json_object(header)
    if algorithm is None or algorithm.get("alg") != "HS256":
        return None
    signed = f"{parts[0]}.{parts[1]}".encode()
    genuine = False
    for secret in secrets:  # all of them: the time must not reveal which one is in use
        mac = hmac.digest(secret.encode(), signed, "sha256")
        genuine |= hmac.compare_digest(mac, signature)
    return _json_object(payload) if genuine else None


def _base64url(text: str) -> bytes | None:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text, re.ASCII):
        return None
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _json_object(raw: bytes) -> Mapping[str, object] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode())


def _event(fields: Mapping[str, object]) -> Event:
    name, session_id = fields.get("event"), fields["sessionId"]
    return Event(
        name=name if isinstance(name, str) else "",
        session_id=session_id if isinstance(session_id, str) else "",
        timestamp=_milliseconds(fields.get("timestamp")),
        reason=_text(fields.get("reason"), REASON_MAX_LENGTH),
        connection=_connection(fields),
        fields=fields,
    )


def _connection(fields: Mapping[str, object]) -> Connection | None:
    """Returns the connection of a connection event, or of the stream in a stream event."""
    value = fields.get("connection")
    stream = fields.get("stream")
    if not isinstance(value, dict) and isinstance(stream, dict):
        value = stream.get("connection")
    if not isinstance(value, dict):
        return None
    connection_id = value.get("id")
    if not isinstance(connection_id, str) or not _ID.fullmatch(connection_id):
        return None
    created_at = _milliseconds(value.get("createdAt"))
    return Connection(connection_id, created_at, _text(value.get("data"), DATA_MAX_LENGTH))


def _text(value: object, longest: int) -> str:
    """Returns a text that can be stored: well-formed, and not too long."""
    text = value if isinstance(value, str) else ""
    return text[:longest].encode(errors="replace").decode()


def _milliseconds(value: object) -> int:
    """Returns a time, which the vendor writes as a number or as a text of digits; 0 without one."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,16}(\.[0-9]*)?", value, re.ASCII):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value < TIME_MAX else 0  # NaN is not in this range either
