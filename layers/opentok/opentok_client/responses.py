"""What a response of the vendor means: success, rejection, or nothing certain."""

from __future__ import annotations

import json
import math
import re
from typing import NamedTuple, NoReturn
from urllib.parse import quote

from .errors import Conflict, CredentialsRejected, NotFound, RequestRejected

__all__ = ["Response", "Retryable", "check", "parsed"]

_JWT = re.compile(r"eyJ[\w.-]*", re.ASCII)
_REASON_MAX = 200
_HIDDEN = "\0"  # in place of a text, until all are replaced: no other text is found in it


class Response(NamedTuple):
    """A complete response. `retry_after` is in seconds, if the vendor states it."""

    status: int
    body: bytes
    retry_after: float | None


class Retryable(Exception):
    """A transient failure: the response does not depend on the request.

    `not_carried_out`: the vendor certainly has not carried out the request.
    """

    def __init__(
        self, reason: str, retry_after: float | None = None, *, not_carried_out: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.not_carried_out = not_carried_out


def check(response: Response, success: tuple[int, ...], sent: object = None) -> Response:
    """Returns a successful response.

    Raises `RequestRejected` or one of its subclasses for a rejection, and `Retryable` for a failure
    of the vendor. Their reasons do not quote the texts in `sent`, which may be credentials.
    """
    status = response.status
    if status in success:
        return response
    code, reason = _error(response.body, sent)
    if status in (408, 429) or status >= 500:
        raise Retryable(
            f"status {status}: {reason}", response.retry_after, not_carried_out=status == 429
        )
    if status in (401, 403):
        raise CredentialsRejected(status, reason, code)
    kind = {404: NotFound, 409: Conflict}.get(status, RequestRejected)
    raise kind(status, reason, code)


def parsed(body: bytes) -> object:
    """Returns the body's JSON value; None when it has none. `NaN` and infinities are not JSON."""
    try:
        value: object = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _error(body: bytes, sent: object) -> tuple[int | None, str]:
    """Returns the vendor's code and text: `message` from the service, `detail` from its gateway."""
    value = parsed(body)
    code = value.get("code") if isinstance(value, dict) else None
    match value:
        case {"message": str(text)} | {"detail": str(text)} | {"title": str(text)}:
            text = text.replace(_HIDDEN, "")
            for quoted in sorted(_texts(sent), key=len, reverse=True):
                text = text.replace(quoted, _HIDDEN)
            text = text.replace(_HIDDEN, "(a value)")
            text = _JWT.sub("(a token)", text)  # some responses quote the rejected header
            reason = "".join(c for c in text[:_REASON_MAX] if c.isprintable())
        case _:
            reason = "no reason given"
    return (code if isinstance(code, int) else None), reason


def _texts(value: object) -> set[str]:
    """Returns the texts in a JSON value, each also as JSON and URLs write it."""
    if isinstance(value, str):
        return {value, json.dumps(value)[1:-1], quote(value), quote(value, safe="")} - {""}
    if isinstance(value, dict):
        return {text for inner in value.values() for text in _texts(inner)}
    if isinstance(value, list | tuple):
        return {text for inner in value for text in _texts(inner)}
    return set()
