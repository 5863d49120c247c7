"""What a caller can be told, and the one table that gives it an HTTP status.

Problem                           what is wrong, in words for the caller: `detail`, `errors`
├── InvalidRequest                members are wrong or unknown: `errors` names every one
├── IllegalCombination            each member is fine alone, together the vendor forbids them
├── BodyTooLarge, NotJson         the body cannot be read at all
├── RoleNotAllowed, NotOwner      an admitted caller asks for more than is theirs
├── SessionNotFound               there is none, or none that this caller may see
├── SessionNotOpenYet             its `opensAt` has not come
├── SessionClosed                 closed, or its `closesAt` has passed
├── SessionOfAnotherProject       made under credentials that are no longer ours
├── IdempotencyConflict           the key stands for another request
├── RoomOptionsConflict           the room's live session contradicts what was asked
├── VendorRejected                the vendor refused us: an operator has to look
└── Unavailable                   not now: `retry_after` seconds later perhaps
    ├── VendorUnavailable
    ├── StorageUnavailable
    └── CredentialsUnavailable
DamagedRecord                     a stored item that cannot be read: our bug, not the caller's
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "INTERNAL_ERROR",
    "PROBLEMS",
    "BodyTooLarge",
    "CredentialsUnavailable",
    "DamagedRecord",
    "FieldError",
    "IdempotencyConflict",
    "IllegalCombination",
    "InvalidRequest",
    "Kind",
    "NotJson",
    "NotOwner",
    "Problem",
    "RoleNotAllowed",
    "RoomOptionsConflict",
    "SessionClosed",
    "SessionNotFound",
    "SessionNotOpenYet",
    "SessionOfAnotherProject",
    "StorageUnavailable",
    "Unavailable",
    "VendorRejected",
    "VendorUnavailable",
]


class FieldError(NamedTuple):
    """One wrong member: its name as the caller wrote it, and what is wrong with it."""

    field: str
    message: str


class Problem(Exception):
    """Something that the caller is told, in words meant for the caller."""

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class InvalidRequest(Problem):
    """Members are wrong, unknown or missing."""


class IllegalCombination(Problem):
    """Members that are right one by one exclude each other."""


class BodyTooLarge(Problem):
    """The body is longer than this API reads."""


class NotJson(Problem):
    """The body is declared as something other than JSON."""


class RoleNotAllowed(Problem):
    """The caller may take part, but not in the role, or the part, that was asked for."""


class NotOwner(Problem):
    """Only the owner and moderators may do this."""


class SessionNotFound(Problem):
    """No such session, as far as this caller is concerned: always in the same words."""

    def __init__(self) -> None:
        super().__init__("There is no such session, or none that you may see.")


class SessionNotOpenYet(Problem):
    """Its `opensAt` lies in the future."""


class SessionClosed(Problem):
    """It was closed, or its `closesAt` has passed."""


class SessionOfAnotherProject(Problem):
    """Tokens for it cannot be signed: it belongs to a project that is no longer ours."""


class IdempotencyConflict(Problem):
    """The same key came with another body before."""


class RoomOptionsConflict(Problem):
    """The room's live session was made with other options than those asked for."""


class VendorRejected(Problem):
    """The vendor refused our credentials or our request."""


class Unavailable(Problem):
    """Something that we depend on does not answer; after `retry_after` seconds it may."""

    def __init__(self, detail: str, retry_after: float = 2.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class VendorUnavailable(Unavailable):
    """The vendor gave no usable answer, and no pool could serve instead."""


class StorageUnavailable(Unavailable):
    """DynamoDB gave no usable answer, or too many callers wanted the same thing at once."""


class CredentialsUnavailable(Unavailable):
    """There are no usable credentials, neither from Secrets Manager nor from before."""


class DamagedRecord(Exception):
    """A stored item lacks something or holds something impossible; the message says which."""


class Kind(NamedTuple):
    """How a problem appears: in HTTP the status, the stable code and the title; and the metric
    that counts it, where an alarm wants to know of it."""

    status: int
    code: str
    title: str
    metric: str | None = None


PROBLEMS: dict[type[Problem], Kind] = {
    InvalidRequest: Kind(400, "invalid_request", "The request is not valid"),
    IllegalCombination: Kind(400, "illegal_combination", "These members exclude each other"),
    RoleNotAllowed: Kind(403, "role_not_allowed", "This role is not yours to have"),
    NotOwner: Kind(403, "not_owner", "Only the owner may do this"),
    SessionNotFound: Kind(404, "session_not_found", "No such session"),
    SessionNotOpenYet: Kind(409, "session_not_open_yet", "The session is not open yet"),
    IdempotencyConflict: Kind(409, "idempotency_conflict", "The key was used for another request"),
    RoomOptionsConflict: Kind(409, "room_options_conflict", "The room has other options"),
    SessionOfAnotherProject: Kind(
        409, "session_of_another_project", "The session belongs to another project"
    ),
    SessionClosed: Kind(410, "session_closed", "The session is closed"),
    BodyTooLarge: Kind(413, "body_too_large", "The body is too large"),
    NotJson: Kind(415, "not_json", "The body is not JSON"),
    VendorRejected: Kind(
        502, "opentok_rejected", "The video platform refused the request", "VendorRejected"
    ),
    VendorUnavailable: Kind(
        503, "opentok_unavailable", "The video platform does not answer", "VendorUnavailable"
    ),
    StorageUnavailable: Kind(
        503, "storage_unavailable", "The session records cannot be reached", "StorageUnavailable"
    ),
    CredentialsUnavailable: Kind(
        503,
        "credentials_unavailable",
        "The video platform's credentials cannot be had",
        "CredentialsUnavailable",
    ),
}

INTERNAL_ERROR = Kind(500, "internal_error", "Something is wrong on our side", "InternalError")
