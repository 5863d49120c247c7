"""The log of requests, without credentials."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from local.emulator.jwts import MalformedJwt, Unverified
from local.emulator.options import form_of
from local.emulator.rest_auth import CREDENTIAL_HEADERS

__all__ = ["Entry", "RequestLog"]

CAPACITY = 10_000
REMOVED = "(removed)"

_CREDENTIAL_HEADERS = frozenset(name.lower() for name in CREDENTIAL_HEADERS) | {"cookie"}
_CREDENTIAL_NAME = re.compile("secret|token|password|private|streamName|^headers$", re.IGNORECASE)
_TOKEN = re.compile(r"T1==[\w+/=-]*|[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}=*")


@dataclass(slots=True)
class Entry:
    """A logged call.

    Attributes:
        time: of arrival, in seconds since the epoch.
        claims: of the request's JWT; without the signature they grant nothing.
        form: of ``session/create``.
        body: of any other call, if it is JSON.
        status: of the response; None while it is pending, and if the connection was reset.
        duration_ms: until the response was sent.
        session: the session that ``session/create`` created.
        faulty: whether a fault was injected.
    """

    time: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    claims: dict[str, object] | None
    form: dict[str, str] | None
    body: object
    status: int | None = None
    duration_ms: float | None = None
    session: dict[str, object] | None = None
    faulty: bool = False

    def to_json(self) -> dict[str, object]:
        return {
            "time": self.time,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "claims": self.claims,
            "form": self.form,
            "body": self.body,
            "status": self.status,
            "durationMs": self.duration_ms,
            "session": self.session,
            "faulty": self.faulty,
        }


class RequestLog:
    """The last calls, oldest first, and the number of all calls."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=CAPACITY)
        self.total = 0

    def forget(self) -> None:
        self._entries.clear()
        self.total = 0

    def last(self, limit: int) -> list[Entry]:
        return list(self._entries)[-limit:]

    def add(
        self,
        time: float,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Entry:
        """Logs a call that has just arrived."""
        is_create = path == "/session/create"
        form = form_of(body) if is_create else None
        entry = Entry(
            time=time,
            method=method,
            path=_without_tokens(path),
            query=_without_credentials(query),
            headers={
                name: _without_tokens(value)
                for name, value in headers.items()
                if name.lower() not in _CREDENTIAL_HEADERS
            },
            claims=_claims(headers),
            form=None if form is None else _without_credentials(form),
            body=None if is_create else _json(body),
        )
        self._entries.append(entry)
        self.total += 1
        return entry


def _claims(headers: Mapping[str, str]) -> dict[str, object] | None:
    text = headers.get("X-OPENTOK-AUTH") or headers.get("Authorization", "").partition(" ")[2]
    try:
        return Unverified.read(text.strip()).claims
    except MalformedJwt:
        return None


def _json(body: bytes) -> object:
    try:
        return _cleaned(json.loads(body))
    except ValueError:
        return None


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: REMOVED if _CREDENTIAL_NAME.search(name) else _cleaned(field)
            for name, field in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(field) for field in value]
    return _without_tokens(value) if isinstance(value, str) else value


def _without_credentials(pairs: Mapping[str, str]) -> dict[str, str]:
    return {
        name: REMOVED if _CREDENTIAL_NAME.search(name) else _without_tokens(value)
        for name, value in pairs.items()
    }


def _without_tokens(text: str) -> str:
    return _TOKEN.sub(REMOVED, text)
