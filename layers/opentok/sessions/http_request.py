"""What API Gateway passes on of a request (HTTP API, payload 2.0): caller, path, query, body.

Nothing of it is trusted but the claims, which the gateway has verified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from opentok_client.grant import has_utf8_form
from opentok_client.session_id import POSSIBLE_ID

from .errors import BodyTooLarge, FieldError, InvalidRequest, NotJson, SessionNotFound
from .models import SUB_MAX, Caller
from .settings import Settings
from .store import KeyClaim

__all__ = ["BODY_MAX_BYTES", "Event", "Request"]

BODY_MAX_BYTES = 64 * 1024
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,128}")

Event = Mapping[str, Any]


class Request:
    """One event of the gateway. What a caller sent wrong raises a `Problem` when it is read."""

    def __init__(self, event: object, settings: Settings) -> None:
        self._event: Event = event if isinstance(event, Mapping) else {}
        self._settings = settings

    @property
    def id(self) -> str:
        """The gateway's id of the request, which the caller sees as well."""
        value = _at(self._event, "requestContext", "requestId")
        return value if isinstance(value, str) else ""

    @property
    def route(self) -> str:
        """The route as the template names it, such as `POST /sessions`."""
        value = self._event.get("routeKey")
        return value if isinstance(value, str) else ""

    @property
    def caller(self) -> Caller:
        """Who asks, from claims that the gateway has verified."""
        claims = _at(self._event, "requestContext", "authorizer", "jwt", "claims")
        claims = claims if isinstance(claims, Mapping) else {}
        sub = claims.get("sub")
        if not isinstance(sub, str) or not 1 <= len(sub) <= SUB_MAX or not has_utf8_form(sub):
            error = FieldError("sub", f"the JWT must have this claim, of 1 to {SUB_MAX} characters")
            raise InvalidRequest("The caller is not known: the JWT has no usable `sub`.", [error])
        groups = _groups(claims.get(self._settings.moderators_claim))
        return Caller(sub, moderator=self._settings.moderators_group in groups)

    @property
    def has_session_id(self) -> bool:
        """Whether the route names one session."""
        return _at(self._event, "pathParameters", "sessionId") is not None

    @property
    def session_id(self) -> str:
        """The id in the path. What cannot be one is not found, without looking."""
        value = _at(self._event, "pathParameters", "sessionId")
        if not isinstance(value, str) or not POSSIBLE_ID.fullmatch(value):
            raise SessionNotFound
        return value

    @property
    def query(self) -> Mapping[str, object]:
        """The parameters of the query."""
        value = self._event.get("queryStringParameters")
        return value if isinstance(value, Mapping) else {}

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        headers = self._event.get("headers")
        if isinstance(headers, Mapping):
            for key, value in headers.items():
                if isinstance(key, str) and key.lower() == name and isinstance(value, str):
                    return value
        return None

    def json(self) -> dict[str, object]:
        """The members of the body; none when there is no body, as all of ours are optional.

        Raises `BodyTooLarge`, `NotJson` or `InvalidRequest`.
        """
        raw = self._raw_body()
        if not raw:
            return {}
        content_type = (self.header("content-type") or "application/json").partition(";")[0]
        if not re.fullmatch(r"application/([\w.-]+\+)?json", content_type.strip().lower()):
            raise NotJson("The Content-Type must be application/json.")
        try:
            value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
            _canonical(value).encode()  # fails for what has no UTF-8 form: lone surrogates
        except RecursionError:
            raise _bad_body("is nested too deeply") from None
        except ValueError as error:
            message = str(error) if isinstance(error, _BadJson) else "is not valid JSON in UTF-8"
            raise _bad_body(message) from None
        if not isinstance(value, dict):
            raise _bad_body("must be a JSON object")
        return value

    def wrong_headers(self) -> list[FieldError]:
        """What is wrong with the headers."""
        key = self.header("idempotency-key")
        if key is None or _IDEMPOTENCY_KEY.fullmatch(key):
            return []
        return [FieldError("Idempotency-Key", "must have 1 to 128 printable ASCII characters")]

    def idempotency_key(self, caller: Caller, body: Mapping[str, object]) -> KeyClaim | None:
        """The key as it is stored: hashed with the caller, so that two callers never meet."""
        key = self.header("idempotency-key")
        if key is None:
            return None
        return KeyClaim(_sha256(_canonical([caller.sub, key])), _sha256(_canonical(body)))

    def _raw_body(self) -> bytes:
        body = self._event.get("body")
        if body is None:
            return b""
        if not isinstance(body, str):
            raise _bad_body("must be text")
        # Characters are at most as many as bytes; base64 is a third longer than what it holds.
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


class _BadJson(ValueError):
    """JSON that a parser takes and nobody can mean."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = sorted({name[:100] for name, number in times.items() if number > 1})
        raise _BadJson(f"names a member twice: {', '.join(twice)}")
    return members


def _no_constant(name: str) -> object:
    raise _BadJson(f"holds {name}, which is not JSON")


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


def _groups(claim: object) -> list[str]:
    """Group names in every form that issuers and gateways give them: a list, a JSON list as text,
    `[a b]` (what an HTTP API makes of a list), or names with spaces between."""
    if isinstance(claim, list):
        return [name for name in claim if isinstance(name, str)]
    if not isinstance(claim, str):
        return []
    if claim.startswith('["'):
        try:
            return _groups(json.loads(claim))
        except (ValueError, RecursionError):
            return []
    return claim.removeprefix("[").removesuffix("]").split()
