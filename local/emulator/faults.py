"""Faults of the service, injected on demand.

A fault is a JSON object; every field is optional:

``status``       the call is *not* executed and gets this status. Without it the call is
                 executed, and the other fields alter its response.
``body``         ``json``, ``xml`` (the vendor's error shapes), ``html``, ``empty``, ``emptyList``,
                 ``wrongShape``, ``huge`` (50 MB), ``truncated`` (half of the announced length).
``text``         this text as the body.
``headers``      headers to set: ``Retry-After``, ``Location``, another ``Content-Type``, …
``delayMs``      wait before responding; the call is executed immediately.
``byteDelayMs``  wait between the bytes of the body.
``reset``        true: end the connection with a TCP reset instead of a response.
``count``        number of calls that are affected (default: all).
``share``        share of the calls that are affected, above 0 and up to 1. Deterministic.
``path``         only calls whose path starts with this.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from http import HTTPStatus

from local.emulator.errors import Forbidden, VendorError
from local.emulator.serializers import JSON, XML, error_json, error_xml

__all__ = ["Body", "Fault", "Faults", "InvalidFault"]

HUGE_BYTES = 50_000_000
HTML = "text/html"


class InvalidFault(ValueError):
    """The fault is invalid; the message names the field."""


class Body(StrEnum):
    JSON = "json"
    XML = "xml"
    HTML = "html"
    EMPTY = "empty"
    EMPTY_LIST = "emptyList"
    WRONG_SHAPE = "wrongShape"
    HUGE = "huge"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject."""

    status: int | None = None
    body: Body | None = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: float = 0
    byte_delay_ms: float = 0
    reset: bool = False
    count: int | None = None
    share: float = 1
    path: str = "/"

    @classmethod
    def from_json(cls, value: object) -> Fault:
        """Parses a fault.

        Raises:
            InvalidFault: naming the first unknown or invalid field.
        """
        if not isinstance(value, dict):
            raise InvalidFault("a fault must be a JSON object")
        unknown = set(value) - _FIELDS
        if unknown:
            raise InvalidFault(f"unknown field: {min(unknown)}")
        body, status, count = value.get("body"), value.get("status"), value.get("count")
        if body is not None and body not in list(Body):
            raise InvalidFault("body must be one of " + ", ".join(Body))
        if status is not None and not (_is_integer(status) and 200 <= status <= 599):
            raise InvalidFault("status must be an integer from 200 to 599")
        if count is not None and not (_is_integer(count) and count >= 1):
            raise InvalidFault("count must be a positive integer")
        share = _number(value, "share", 1)
        if not 0 < share <= 1:
            raise InvalidFault("share must be above 0 and at most 1")
        headers = value.get("headers", {})
        if not isinstance(headers, dict) or not all(map(_is_header, headers.items())):
            raise InvalidFault("headers must be an object with printable string values")
        for name in ("text", "path"):
            if not isinstance(value.get(name, ""), str):
                raise InvalidFault(f"{name} must be a string")
        if not isinstance(value.get("reset", False), bool):
            raise InvalidFault("reset must be true or false")
        return cls(
            status=status,
            body=None if body is None else Body(body),
            text=value.get("text"),
            headers=headers,
            delay_ms=_number(value, "delayMs", 0),
            byte_delay_ms=_number(value, "byteDelayMs", 0),
            reset=value.get("reset", False),
            count=count,
            share=share,
            path=value.get("path", "/"),
        )

    def to_json(self) -> dict[str, object]:
        """Returns the parsed fault without unset fields."""
        fields: dict[str, object] = {
            "status": self.status,
            "body": self.body,
            "text": self.text,
            "headers": dict(self.headers) or None,
            "delayMs": self.delay_ms or None,
            "byteDelayMs": self.byte_delay_ms or None,
            "reset": self.reset or None,
            "count": self.count,
            "share": self.share if self.share < 1 else None,
            "path": self.path if self.path != "/" else None,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def replacement(self) -> tuple[str, bytes] | None:
        """Returns the content type and body that replace the real ones, or None to keep them."""
        if self.text is not None:
            return JSON, self.text.encode()
        body = self.body
        if body is None or body is Body.TRUNCATED:
            if self.status is None:
                return None
            body = Body.JSON if self.status >= 400 else Body.EMPTY
        return self._typed(body)

    def _typed(self, body: Body) -> tuple[str, bytes]:
        status = self.status or 200
        phrase = HTTPStatus(status).phrase if status in _KNOWN_STATUSES else "Unknown error"
        error = Forbidden(phrase) if status == 403 else VendorError(phrase, status=status)
        match body:
            case Body.XML:
                return XML, error_xml(error)
            case Body.HTML:
                page = f"<html><head><title>{status} {phrase}</title></head>"
                return HTML, f"{page}<body><h1>{phrase}</h1></body></html>".encode()
            case Body.EMPTY:
                return HTML, b""
            case Body.EMPTY_LIST:
                return JSON, b"[]"
            case Body.WRONG_SHAPE:
                return JSON, b'{"sessions":{"session_id":null}}'
            case Body.HUGE:
                return JSON, _huge()
            case _:
                return JSON, error_json(error)


class Faults:
    """Decides which calls are affected by the configured fault."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.met = 0
        self._dice = random.Random(0)  # noqa: S311 - must be repeatable

    def set(self, fault: Fault | None) -> None:
        """Configures a fault; None removes it."""
        self.fault = fault
        self.met = 0
        self._dice.seed(0)

    @property
    def remaining(self) -> int | None:
        """Returns the number of calls still to be affected; None if there is no limit."""
        if self.fault is None or self.fault.count is None:
            return None
        return self.fault.count - self.met

    def next(self, path: str) -> Fault | None:
        """Returns the fault for a call to this path, if any."""
        fault = self.fault
        if fault is None or self.remaining == 0 or not path.startswith(fault.path):
            return None
        if self._dice.random() >= fault.share:
            return None
        self.met += 1
        return fault


_FIELDS = frozenset(
    {
        "status",
        "body",
        "text",
        "headers",
        "delayMs",
        "byteDelayMs",
        "reset",
        "count",
        "share",
        "path",
    }
)
_KNOWN_STATUSES = frozenset(HTTPStatus)


@cache
def _huge() -> bytes:
    """Created once, because several calls may send it at the same time."""
    return b'[{"session_id":"' + b"x" * HUGE_BYTES + b'"}]'


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_header(item: tuple[str, object]) -> bool:
    name, value = item
    return name.isprintable() and isinstance(value, str) and value.isprintable()


def _number(value: Mapping[str, object], name: str, default: float) -> float:
    number = value.get(name, default)
    if not isinstance(number, int | float) or isinstance(number, bool) or number < 0:
        raise InvalidFault(f"{name} must be a non-negative number")
    return number
