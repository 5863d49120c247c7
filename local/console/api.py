"""Calls to the stack's API.

Browsers do not let pages of another origin call the API unless it is deployed with
`AllowedOrigins`. The page therefore calls this server, which forwards each call unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

__all__ = ["Api", "NoResponse", "Response"]

TIMEOUT = ClientTimeout(total=60)

#: The headers of the API's contract and of the vendor's REST API; no others are forwarded.
REQUEST_HEADERS = (
    "Authorization", "X-OPENTOK-AUTH", "Content-Type", "Idempotency-Key", "Accept",
)  # fmt: skip
RESPONSE_HEADERS = (
    "Content-Type", "Location", "Retry-After", "Cache-Control", "WWW-Authenticate",
    "apigw-requestid",
)  # fmt: skip


class NoResponse(Exception):
    """The server could not be reached, or took too long."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the API."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """Returns the body as an object; an empty one if it is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Api:
    """Client for one base address."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Forwards a call unchanged. `path` contains the query and is already encoded.

        Raises `NoResponse`.
        """
        sent = {name: headers[name] for name in REQUEST_HEADERS if name in headers}
        url = URL(self._base + path, encoded=True)
        try:
            async with self._session.request(
                method,
                url,
                headers=sent,
                data=body or None,
                timeout=TIMEOUT,
                allow_redirects=False,
                skip_auto_headers=("Content-Type",),
            ) as response:
                headers_kept = _kept(response.headers)
                return Response(response.status, headers_kept, await response.read())
        except (ClientError, TimeoutError) as error:
            raise NoResponse(f"{self._base} does not respond: {error!r}") from error

    async def call_as(self, token: str, method: str, path: str, body: object = None) -> Response:
        """Calls as the user with that token, with JSON unless `body` is None.

        Raises `NoResponse`.
        """
        headers = {"Authorization": f"Bearer {token}"}
        if body is None:
            return await self.call(method, path, headers)
        sent = {**headers, "Content-Type": "application/json"}
        return await self.call(method, path, sent, json.dumps(body).encode())


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in RESPONSE_HEADERS if name in headers}
