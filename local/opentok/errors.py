"""What the service answers when it refuses a call.

VendorError
├── Forbidden      403, OpenTok's authentication
├── Unauthorized   401, the gateway in front of Vonage
├── BadRequest     400
├── NotFound       404
├── InvalidStream  408
├── Conflict       409
└── TooLarge       413
"""

from __future__ import annotations

__all__ = [
    "BadRequest",
    "Conflict",
    "Forbidden",
    "InvalidStream",
    "NotFound",
    "TooLarge",
    "Unauthorized",
    "VendorError",
]


class VendorError(Exception):
    """A refusal: the HTTP status, the vendor's code and the vendor's text.

    Attributes:
        status: of the HTTP answer.
        code: number in the body: the status again, -1, or one of the vendor's five digits.
        message: text in the body.
    """

    status = 500

    def __init__(self, message: str, code: int | None = None, *, status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status
        self.message = message
        self.code = self.status if code is None else code


class Forbidden(VendorError):
    """OpenTok does not take the credentials."""

    status = 403

    def __init__(self, message: str) -> None:
        super().__init__(message, -1)


class Unauthorized(VendorError):
    """The Vonage gateway does not take the credentials."""

    status = 401


class BadRequest(VendorError):
    """The parameters are not what they may be."""

    status = 400


class NotFound(VendorError):
    """No such session, stream, connection or archive, or nobody in it."""

    status = 404


class InvalidStream(VendorError):
    """The stream id is not one; the service says so with a status that means something else."""

    status = 408


class Conflict(VendorError):
    """The state of the session or archive forbids it."""

    status = 409


class TooLarge(VendorError):
    """A signal that is longer than signals may be."""

    status = 413
