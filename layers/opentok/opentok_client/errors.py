"""The errors of this package.

VendorError
├── Invalid                    the caller's input breaks the vendor's rules: `violations`
├── InvalidSessionId           the text is not a session id
├── InvalidCredentials         the credentials themselves are unusable
├── RequestRejected            the vendor understood the request and rejected it: `status`, `reason`
│   ├── CredentialsRejected    … because of the credentials (401, 403)
│   ├── NotFound               … because the thing does not exist, or nobody is connected (404)
│   └── Conflict               … because of the state of the session or the thing (409)
└── ServiceUnavailable         no usable response within the deadline: `reason`, `retry_after`
    └── OutcomeUnknown         … and the vendor may have carried out what must not happen twice
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "Conflict",
    "CredentialsRejected",
    "Invalid",
    "InvalidCredentials",
    "InvalidSessionId",
    "NotFound",
    "OutcomeUnknown",
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

    `status` is its HTTP status, `reason` its message and `code` the number of the error in its
    documentation, such as 15008, if the response has one.
    """

    def __init__(self, status: int, reason: str, code: int | None = None) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason
        self.code = code


class CredentialsRejected(RequestRejected):
    """The vendor does not accept the credentials (401 or 403)."""


class NotFound(RequestRejected):
    """The addressed thing does not exist (404).

    For a live session this also means that nobody is connected to it. The caller decides whether
    that is a failure.
    """


class Conflict(RequestRejected):
    """The state of the session or of the addressed thing forbids the request (409)."""


class ServiceUnavailable(VendorError):
    """The vendor gave no usable response in time; a retry may help after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class OutcomeUnknown(ServiceUnavailable):
    """The response to a request that must not be repeated blindly was lost.

    The vendor may have carried it out. Look before you send it again.
    """
