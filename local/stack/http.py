"""The few lines of HTTP that the demo needs to be a mobile app."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "call"]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


def call(method: str, url: str, *, token: str | None = None, body: object = None) -> Answer:
    """Send JSON, get JSON; an error status is an answer, too. Raises `OSError` without one."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, _decoded(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _decoded(error.read()))


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")
