"""A minimal JSON client."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

__all__ = ["Response", "call"]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Any


def call(method: str, url: str, *, token: str | None = None, body: object = None) -> Response:
    """Sends JSON and returns the response, error statuses included.

    Raises `OSError` when there is no response.
    """
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return Response(response.status, _decoded(response.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, _decoded(error.read()))


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")
