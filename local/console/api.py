"""Calls to the stack's API.

The API answers no other origin's scripts unless it is deployed with `AllowedOrigins`, which by
default it is not. So the page asks this server, which carries each call there and back as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

__all__ = ["Answer", "Api", "NoAnswer"]

TIMEOUT = ClientTimeout(total=60)

#: What a caller sends beside the body, and what comes back, of the API's contract.
REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Accept")
ANSWER_HEADERS = (
    "Content-Type", "Location", "Retry-After", "Cache-Control", "WWW-Authenticate",
    "apigw-requestid",
)  # fmt: skip


class NoAnswer(Exception):
    """The other side could not be reached, or took too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as an object; empty when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Api:
    """One base address, and the connections to it."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send a call as it is; `path` holds the query, and is encoded already.

        Raises `NoAnswer`.
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
            ) as answer:
                kept = {
                    name: answer.headers[name] for name in ANSWER_HEADERS if name in answer.headers
                }
                return Answer(answer.status, kept, await answer.read())
        except (ClientError, TimeoutError) as error:
            raise NoAnswer(f"{self._base} does not answer: {error!r}") from error

    async def call_as(self, token: str, method: str, path: str, body: object) -> Answer:
        """Call with JSON as the user whose token it is. Raises `NoAnswer`."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self.call(method, path, headers, json.dumps(body).encode())


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in ANSWER_HEADERS if name in headers}
