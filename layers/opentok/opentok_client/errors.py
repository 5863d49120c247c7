"""What can go wrong between us and the vendor.

OpenTokError
├── Invalid                    the caller's input breaks the vendor's rules: `violations`
├── InvalidSessionId           the text is not a session id
├── InvalidCredentials         the credentials themselves are unusable
├── OpenTokRejected            the vendor understood us and said no: `status`, `reason`
│   └── CredentialsRefused     … because of who we say we are (401, 403)
└── OpenTokUnavailable         no usable answer within the budget: `reason`, `retry_after`
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CredentialsRefused",
    "Invalid",
    "InvalidCredentials",
    "InvalidSessionId",
    "OpenTokError",
    "OpenTokRejected",
    "OpenTokUnavailable",
    "Violation",
]


class Violation(NamedTuple):
    """One member that breaks a rule; `combination` when it is only wrong beside others."""

    member: str
    message: str
    combination: bool = False


class OpenTokError(Exception):
    """Base of everything that this package raises."""


class Invalid(OpenTokError, ValueError):
    """The input breaks rules of the vendor; `violations` names every member that does."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.member}: {v.message}" for v in violations))
        self.violations = violations


class InvalidSessionId(OpenTokError, ValueError):
    """The text is not a session id of the vendor."""


class InvalidCredentials(OpenTokError, ValueError):
    """The credentials cannot be used: the message says which member, never its value."""


class OpenTokRejected(OpenTokError):
    """The vendor refused the request; repeating it would not help.

    `status` is its HTTP status, `reason` its own words.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class CredentialsRefused(OpenTokRejected):
    """The vendor does not accept our credentials (401 or 403)."""


class OpenTokUnavailable(OpenTokError):
    """The vendor gave no usable answer in time; `retry_after` seconds later it may."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
