"""The errors of this package.

VendorError
├── Invalid                    the caller's input breaks the vendor's rules: `violations`
├── InvalidSessionId           the text is not a session id
├── InvalidCredentials         the credentials themselves are unusable
├── RequestRejected            the vendor understood the request and rejected it: `status`, `reason`
│   └── CredentialsRejected    … because of the credentials (401, 403)
└── ServiceUnavailable         no usable response within the deadline: `reason`, `retry_after`
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CredentialsRejected",
    "Invalid",
    "InvalidCredentials",
    "InvalidSessionId",
    "RequestRejected",
    "ServiceUnavailable",
    "VendorError",
    "Violation",
]


class Violation(NamedTuple):
    """One field that breaks a rule; `combination` if it only conflicts with other fields."""

    field: str
    message: str
    combination: bool = False


class VendorError(Exception):
    """Base class of all errors in this package."""


class Invalid(VendorError, ValueError):
    """The input breaks rules of the vendor; `violations` names every field that does."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.field}: {v.message}" for v in violations))
        self.violations = violations


class InvalidSessionId(VendorError, ValueError):
    """The text is not a session id of the vendor."""


class InvalidCredentials(VendorError, ValueError):
    """The credentials cannot be used: the message names the field, never its value."""


class RequestRejected(VendorError):
    """The vendor rejected the request; a retry would not help.

    `status` is its HTTP status, `reason` its message.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class CredentialsRejected(RequestRejected):
    """The vendor does not accept the credentials (401 or 403)."""


class ServiceUnavailable(VendorError):
    """The vendor gave no usable response in time; a retry may help after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
