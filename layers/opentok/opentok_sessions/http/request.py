"""Reads a request from API Gateway's event (HTTP API, payload 2.0): caller, path, query, body.

Only the claims are trusted: the gateway has verified the JWT.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from opentok_client.session_id import POSSIBLE_ID

from ..domain.claims import KeyClaim
from ..domain.deadline import FUNCTION_SECONDS, Deadline
from ..domain.models import ROOM, Caller
from ..domain.problems import (
    BodyTooLarge,
    CallbackKindUnknown,
    ConnectionNotFound,
    FieldError,
    InvalidRequest,
    NotJson,
    RoomNotFound,
    SessionNotFound,
)
from ..runtime.settings import Settings
from .caller import caller_of

__all__ = ["BODY_MAX_BYTES", "Event", "Request"]

BODY_MAX_BYTES = 64 * 1024
CALLBACK_KINDS = ("session", "archive", "broadcast", "captions", "sip", "render")
NAMES_MAX = 20
"""Names in one message. A body of 64 KiB can contain thousands."""
_JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json")
_QUOTED = re.compile(r'"[^"]*"')
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,128}")

Event = Mapping[str, Any]


class Request:
    """One event of the gateway. Reading something that the caller sent wrong raises a `Problem`."""

    def __init__(self, event: object, settings: Settings, deadline: Deadline | None = None) -> None:
        self._event: Event = event if isinstance(event, Mapping) else {}
        self._settings = settings
        self.deadline = deadline or Deadline.after(FUNCTION_SECONDS, time.monotonic)

    @property
    def id(self) -> str:
        """The gateway's request id, which the caller sees too."""
        value = _at(self._event, "requestContext", "requestId")
        return value if isinstance(value, str) else ""

    @property
    def route(self) -> str:
        """The route as the template names it, such as `POST /sessions`."""
        value = self._event.get("routeKey")
        return value if isinstance(value, str) else ""

    @property
    def caller(self) -> Caller:
        """The caller, from claims that the gateway has verified."""
        claims = _at(self._event, "requestContext", "authorizer", "jwt", "claims")
        return caller_of(claims if isinstance(claims, Mapping) else {}, self._settings)

    @property
    def has_session_id(self) -> bool:
        """Whether the path names a session."""
        return _at(self._event, "pathParameters", "sessionId") is not None

    @property
    def session_id(self) -> str:
        """The id in the path. Raises `SessionNotFound` for a text that cannot be one."""
        value = self.path_parameter("sessionId")
        if not POSSIBLE_ID.fullmatch(value):
            raise SessionNotFound
        return value

    @property
    def room(self) -> str:
        """The room's name in the path. Raises `RoomNotFound` for a text that cannot be one."""
        value = self.path_parameter("room")
        if not ROOM.fullmatch(value):
            raise RoomNotFound
        return value

    @property
    def connection_id(self) -> str:
        """The connection in the path. Raises `ConnectionNotFound` for a text that cannot be one."""
        value = self.path_parameter("connectionId")
        if not _CONNECTION_ID.fullmatch(value):
            raise ConnectionNotFound
        return value

    @property
    def callback_kind(self) -> str:
        """The kind of callback in the path. Raises `CallbackKindUnknown` for any other text."""
        value = self.path_parameter("kind")
        if value not in CALLBACK_KINDS:
            raise CallbackKindUnknown
        return value

    def path_parameter(self, name: str) -> str:
        """Returns a parameter of the path; empty when the path has none of this name."""
        value = _at(self._event, "pathParameters", name)
        return value if isinstance(value, str) else ""

    @property
    def query(self) -> Mapping[str, object]:
        """The query parameters."""
        value = self._event.get("queryStringParameters")
        return value if isinstance(value, Mapping) else {}

    def header(self, name: str) -> str | None:
        """Returns a header by its lower-case name."""
        headers = self._event.get("headers")
        if isinstance(headers, Mapping):
            for key, value in headers.items():
                if isinstance(key, str) and key.lower() == name and isinstance(value, str):
                    return value
        return None

    def json(self, *, required: bool = False) -> dict[str, object]:
        """Returns the body's fields; none without a body and for `null`, unless it is `required`.

        Raises `BodyTooLarge`, `NotJson` or `InvalidRequest`.
        """
        raw = self.raw_body()
        if not raw and not required:
            return {}
        if not _is_json(self.header("content-type") or "application/json"):
            raise NotJson("The Content-Type must be application/json.")
        try:
            text = raw.decode() or "null"
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
            _canonical(value).encode()  # fails for lone surrogates
        except RecursionError:
            raise _bad_body("is nested too deeply") from None
        except ValueError as error:
            message = str(error) if isinstance(error, _BadJson) else "is not valid JSON in UTF-8"
            raise _bad_body(message) from None
        if value is None and not required:
            return {}
        if value == []:
            raise _bad_body("must be a JSON object; an empty object is {}, not []")
        if not isinstance(value, dict):
            raise _bad_body("must be a JSON object")
        return value

    def header_errors(self) -> list[FieldError]:
        """Returns what is wrong with the headers."""
        key = self.header("idempotency-key")
        if key is None or _IDEMPOTENCY_KEY.fullmatch(key):
            return []
        return [FieldError("Idempotency-Key", "must have 1 to 128 printable ASCII characters")]

    def idempotency_key(self, caller: Caller, body: Mapping[str, object]) -> KeyClaim | None:
        """Returns the key as it is stored: hashed with the caller, so that keys of different
        callers cannot collide."""
        key = self.header("idempotency-key")
        if key is None:
            return None
        owner = [caller.tenant, caller.sub] if caller.tenant else [caller.sub]
        return KeyClaim(_sha256(_canonical([*owner, key])), _sha256(_canonical(body)))

    def raw_body(self) -> bytes:
        """Returns the body as it was sent. Raises `BodyTooLarge` or `InvalidRequest`."""
        body = self._event.get("body")
        if body is None:
            return b""
        if not isinstance(body, str):
            raise _bad_body("must be text")
        # A text has at most as many characters as bytes; base64 adds a third.
        if len(body) > BODY_MAX_BYTES * 4 // 3 + 4:
            raise BodyTooLarge(f"The body must have at most {BODY_MAX_BYTES} bytes.")
        try:
            if self._event.get("isBase64Encoded") is True:
                raw = base64.b64decode(body, validate=True)
            else:
                raw = body.encode()
        except (binascii.Error, ValueError):
            raise _bad_body("cannot be decoded") from None
        if len(raw) > BODY_MAX_BYTES:
            raise BodyTooLarge(f"The body must have at most {BODY_MAX_BYTES} bytes.")
        return raw


def _is_json(content_type: str) -> bool:
    """Returns whether the header names JSON. The gateway joins repeated headers with commas."""
    values = _QUOTED.sub("", content_type).lower().split(",")
    types = [value.partition(";")[0].strip() for value in values if value.strip()]
    return all(_JSON_TYPE.fullmatch(media_type) for media_type in types)


class _BadJson(ValueError):
    """Parseable but ambiguous JSON (duplicate keys, NaN)."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        times = Counter(name for name, _ in pairs)
        duplicates = sorted({name[:100] for name, number in times.items() if number > 1})
        more = f" and {len(duplicates) - NAMES_MAX} more" if duplicates[NAMES_MAX:] else ""
        raise _BadJson(f"contains duplicate keys: {', '.join(duplicates[:NAMES_MAX])}{more}")
    return fields


def _no_constant(name: str) -> object:
    raise _BadJson(f"contains {name}, which is not valid JSON")


def _bad_body(message: str) -> InvalidRequest:
    return InvalidRequest(f"The body {message}.", [FieldError("body", message)])


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _at(value: object, *path: str) -> object:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
