"""Every failure that a caller can see, each with its HTTP status, code, title and metric.

`Problem` is the base class. `Unavailable` is the base of the transient ones, which are answered
with `Retry-After`. `DamagedRecord` is not a problem of the caller's: it becomes a 500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple


class FieldError(NamedTuple):
    """One invalid field: its name as the caller wrote it, and what is wrong with it."""

    field: str
    message: str


class ProblemType(NamedTuple):
    """What all problems of one class share. `metric` is counted when an alarm depends on it."""

    status: int
    code: str
    title: str
    metric: str | None = None


INTERNAL_ERROR = ProblemType(500, "internal_error", "Internal server error", "InternalError")


class Problem(Exception):
    """A failure with a `detail` that is written for the caller."""

    type: ClassVar[ProblemType] = INTERNAL_ERROR
    retry_after: float | None = None  # seconds
    headers: Mapping[str, str] = MappingProxyType({})
    extension: Mapping[str, object] = MappingProxyType({})  # further fields of the response

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class InvalidRequest(Problem):
    """Fields are invalid, unknown or missing; `errors` names every one."""

    type = ProblemType(400, "invalid_request", "Invalid request")


class InvalidCombination(Problem):
    """Each field is valid by itself, but the vendor or this API excludes the combination."""

    type = ProblemType(400, "invalid_combination", "Invalid combination of options")


class RoleNotAllowed(Problem):
    """An admitted caller asks for a role, or an operation, that the caller may not have."""

    type = ProblemType(403, "role_not_allowed", "Role not allowed")


class NotOwner(Problem):
    """Only the owner and moderators may do this."""

    type = ProblemType(403, "not_owner", "Only the owner may do this")


class SessionNotFound(Problem):
    """The session does not exist, or this caller may not know that it does: the same response."""

    type = ProblemType(404, "session_not_found", "Session not found")

    def __init__(self) -> None:
        super().__init__("The session does not exist, or the caller has no access to it.")


class RoomNotFound(Problem):
    """The room has no record, or this caller may not know that it has: the same response."""

    type = ProblemType(404, "room_not_found", "Room not found")

    def __init__(self) -> None:
        super().__init__("The room does not exist, or the caller has no access to it.")


class AlreadyRegistered(Problem):
    """The session to be registered has another owner; only for callers who may see it."""

    type = ProblemType(409, "already_registered", "The session is already registered")


class ConnectionNotFound(Problem):
    """No such client is connected to the session."""

    type = ProblemType(404, "connection_not_found", "Connection not found")

    def __init__(self) -> None:
        super().__init__("No such client is connected to the session.")


class SessionFull(Problem):
    """As many clients are connected as `maxConnections` allows."""

    type = ProblemType(409, "session_full", "The session is full")


class SessionNotOpenYet(Problem):
    """The session's `opensAt` lies in the future."""

    type = ProblemType(409, "session_not_open_yet", "The session is not open yet")


class IdempotencyConflict(Problem):
    """The Idempotency-Key was used with a different request body."""

    type = ProblemType(409, "idempotency_conflict", "Idempotency-Key already used")


class RoomOptionsConflict(Problem):
    """The room's live session was created with other options than the request names."""

    type = ProblemType(409, "room_options_conflict", "The room has different options")


class SessionOfAnotherProject(Problem):
    """Tokens for the session cannot be signed: it belongs to a project that is no longer used."""

    type = ProblemType(
        409, "session_of_another_project", "The session belongs to a different project"
    )


class SessionClosed(Problem):
    """The session was closed, or its `closesAt` has passed."""

    type = ProblemType(410, "session_closed", "The session is closed")


class CallbackRefused(Problem):
    """A callback's signature is invalid, or does not belong to its body or to its time."""

    type = ProblemType(401, "callback_refused", "The callback is refused")


class CallbackKindUnknown(Problem):
    """The path names no kind of callback."""

    type = ProblemType(404, "callback_kind_unknown", "Unknown kind of callback")

    def __init__(self) -> None:
        super().__init__("There is no such kind of callback.")


class BodyTooLarge(Problem):
    """The body exceeds the limit of this API."""

    type = ProblemType(413, "body_too_large", "The body is too large")


class NotJson(Problem):
    """The body is declared as something other than JSON."""

    type = ProblemType(415, "not_json", "The body is not JSON")


class TooManyRequests(Problem):
    """The caller has reached a limit of this deployment; retrying works after `retry_after`
    seconds. `headers` describe the limit."""

    type = ProblemType(429, "too_many_requests", "Too many requests")

    def __init__(self, detail: str, retry_after: float, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.headers = headers


class VendorRejected(Problem):
    """The vendor rejected our credentials or our request."""

    type = ProblemType(
        502, "vendor_rejected", "The video platform rejected the request", "VendorRejected"
    )


class Unavailable(Problem):
    """A dependency does not respond; the caller may retry after `retry_after` seconds."""

    retry_after: float

    def __init__(self, detail: str, retry_after: float = 2.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class VendorUnavailable(Unavailable):
    """The vendor gave no usable response, and no pool could serve the request instead."""

    type = ProblemType(
        503, "vendor_unavailable", "The video platform is unavailable", "VendorUnavailable"
    )


class StorageUnavailable(Unavailable):
    """DynamoDB gave no usable response, or a request lost too many races."""

    type = ProblemType(
        503, "storage_unavailable", "The session store is unavailable", "StorageUnavailable"
    )


class CallbackUnverifiable(Unavailable):
    """An event has no signature, or no secret is configured: the vendor should send it again."""

    type = ProblemType(
        503, "callback_unverifiable", "The callback cannot be verified", "CallbackUnverifiable"
    )


class CredentialsUnavailable(Unavailable):
    """There are no usable credentials, neither in Secrets Manager nor cached."""

    type = ProblemType(
        503,
        "credentials_unavailable",
        "Video platform credentials unavailable",
        "CredentialsUnavailable",
    )


class DamagedRecord(Exception):
    """A stored item lacks an attribute or holds an impossible value; the message names it."""
