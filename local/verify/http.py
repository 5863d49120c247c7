"""HTTP calls as an app makes them."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from local.verify.outcome import CheckFailed

__all__ = ["Response", "poll", "send"]

SECONDS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Response:
    """A response; header names are in lower case, `body` is the JSON or the text."""

    status: int
    headers: Mapping[str, str]
    body: Any = field(repr=False)

    def expect(self, *statuses: int) -> "Response":
        """Returns itself; raises `CheckFailed` if its status is none of these."""
        if self.status not in statuses:
            wanted = " or ".join(str(status) for status in statuses)
            raise CheckFailed(f"expected {wanted}, got {self.status}: {self.problem}")
        return self

    @property
    def problem(self) -> str:
        """What the response says of an error: the problem's code and detail, or its text."""
        if isinstance(self.body, dict):
            known = (self.body.get(name) for name in ("code", "title", "detail", "message"))
            return ", ".join(str(value) for value in known if value)
        return str(self.body)[:200]


def send(
    method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Sends a request and returns its response, whose status may be an error. Raises `OSError`."""
    sent = dict(headers or {})
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=data, headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return _response(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return _response(error.code, error.headers, error.read())


def poll(find: Callable[[], T | None], *, seconds: float, every: float = 2.0) -> T | None:
    """Calls `find` until it returns something; returns None when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(every)


def _response(status: int, headers: Any, content: bytes) -> Response:
    try:
        body: Any = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    return Response(status, {name.lower(): value for name, value in headers.items()}, body)
